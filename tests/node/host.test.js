"use strict";
// What the host says of bundles that do it wrong, and what it gives those that do it right beyond the SDK's own server.
const { test, after } = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { build, host, node, packed, run, stopAll } = require("./kit.js");

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bascule-node-"));

after(() => {
	stopAll();
	fs.rmSync(scratch, { recursive: true });
});

const careless = (way, more = {}) => run(packed("careless"), { type: "std:account:list",
    config: { token: "s3cr3t-token" }, input: { way } }, more);

// way, records before the verdict, verdict: type, cause, words
const wrong = [
	["lateRecord", 0, "generic", undefined, /sent after the handler had returned/],
	["lateFailure", 0, "generic", undefined, /nobody awaited it: nobody caught this/],
	["rejection", 0, "generic", undefined, /nobody awaited it: nobody awaited this/],
	["uncaught", 0, "generic", undefined, /^uncaught exception: from a timer/],
	["exit", 0, "generic", undefined, /called process\.exit\(0\)/],
	["neverEnds", 0, "generic", undefined, /nothing is left to wait for/],
	["throwsText", 0, "generic", undefined, /^just a text$/],
	["throwsNothing", 0, "generic", undefined, /^undefined$/],
	["throwsProxy", 0, "generic", undefined, /cannot be shown/],
	["ownType", 0, "quotaUsedUp", undefined, /^of its own$/],
	["libraryType", 0, "generic", undefined, /^of a library$/],
	["secretTold", 0, "generic", undefined, /^401 for Authorization: Bearer \*\*\*\*$/],
	["cause", 0, "generic", undefined, /^fetch failed: connect ECONNREFUSED$/],
	["prototypeOfErrors", 0, "generic", undefined, /process\.exit\(3\)/],
	["cyclic", 0, "generic", undefined, /cannot be written as JSON: Converting circular/],
	["bigint", 0, "generic", undefined, /cannot be written as JSON: .*BigInt/],
	["tooLarge", 0, "generic", "record-too-large", /output record of "huge" is over the limit of 256 KiB/],
	["wrongKind", 0, "generic", undefined, /sent a string; its output must be an object/],
	["failsInMiddle", 1, "generic", undefined, /^half way$/],
];

for (const [way, records, type, cause, words] of wrong)
	test(`wrong: ${way}`, async () => {
		const r = await careless(way);

		assert.strictEqual(r.verdict.type, "error");
		assert.strictEqual(r.verdict.data.type, type);
		assert.strictEqual(r.verdict.data.cause, cause);
		assert.match(r.verdict.data.message, words);
		assert.strictEqual(r.lines.length, records + 1);
		assert.notStrictEqual(r.status, 0);
		assert.strictEqual(r.log.includes("s3cr3t"), false, "no secret in the log");
	});

test("an exit that the host cannot see leaves no verdict", async () => {
	const r = await careless("reallyExit");

	assert.deepStrictEqual([r.lines, r.status], [[], 0]);
});

test("work left behind is cut off and named", async () => {
	const r = await careless("leftBehind");

	assert.strictEqual(r.verdict.type, "end");
	assert.match(r.log, /left work behind.*Timeout/);
});

test("a member data that is missing becomes {}", async () => {
	assert.strictEqual((await careless("nothing")).lines[0], "{\"data\":{},\"type\":\"output\"}");
});

test("prototypes of the bundle's own making are its own affair", async () => {
	const r = await careless("prototypes");

	assert.deepStrictEqual(r.lines, ["{\"data\":{\"identity\":\"1\",\"attributes\":{}},\"type\":\"output\"}", "{\"type\":\"end\"}"]);
	assert.strictEqual(r.status, 0);
});

test("a slow reader holds the bundle up, not its memory", async () => {
	let rss = 0, bytes = 0, child;
	const r = await careless("flood", {
		read(stream, keep) {
			stream.pause();
			setTimeout(() => {
				for (const pid of fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ")) {
					const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");

					if (command.includes("host.js"))
						child = Number(fs.readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]);
				}
				rss = child;
				stream.on("data", (d) => { bytes += d.length; keep(d.subarray(-64)); });
				stream.resume();
			}, 1000);
		},
	});

	assert.strictEqual(r.status, 0);
	assert.ok(bytes > 40e6, `${bytes} bytes came`);
	assert.ok(rss > 0 && rss < 100 * 1024, `${rss} KiB were held while nobody read`);
});

const single = (input) => run(packed("careless"), { type: "std:account:read", config: {}, input });

test("a single command gives exactly one output", async () => {
	assert.strictEqual((await single({ outputs: 1 })).verdict.type, "end");
	assert.match((await single({ outputs: 0 })).verdict.data.message, /ended without an output/);
	assert.match((await single({ outputs: 2 })).verdict.data.message, /a second output/);
	assert.match((await single({ outputs: 1, state: true })).verdict.data.message, /state was sent/);
	const r = await run(packed("careless"), { type: "std:account:delete", config: {}, input: {} });

	assert.deepStrictEqual(r.lines, ["{\"data\":{},\"type\":\"output\"}", "{\"type\":\"end\"}"]);
});

test("an unknown command is named", async () => {
	const r = await run(packed("hello"), { type: "std:nothing:read", config: { token: "t" }, input: {} });

	assert.deepStrictEqual(r.verdict.data, { cause: "unsupported", message: "unsupported command: std:nothing:read", type: "generic" });
	assert.strictEqual(r.status, 65);
});

test("the specification is there when the connector is not", async () => {
	const r = await run(packed("hello"), { type: "std:spec:read", config: {}, input: {} });

	assert.strictEqual(r.verdict.type, "end");
	assert.strictEqual(JSON.parse(r.lines[0]).data.specification.name, "hello");
});

test("a linked customizer acts on a connector and the customizer beside it", async () => {
	const args = ["--customizer", packed("linked")], config = { suffix: "-x" };
	const read = await run(packed("customized"), { id: "i-1", type: "std:account:read", version: 3, config, input: { identity: "7" } }, { args });

	assert.strictEqual(read.lines[0],
	    "{\"data\":{\"identity\":\"7!\",\"attributes\":{\"id\":\"7!\",\"suffix\":\"-x\"},\"linked\":\"-x\"},\"type\":\"output\"}");
	assert.match(read.log, /"invocationId":"i-1".*"message":"linked customizer"/, "its log lines have their context");
	const own = await run(packed("customized"), { type: "own:operation", config, input: { n: 21 } }, { args });

	assert.strictEqual(own.lines[0], "{\"data\":{\"doubled\":42,\"by\":\"own:operation\"},\"type\":\"output\"}");
	const none = await run(packed("customized"), { type: "own:operation", config, input: { n: 21 } });

	assert.match(none.verdict.data.message, /no customizer has the operation double/);
	const refused = await run(packed("customized"), { type: "std:account:create", config, input: { attributes: {} } });

	assert.deepStrictEqual(refused.verdict.data, { message: "no account may be made here", type: "notFound" });
});

test("a customizer alone answers its own commands", async () => {
	const r = await run(packed("linked"), { type: "before:std:account:read", config: { suffix: "" }, input: { identity: "a" } });

	assert.deepStrictEqual(r.lines, ["{\"data\":{\"identity\":\"a!\"},\"type\":\"output\"}", "{\"type\":\"end\"}"]);
	const none = await run(packed("linked"), { type: "before:std:account:list", config: {}, input: {} });

	assert.match(none.verdict.data.message, /No handler found for type/);
});

// A bundle made on the spot.
function made(name, source) {
	const folder = path.join(scratch, name);

	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(path.join(folder, "index.js"), source);
	return folder;
}
const plain = (handler) => `exports.connector = { _exec: async (type, context, input, res) => { ${handler} } };`;
const command = (more) => ({ type: "own:c", config: { a: 1 }, input: {}, ...more });

test("nothing of a request is in the process's environment or arguments", async () => {
	const folder = made("env", plain(`
		const fs = require("fs"), out = (data) => res.write({ data, type: "output" });
		out(fs.readFileSync("/proc/self/environ", "utf8"));
		out(fs.readFileSync("/proc/self/cmdline", "utf8").includes("s3cr3t"));
		out("CONNECTOR_CONFIG" in process.report.getReport().environmentVariables);
		out(Object.keys(process.env));
		process.env.NUMBER = 1;
		out([process.env.NUMBER, "NUMBER" in process.env, delete process.env.NUMBER, process.env.NUMBER === undefined]);
		out(JSON.parse(Buffer.from(process.env.CONNECTOR_CONFIG, "base64")));`));
	const r = await run(folder, command({ config: { token: "s3cr3t" } }));

	assert.deepStrictEqual(r.lines.slice(0, -1).map((l) => JSON.parse(l).data),
	    ["", false, false, ["CONNECTOR_CONFIG"], ["1", true, true, true], { token: "s3cr3t" }]);
});

test("what is secret: by its item, else by its name", () => {
	const { secretsOf } = require("../../connectors/node/secrets.js");
	const item = (key, type, more) => ({ key, type, label: key, ...more });
	const spec = { sourceConfig: [{ type: "menu", items: [{ type: "section", items: [item("tokenUrl", "url"), item("tokenKind", "select"),
	    item("token", "text"), item("pin", "secret"), item("headers", "keyValue", { keyValueKey: item("key", "text"),
	    keyValueValue: item("value", "secret") }), item("cards", "cardList", { subMenus: [{ items: [item("hidden", "secrettextarea")] }] })] }] }] };
	const config = { tokenUrl: "https://idp/token", tokenKind: "bearer", token: "a", pin: "b", headers: [{ key: "X-Key", value: "c" }],
	    cards: [{ hidden: "d", shown: "e" }], clientSecret: "f", plain: "g", nested: { apiKey: "h" }, list: ["i"] };
	const input = { password: "j", changes: [{ attribute: "Password", value: "k" }, { attribute: "mail", value: "l" }] };

	assert.deepStrictEqual(secretsOf({ config, input }, spec, null).filter((s) => s !== undefined).sort(),
	    ["a", "b", "c", "d", "f", "h", "j", "k"]);
	assert.deepStrictEqual(secretsOf({ config: {} }).filter((s) => s !== undefined), []);
});

test("secrets are blotted out of what a bundle prints", async () => {
	const folder = made("prints", plain(`
		const fs = require("fs"), { token } = JSON.parse(Buffer.from(process.env.CONNECTOR_CONFIG, "base64"));
		console.log("console", token);
		console.error("error", { authorization: "Bearer " + token });
		process.stdout.write(Buffer.from("buffer " + token + "\\n"));
		fs.writeSync(1, "sync " + token + "\\n");
		fs.writeSync(2, Buffer.from("xxpart " + token + "\\n"), 2, 6 + token.length);
		await new Promise((resolve) => fs.write(1, "\\nasync " + token + " x\\n", null, "utf8", resolve));
		console.log("basic", Buffer.from(token + ":x").toString("base64"));
		for (const user of ["u", "us", "use"])
			console.log("basic", Buffer.from(user + ":" + token).toString("base64"));
		const n = fs.writeSync(1, "length " + token);
		console.log("plain", n);`));
	const r = await run(folder, command({ config: { token: "s3cr3t-t0ken" } }));

	assert.strictEqual(r.verdict.type, "end", r.log);
	assert.strictEqual(r.log.includes("s3cr3t"), false, r.log);
	for (const at of [0, 1, 2])
		assert.ok(!r.log.includes(Buffer.from("\0".repeat(at) + "s3cr3t-t0ken").toString("base64").slice(4, 14)), r.log);
	for (const words of ["console ****", "error", "buffer ****", "sync ****", "part ****", "async **** x", "basic ****", "plain 19"])
		assert.ok(r.log.includes(words), `${words} in ${r.log}`);
});

test("reloadConfig() knows the patches that were sent", async () => {
	const folder = made("reload", plain(`
		const patch = (...data) => res.write({ data, type: "config" });
		patch({ op: "add", path: "/connectorAttributes/b", value: { c: [1] } }, { op: "remove", path: "/a" });
		patch({ op: "add", path: "/b/c/-", value: 2 }, { op: "replace", path: "/b/c/0", value: 0 }, { op: "add", path: "/__proto__/x", value: 1 });
		res.write({ data: await context.reloadConfig(), type: "output" });`));
	const r = await run(folder, command());

	assert.deepStrictEqual(JSON.parse(r.lines[2]).data, { b: { c: [0, 2] } });
});

test("records of SDKs before 1.1 are outputs", async () => {
	const folder = made("legacy", plain("res.write({ identity: 'a', type: 'group' }); res.write({ type: 'state', cursor: 1 });"));
	const r = await run(folder, command());

	assert.deepStrictEqual(r.lines.slice(0, 2), ["{\"data\":{\"identity\":\"a\",\"type\":\"group\"},\"type\":\"output\"}",
	    "{\"data\":{\"type\":\"state\",\"cursor\":1},\"type\":\"output\"}"]);
});

test("a bundle is a module like any other", async () => {
	const folder = made("module", `#!/usr/bin/env node
		const path = require("node:path");
		exports.main = require.main === module || module.parent == null;
		${plain(`const { data } = await import("./more.mjs"), os = await import("node:os");
		res.write({ data: [exports.main, path.basename(__filename), path.basename(__dirname), process.cwd() === __dirname,
		    require("./more.json").a, data, typeof os.cpus, require.resolve("./more.json").endsWith("more.json"), this === undefined],
		    type: "output" });`)}`);

	fs.writeFileSync(path.join(folder, "more.json"), "{\"a\":1}");
	fs.writeFileSync(path.join(folder, "more.mjs"), "export const data = 'imported';");
	const r = await run(folder, command());

	assert.deepStrictEqual(JSON.parse(r.lines[0]).data, [false, "index.js", "module", true, 1, "imported", "function", true, false]);
});

test("the heap keeps its limit, and Node's modules the code that they come with", async () => {
	const folder = made("limited", plain(`const v8 = require("v8");
		res.write({ data: { mib: v8.getHeapStatistics().heap_size_limit / 1048576, tag: v8.cachedDataVersionTag() }, type: "output" });`));
	const r = await run(folder, command(), { flags: ["--max-old-space-size=100"] });
	const { mib, tag } = JSON.parse(r.lines[0]).data;

	assert.ok(mib >= 100 && mib < 200, `${mib}`);
	assert.strictEqual(r.log, "");
	/* The tag is of V8's version and its flags. */
	assert.strictEqual(tag, require("node:v8").cachedDataVersionTag());
});

test("a thread that outgrows the limit ends alone", async () => {
	const grows = "const all = []; for (let i = 0; i < 400; i++) all.push(new Array(131072).fill(i + 0.5));";

	for (const asked of ["worker_threads", "node:worker_threads"]) {
		const folder = made("outgrown", plain(`const { Worker } = require("${asked}");
			const ended = await new Promise((done) => new Worker(${JSON.stringify(grows)}, { eval: true })
			    .on("error", (e) => done(e.code)).on("exit", done));
			res.write({ data: ended, type: "output" });`));
		const r = await run(folder, command(), { flags: ["--max-old-space-size=100"] });

		assert.strictEqual(JSON.parse(r.lines[0]).data, "ERR_WORKER_OUT_OF_MEMORY");
	}
});

test("bundles that cannot be run are named", async () => {
	const cases = [
		[made("esm", "import fs from 'fs'; export const connector = {};"), /is an ES module: build the bundle as CommonJS/],
		[made("broken", "exports.connector = {"), /Unexpected token|Unexpected end/],
		[made("empty", ""), /Connector not found\. Did you export it\?/],
		[made("throws", "throw new Error('at load');"), /^at load$/],
		[made("needs", "require('not-there');"), /Cannot find module 'not-there'/],
		[path.join(scratch, "absent"), /index\.js is not there/],
	];

	for (const [folder, words] of cases) {
		const r = await run(folder, command());

		assert.match(r.verdict.data.message, words);
		assert.notStrictEqual(r.status, 0);
	}
});

test("requests that are none", async () => {
	for (const text of ["", "{", "[]", "null", "{\"type\":1}"]) {
		const r = await run(packed("hello"), text);

		assert.strictEqual(r.verdict.data.cause, "request", text);
		assert.strictEqual(r.status, 65);
	}
});

test("a parked host is ready before there is a request", async () => {
	const r = await run(packed("hello"), { type: "std:test-connection", config: { token: "t" }, input: {} }, { args: ["--locked", "--ahead"] });

	assert.deepStrictEqual(r.lines, ["{\"type\":\"locked\"}", "{\"data\":{},\"type\":\"output\"}", "{\"type\":\"end\"}"]);
});

// What the launcher keeps of a bundle; the file's name.
async function codeOf(bundle, args) {
	const file = path.join(scratch, `${bundle}.code`);
	const r = await run(packed(bundle), { type: "bascule:compile", config: {}, input: {} }, { args });

	assert.strictEqual(r.verdict.type, "end", r.log);
	fs.writeFileSync(file, Buffer.concat(r.lines.slice(0, -1).map((l) => Buffer.from(JSON.parse(l).data.code, "base64"))));
	return file;
}

test("code from the cache is of the bundle's own bytes", { skip: process.versions.node.split(".")[0] < 20 && "Node 18 has none" }, async () => {
	for (const args of [[], ["--ahead"]]) {
		const cache = await codeOf("hello", args), size = fs.statSync(cache).size;

		assert.ok(size > 100000, `all of its functions are in there: ${size}`);
		const request = { type: "std:test-connection", config: { token: "t" }, input: {} };

		for (const [bundle, file] of [["hello", cache], ["every", cache], ["hello", path.join(packed("hello"), "index.js")], ["hello", "/none"]]) {
			const r = await run(packed(bundle), request, { args: ["--cache", file] });

			assert.strictEqual(r.verdict.type, "end", "a cache of other bytes, one that is none and one that is not there are not used");
		}
		const vm = require("node:vm"), Module = require("node:module");
		const source = fs.readFileSync(path.join(packed("hello"), "index.js"), "utf8");
		const script = new vm.Script(Module.wrap(source), { cachedData: fs.readFileSync(cache),
			importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER });

		assert.strictEqual(script.cachedDataRejected, false, "and V8 takes it");
	}
});

test("nothing of a bundle runs while it is compiled", async () => {
	const folder = path.join(scratch, "loud");

	fs.mkdirSync(folder);
	fs.writeFileSync(path.join(folder, "index.js"), "require('fs').writeSync(3, 'x'); console.log('ran'); throw new Error('ran');");
	for (const args of [[], ["--ahead"]]) {
		const r = await run(folder, { type: "bascule:compile", config: {}, input: {} }, { args });

		assert.strictEqual(r.verdict.type, "end");
		assert.ok(r.lines.length >= 2 && r.lines.slice(0, -1).every((l) => l.startsWith("{\"data\":{\"code\":")), r.lines[0]);
		assert.strictEqual(r.log, "");
	}
});
