"use strict";
/*
 * host.js -- runs one command of a connector bundle, and is then gone.
 *
 *	node host.js [--locked] [--ahead] [--name NAME] [--customizer FOLDER] [--cache FILE] FOLDER
 *
 * A bundle is what `spcx package` makes: index.js and connector-spec.json.  It runs here as on the platform, without a
 * change: its connector (an object or an async factory) is made inside the request's config scope and executes the
 * command; records become result lines; how it ended becomes the verdict.  See bascule-node(7).
 *
 *	--locked	says "locked" itself, once all is loaded that needs no request
 *	--name		what the bundle is called, where its folder has another name
 *	--cache		V8's code for it, if the file is there: what the command bascule:compile gave
 *	--ahead		loads what bundles commonly need, and compiles all of this one, while it waits (a parked process)
 *
 * Plain CommonJS and no package: an ES module would cost a fifth of Node's start again.  What is installed is one file
 * (join.sh).
 */
require("./flags.js");
const safe = require("./safe.js");
const { FD, readRequest, write } = require("./wire.js");
const { openResults } = require("./results.js");
const verdict = require("./verdict.js");
const { secretsOf } = require("./secrets.js");
const { Bundle, member } = require("./bundle.js");
const { watchLogs } = require("./logs.js");
const { trust } = require("./trust.js");
const { environment, makeContext, joinCustomizers } = require("./context.js");

const LATE_MS = 250;			/* how long work that nobody awaited may show itself after the handler's return */
const LATE_STEP_MS = 5;
const USAGE_EXIT = 64;
const COMPILE = "bascule:compile";	/* a command of the launcher's own */
const CODE_BYTES = 96 * 1024;		/* in one record, before base64 */
const AHEAD = ["http", "https", "tls", "net", "dns", "zlib", "crypto", "url", "util", "events", "async_hooks", "assert"];
const STANDARD_STREAMS = Object.freeze({ __proto__: null, PipeWrap: 1, TTYWrap: 1 });

/* Who is at work: nothing yet, the bundle's handler, what it left behind; then the verdict. */
let stage = "boot", context = {};

/* The only way out.  reason: null for a good end. */
function end(reason) {
	let status = 1;

	if (stage === "ended")
		return;
	stage = "ended";
	process.exit = () => {};
	if (reason !== null && safe.hasOwn(reason, "stack"))
		verdict.log("ERROR", fieldsOf(context), `Connector error ${verdict.cut(reason.stack, verdict.STACK_CHARS_MAX)}`);
	try {
		safe.emit("exit", 0);		/* loggers write out what they hold */
	} catch {
		/* It ends anyway. */
	}
	try {
		status = verdict.writeVerdict(reason);
	} catch {
		/* Nobody reads. */
	}
	safe.reallyExit(status);
}

function fieldsOf(c) {
	return { id: c.id, version: c.version, invocationId: c.invocationId, requestId: c.requestId, commandType: c.commandType };
}

/* What ends a process in other ways is a verdict here, with its name. */
function watch() {
	const alone = (event) => process.listenerCount(event) === 1;

	process.on("uncaughtException", (e) => {
		if (alone("uncaughtException"))
			end(verdict.reasonOf(e, "uncaught exception: "));
	});
	process.on("unhandledRejection", (e) => {
		if (alone("unhandledRejection"))
			end(verdict.reasonOf(e, "a promise was rejected and nobody awaited it: "));
	});
	process.on("exit", () => {
		if (stage !== "ended")
			end({ message: "the handler did not end: its promise is open and nothing is left to wait for" });
	});
	process.exit = (code) => {
		end({ message: `the connector called process.exit(${code ?? process.exitCode ?? ""})` });
	};
	/* It would start the inspector. */
	process.on("SIGUSR1", () => {});
}

/* What keeps the process alive and is not its own standard streams. */
function underWay() {
	const all = safe.activeResources(), left = [];

	for (let i = 0; i < all.length; i++)
		if (STANDARD_STREAMS[all[i]] !== 1)
			left[left.length] = all[i];
	return left;
}

const turn = () => new safe.Promise((resolve) => safe.setImmediate(resolve));
const pause = (ms) => new safe.Promise((resolve) => safe.setTimeout(resolve, ms));

/* A handler that returns too early is seen by what it left behind: a late record, a late failure. */
async function settle() {
	const until = safe.now() + LATE_MS;
	let left;

	stage = "late";
	await turn();
	while ((left = underWay()).length > 0 && safe.now() < until)
		await pause(LATE_STEP_MS);
	if (left.length > 0)
		verdict.log("WARN", fieldsOf(context), `the handler returned and left work behind, which is cut off: ${safe.join(left, ", ")}`);
}

/* In the scope of each SDK that lies beside a bundle, from the outer to the inner. */
async function within(scopes, config, work) {
	const [scope, ...rest] = scopes;

	if (scope === undefined)
		return work();
	return scope(config, () => within(rest, config, work));
}

/* What no handler gave, and the platform does not ask for; and what it does. */
function outputsJudged(results, request) {
	if (!results.rules.single || results.outputs() > 0)
		return;
	if (request.type !== "std:account:delete")
		throw new safe.Error(`${request.type} ended without an output; it gives exactly one`);
	/* Whatever comes of a delete is ignored by every caller, and some connectors send nothing. */
	results.output({});
}

/* Always answered: a connector whose factory fails on an empty config still has its specification. */
async function specInstead(request, spec, results, e) {
	if (request.type !== "std:spec:read" || spec === null || results.outputs() > 0)
		throw e;
	results.output({ specification: spec });
}

async function execute(request, bundle, linked, spec, results) {
	const sent = [], customizers = [];
	let made = false;

	context = makeContext(request, bundle, spec, sent, customizers);
	results.onPatch((list) => { sent[sent.length] = list; });
	try {
		const exported = bundle.run();
		const connector = await member(exported, "connector");
		const beside = await member(exported, "connectorCustomizer");
		const other = linked === null ? undefined : await member(linked.run(), "connectorCustomizer");

		if (other != null)
			customizers[0] = other;
		if (beside != null)
			customizers[customizers.length] = beside;
		if (linked !== null && other == null)
			throw new safe.Error(`${linked.file} exports no connectorCustomizer`);
		made = true;
		if (connector != null)
			await connector._exec(request.type, context, request.input, results.stream, joinCustomizers(beside, other));
		else if (beside != null)
			results.output(await beside._exec(request.type, context, request.input) ?? null);
		else
			throw new safe.Error("Connector not found. Did you export it?");
	} catch (e) {
		if (made)
			throw e;
		await specInstead(request, spec, results, e);
	}
}

/* The SDK says so of a command that has no handler. */
function unsupported(reason, request) {
	return reason.message === `unsupported command: ${request.type}` ? { ...reason, cause: "unsupported" } : reason;
}

async function run(request, bundle, linked) {
	const config = request.config ?? {}, spec = bundle.spec();
	const results = openResults(request.type, end);
	const scopes = [];

	verdict.keepSecret(secretsOf(request, spec, linked?.spec()));
	if (verdict.hasSecrets())
		watchLogs();
	trust(config);
	process.env = environment(config);
	process.chdir(bundle.folder);
	for (const b of [bundle, linked]) {
		const scope = b?.scope() ?? null;

		if (scope !== null && !scopes.includes(scope))
			scopes.push(scope);
	}
	stage = "work";
	try {
		await within(scopes, config, () => execute(request, bundle, linked, spec, results));
		outputsJudged(results, request);
	} catch (e) {
		results.flush();
		return end(unsupported(verdict.reasonOf(e), request));
	}
	results.close();
	results.flush();
	await settle();
	end(null);
}

/* The host's own modules are no bundle's business. */
function hide() {
	for (const file of Object.keys(require.cache))
		if (file.startsWith(__dirname))
			delete require.cache[file];
	module.children.length = 0;
}

function options(argv) {
	const o = { locked: false, ahead: false };
	const flags = { "--locked": "locked", "--ahead": "ahead" };
	const values = { "--name": "name", "--customizer": "customizer", "--cache": "cache" };
	let i = 0;

	for (; i < argv.length - 1; i++)
		if (flags[argv[i]] !== undefined)
			o[flags[argv[i]]] = true;
		else if (values[argv[i]] !== undefined)
			o[values[argv[i]]] = argv[++i];
		else
			return null;
	o.folder = argv[i];
	return o.folder === undefined || o.folder.startsWith("--") ? null : o;
}

/* Nothing of a request is known here; what goes wrong is told once there is one. */
function prepare(o) {
	try {
		return {
			bundle: new Bundle(o.folder, { cache: o.cache, eager: o.ahead, name: o.name }),
			linked: o.customizer === undefined ? null : new Bundle(o.customizer, { eager: o.ahead }),
		};
	} catch (e) {
		return { failure: verdict.reasonOf(e) };
	}
}

/*
 * V8's code for the bundle, every function of it, in records of base64: for the launcher, which keeps it.  Nothing of the
 * bundle is run, so that it has no say in what later processes load.
 */
function compile({ bundle, failure }) {
	if (failure !== undefined)
		return end(failure);
	const all = bundle.code();

	for (let at = 0; at < all.length; at += CODE_BYTES)
		write(FD.result, `{"data":{"code":"${all.subarray(at, at + CODE_BYTES).toString("base64")}"},"type":"output"}\n`);
	return end(null);
}

function main() {
	const o = options(process.argv.slice(2));

	if (o === null) {
		write(FD.log, "usage: host.js [--locked] [--ahead] [--customizer FOLDER] [--cache FILE] FOLDER\n");
		process.exit(USAGE_EXIT);
	}
	/* V8 compiles a source once in a process: whoever wants all of its code says so before. */
	let ready = o.ahead ? prepare(o) : null;

	watch();
	if (o.ahead)
		AHEAD.forEach((name) => require(name));
	hide();
	if (o.locked)
		write(FD.result, "{\"type\":\"locked\"}\n");

	let request;

	try {
		request = readRequest();
	} catch (e) {
		return end({ ...verdict.reasonOf(e), cause: "request" });
	}
	const compiling = request.type === COMPILE;

	ready ??= prepare(compiling ? { ...o, ahead: true, cache: undefined } : o);
	if (compiling)
		return compile(ready);
	if (ready.failure !== undefined)
		return end(ready.failure);
	return run(request, ready.bundle, ready.linked).catch((e) => end(verdict.reasonOf(e)));
}

main();
