"use strict";
/*
 * context.js -- what a bundle finds around its handlers: environment, context object, customizers.
 */
const safe = require("./safe.js");

/*
 * process.env of the bundle.  The process's own environment is empty and stays so: this object looks like one, and
 * holds CONNECTOR_CONFIG for an SDK that has no other way to its config.
 */
function environment(config) {
	const values = { CONNECTOR_CONFIG: Buffer.from(JSON.stringify(config)).toString("base64") };

	return new Proxy(values, {
		set(target, name, value) {
			target[name] = `${value}`;
			return true;
		},
		defineProperty(target, name, how) {
			return Reflect.defineProperty(target, name, "value" in how ? { ...how, value: `${how.value}` } : how);
		},
	});
}

/* The place a JSON pointer names: its holder and its last step.  The platform's prefix stands for the config itself. */
function place(config, pointer) {
	const steps = pointer.split("/").slice(1).map((s) => s.replaceAll("~1", "/").replaceAll("~0", "~"));
	let at = config;

	if (steps.length > 1 && steps[0] === "connectorAttributes")
		steps.shift();
	for (const step of steps.slice(0, -1))
		at = Object.hasOwn(at, step) ? at[step] : undefined;
	return [at, steps[steps.length - 1]];
}

/* The config as it is after the patches that this invocation has sent; what does not fit is passed over. */
function patched(text, patches) {
	const config = JSON.parse(text);

	for (const { op, path, value } of patches.flat()) {
		const [holder, step] = typeof path === "string" && path !== "" ? place(config, path) : [];

		if (holder === null || typeof holder !== "object" || step === "__proto__")
			continue;
		if (Array.isArray(holder) && op !== "replace")
			holder.splice(step === "-" ? holder.length : Number(step), op === "remove" ? 1 : 0,
			    ...(op === "remove" ? [] : [value]));
		else if (op === "remove")
			delete holder[step];
		else
			holder[step] = value;
	}
	return config;
}

/*
 * The context of handlers.  assumeAwsRole and getOAuth2AccessToken are services of the platform: they are not there,
 * as they are not on the development server.
 */
function makeContext(request, bundle, spec, sent, customizers) {
	const text = JSON.stringify(request.config ?? {});

	return {
		id: request.connectorRef ?? bundle.name,
		name: spec?.name ?? bundle.name,
		version: request.version,
		connectorInstanceId: request.config?.spConnectorInstanceId,
		invocationId: request.id,
		requestId: request.id,
		commandType: request.type,
		reloadConfig: async () => patched(text, sent),
		customizedOperation: async function customizedOperation(id, input) {
			for (let i = 0; i < customizers.length; i++) {
				const handlers = customizers[i].customizedOperationHandlers;

				if (handlers !== undefined && safe.mapHas(handlers, id))
					return safe.mapGet(handlers, id)(this, input);
			}
			throw new safe.Error(`no customizer has the operation ${id}`);
		},
	};
}

/*
 * Two customizers act as one: beside the connector (inner), and linked from another bundle (outer).  The linked one is
 * run by its own SDK, so that its log lines have their context.
 */
function joinCustomizers(inner, outer) {
	if (inner == null && outer == null)
		return undefined;
	if (outer == null)
		return inner;
	const linked = (key) => (outer.handlers.has(key) ? (context, input) => outer._exec(key, context, input) : undefined);

	return {
		handlerKey: (when, type) => `${when}:${type}`,
		handlers: {
			get(key) {
				const own = inner?.handlers.get(key), other = linked(key);
				const [one, two] = key.startsWith("before:") ? [other, own] : [own, other];

				if (one === undefined || two === undefined)
					return one ?? two;
				return async (context, data) => two(context, await one(context, data));
			},
		},
	};
}

module.exports = Object.freeze({ environment, makeContext, joinCustomizers, patched });
