"use strict";
// Every standard command, by setter or by name, and what a handler can put into a record.
const sdk = require("@sailpoint/connector-sdk");

const attributes = { id: "1", name: "one", on: true, many: ["a", "b"], none: null };
const account = (input, more) => ({ identity: input.identity ?? "1", key: input.key, attributes, ...more });
const one = (make) => async (context, input, res) => res.send(make(input));
const connector = sdk.createConnector();

const outputs = {
	"std:test-connection": () => ({}),
	"std:config-options:read": (input) => ({ options: { [input.key]: ["x", "y"] } }),
	"std:account:read": (input) => account(input),
	"std:account:create": (input) => ({ ...account({}), attributes: input.attributes, results: [{ attribute: "name", status: "error",
	    messages: [{ level: "WARN", message: "kept" }] }] }),
	"std:account:update": (input) => (input.changes.length === 0 ? {} : account(input, { changes: input.changes })),
	"std:account:delete": () => ({}),
	"std:account:enable": (input) => account(input, { disabled: false }),
	"std:account:disable": (input) => account(input, { disabled: true }),
	"std:account:unlock": (input) => account(input, { locked: false }),
	"std:account:discover-schema": () => ({ displayAttribute: "name", identityAttribute: "id", groupAttribute: "many",
	    attributes: [{ name: "id", type: "string", description: "id" }] }),
	"std:entitlement:read": (input) => ({ identity: input.identity, type: input.type, attributes }),
	"std:authenticate": (input) => account({ identity: input.username }),
	"std:change-password": () => ({}),
	"std:source-data:discover": () => [{ key: "k", label: "l", subLabel: "s" }],
	"std:source-data:read": () => [],
};
for (const [name, make] of Object.entries(outputs))
	connector.command(name, one(make));

connector.stdAccountList(async (context, input, res) => {
	class Odd { constructor() { this.kept = 1; this.method = () => 1; } }

	res.send({ identity: "odd", attributes: { date: new Date(86400000), nan: NaN, infinite: -Infinity, gone: undefined,
	    map: new Map([[1, 2]]), set: new Set([1]), odd: new Odd(), sparse: [1, , undefined, () => 1], zero: -0, big: 1e21, small: 1e-7,
	    lone: "\ud800", text: "\u0000\u001f\u007f\u2028\"\\/\u00e9\u{1f600}", nested: { b: 1, a: { toJSON: () => "said" } } } });
	res.keepAlive();
	res.send({ identity: "input", attributes: { stateful: input.stateful, state: input.state, schema: input.schema } });
	res.saveState({ cursor: "42", nested: { a: [1] } });
	res.patchConfig([{ op: "replace", path: "/connectorAttributes/x", value: 1 }]);
});
connector.stdEntitlementList(async (context, input, res) => {
	for (let i = 0; i < 3; i++)
		await new Promise((resolve) => setTimeout(resolve, 1)).then(() =>
		    res.send({ identity: `${input.type}-${i}`, type: input.type, attributes }));
});
connector.command("std:application-discovery:list", async (context, input, res) => {
	res.send({ id: "a", primaryAppName: "A", description: "", licenseCount: 1.5 });
});
// What later SDKs do of themselves: the handler once for each dataset, which is stamped into its outputs.
for (const name of ["std:agent:list", "std:machine-identity:list", "std:resource:list"])
	connector.command(name, async (context, input, res) => {
		for (const datasetId of input.datasetIds)
			res.send({ identity: `${name}-${datasetId}`, attributes, datasetId });
	});
for (const name of ["discover", "read", "create", "update", "status-update", "delete", "verify", "replace"])
	connector.command(`std:ssf-stream:${name}`, one((input) => ({ identity: name, uuid: "u", key: { simple: { id: "k" } }, stream: input.stream })));
// What JSON makes of the things that JavaScript has.
connector.command("own:values", async (context, input, res) => {
	const cut = Object.create({ inherited: 1 }, { hidden: { value: 1 }, shown: { value: 2, enumerable: true } });

	for (const value of [new Date(NaN), new Date("2026-01-02T03:04:05.678Z"), /x/g, new Error("kept from sight"), Buffer.from("ab"),
	    new Uint8Array([1, 2]), new Float64Array([0.1, NaN]), new Number(3), new String("s"), new Boolean(false), Symbol.iterator,
	    new URL("https://a.example/x?y#z"), new URLSearchParams("a=1"), new Proxy({ a: 1 }, {}), new Proxy([1], {}), Object.create(null), cut,
	    JSON.parse("{\"__proto__\":{\"a\":1},\"constructor\":2}"), { 2: "b", 1: "a", z: 0, y: [, ] }, { get now() { return 1; } },
	    { toJSON() { return undefined; } }, { toJSON(key) { return `key ${key}`; } }, [undefined, () => 1, Symbol("s"), null, -0, 1e400],
	    new WeakMap(), Promise.resolve(1), new ArrayBuffer(4), 0.1 + 0.2, 123456789012345680000, 5e-324, true, "", "\udfff\ud800", "\u007f\u0080\u2029",
	    { data: 1, type: "output" }, { type: "state", data: {} }, [], {}, [[]], [{}]])
		res.send({ value, list: [value] });
});
connector.command("own:echo", async (context, input, res) => {
	res.send(input);
	res.send([1, "two", null]);
	res.send("text");
	res.send(null);
});

module.exports.connector = connector;
