"use strict";
// Bundles by bascule invoke: behind the walls, with the launcher's border; and hostile ones.
const { test, after } = require("node:test");
const assert = require("node:assert");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { root, build, packed, devServer, source, start, stopAll } = require("./kit.js");
const { compared } = require("./requests.js");

const bascule = process.env.BASCULE ?? path.join(build, "bin/bascule");
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bascule-invoke-"));

const kept = path.join(scratch, "kept"), codes = path.join(kept, "bascule/code");

fs.chmodSync(scratch, 0o755);
fs.mkdirSync(kept, { mode: 0o700 });
// What is kept of bundles: bytes by digest.
const codeFiles = () => Object.fromEntries(fs.readdirSync(codes).map((d) => [d, fs.existsSync(`${codes}/${d}/512`) ?
    fs.readFileSync(`${codes}/${d}/512`).toString("latin1") : ""]));

after(() => {
	stopAll();
	fs.rmSync(scratch, { recursive: true });
});

// { status, records, verdict, log }; the environment of the caller holds what no bundle may see.
function invoke(bundle, type, { config = {}, input = {}, more = [] } = {}) {
	return new Promise((resolve) => {
		const file = path.join(scratch, "config.json"), given = path.join(scratch, "input.json");

		fs.writeFileSync(file, JSON.stringify(config));
		fs.writeFileSync(given, JSON.stringify(input));
		const child = spawn(bascule, ["invoke", path.isAbsolute(bundle) ? bundle : packed(bundle), type, "--config", file, "--input", `@${given}`, "--verdict", "--logs", ...more],
		    { cwd: root, env: { PATH: process.env.PATH, CALLERS_SECRET: "seen", XDG_CACHE_HOME: kept }, stdio: ["ignore", "pipe", "pipe"] });
		const out = [], log = [];

		child.stdout.on("data", (d) => out.push(d));
		child.stderr.on("data", (d) => log.push(d));
		child.on("close", (status) => {
			const text = Buffer.concat(out).toString("utf8"), lines = text.split("\n").slice(0, -1), last = lines.pop() ?? "null";

			resolve({ status, lines, records: text.slice(0, text.length - last.length - 1),
			    verdict: JSON.parse(last), log: Buffer.concat(log).toString("utf8") });
		});
	});
}

for (const [bundle, config, requests] of compared)
	test(`${bundle}: the records of the development server`, async () => {
		const server = await devServer(packed(bundle), config);

		for (const [type, input] of requests) {
			const ours = await invoke(bundle, type, { config, input }), theirs = await server({ type, config, input });
			const what = `${bundle}, ${type}`;

			assert.strictEqual(ours.verdict.type, "end", `${what}: ${JSON.stringify(ours.verdict)} ${ours.log}`);
			assert.strictEqual(ours.status, 0, what);
			assert.strictEqual(ours.records, theirs.body, what);
		}
	});

// way, cause, words, records
const failures = [
	["failsInMiddle", "failed", /^half way$/, 1],
	["lateRecord", "failed", /after the handler had returned/, 0],
	["rejection", "failed", /nobody awaited it/, 0],
	["exit", "failed", /called process\.exit/, 0],
	["neverEnds", "failed", /nothing is left to wait for/, 0],
	["tooLarge", "record-too-large", /of "huge" is over the limit/, 0],
	["secretTold", "failed", /Bearer \*\*\*\*$/, 0],
];

test("errors of a bundle are verdicts", async () => {
	for (const [way, cause, words, records] of failures) {
		const r = await invoke("careless", "std:account:list", { config: { token: "s3cr3t-token" }, input: { way } });

		assert.strictEqual(r.verdict.type, "error", way);
		assert.strictEqual(r.verdict.data.cause, cause, way);
		assert.match(r.verdict.data.message, words);
		assert.strictEqual(r.lines.length, records, way);
		assert.ok(r.status > 0, way);
		assert.ok(!r.log.includes("s3cr3t-token"), way);
	}
	const r = await invoke("hello", "std:account:read", { config: { token: "t" }, input: { identity: "nobody" } });

	assert.deepStrictEqual([r.verdict.data.cause, r.verdict.data.message, r.status], ["notFound", "no account nobody", 66]);
});

// Refused with one of these; what is got is empty, or its own.
const REFUSED = /^(EACCES|EROFS|ENOENT|EPERM|ENOSYS|ENETUNREACH|EAI_AGAIN|ESRCH|ENOTFOUND|EAFNOSUPPORT|ECONNREFUSED|ERR_DLOPEN_DISABLED)$/;
const GOT = { environ: "", otherProcesses: "1", killParent: "true", temporary: "undefined", before: "false" };
const looks = ["before", "environ", "otherProcesses", "launcherEnviron", "passwd", "shadow", "hosts", "root", "home", "ownFile", "besideOwn",
    "host", "node", "dev", "shell", "node2", "fork", "listen", "unixListen", "loopback", "metadata", "mapped", "outside", "otherName",
    "unix", "udp", "killParent", "killAll", "setuid", "addon", "temporary"];

test("what a hostile bundle looks for is not there, twice", async () => {
	for (let i = 0; i < 2; i++) {
		const r = await invoke("hostile", "std:account:list", { input: { looks } });

		assert.strictEqual(r.verdict.type, "end", r.log);
		assert.strictEqual(r.lines.length, looks.length);
		for (const line of r.lines) {
			const { identity, attributes: { got, refused } } = JSON.parse(line).data;

			if (GOT[identity] !== undefined)
				assert.strictEqual(got, GOT[identity], identity);
			else
				assert.match(refused ?? `got ${got}`, REFUSED, identity);
		}
		for (const layer of ["namespaces", "landlock", "seccomp", "rlimits"])
			assert.strictEqual(r.verdict.data.layers[layer].state, "on", layer);
		assert.match(r.verdict.data.layers.memory.why, /written and executed/, "what does not stand is said");
	}
});

// end, its cause, what the message says
const ends = [
	["endsTwice", "protocol", /something after the verdict/],
	["endsAndGoesOn", "protocol", /after the verdict/],
	["leavesSilently", "protocol", /exit 0\) without a verdict/],
	["rubbish", "protocol", /the worker's line 1/],
	["lockedAgain", "protocol", /locked/],
	["halfLine", "protocol", /./],
	["closesResults", "protocol", /without a verdict/],
	["aborts", /^signal:(SEGV|ILL)$/, /as one that calls abort\(\) does/],
	["stays", "deadline", /no end after 5000 ms/],
	["memory", "memory", /over 512 MiB/],
	["buffers", "memory", /over 512 MiB/],
	["loop", "deadline", /no end after 5000 ms/],
	["loopLater", "deadline", /no end after 5000 ms/],
	["microtasks", "deadline", /no end after 5000 ms/],
	["trapsTerm", "deadline", /no end after 5000 ms/],
	["workers", /^(protocol|memory|failed|deadline)$/, /Worker|worker|memory|no end after/],
	["hugeLine", "record-too-large", /over 262144 bytes/],
	["stdout", /^(failed|deadline)$/, /EAGAIN|no end after/],
	["stderr", /^(failed|deadline)$/, /EAGAIN|no end after/],
	["listeners", "protocol", /without a verdict/],
];

for (const [end, cause, words] of ends)
	test(`hostile: ${end}`, async () => {
		const from = Date.now();
		const r = await invoke("hostile", "std:account:list", { input: { end }, more: ["--limit", "deadline=5s"] });

		assert.strictEqual(r.verdict.type, "error");
		assert.match(r.verdict.data.cause, cause instanceof RegExp ? cause : new RegExp(`^${cause}$`), r.verdict.data.message);
		assert.match(r.verdict.data.message, words);
		assert.ok(r.status > 0);
		assert.ok(Date.now() - from < 15000, "it was ended in time");
	});

test("hostile: games with the realm change neither record nor end", async () => {
	const r = await invoke("hostile", "std:account:list", { input: { end: "games" } });

	assert.strictEqual(r.verdict.type, "end", `${JSON.stringify(r.verdict.data)} ${r.log}`);
	assert.deepStrictEqual(r.lines, ["{\"data\":{\"identity\":\"true\",\"attributes\":{}},\"type\":\"output\"}"]);
});

test("the code that is kept of a bundle is no bundle's to change", async () => {
	await invoke("hostile", "std:account:list", { input: { looks: ["environ"] } });
	const before = codeFiles();
	const attempts = ["code", "temporary", "codeWrite", "codeAppend", "codeRemove", "codeReplace", "codeMake", "codeMode", "codeByNumber"];
	const r = await invoke("hostile", "std:account:list", { input: { looks: attempts } });

	assert.strictEqual(r.verdict.type, "end", r.log);
	assert.strictEqual(r.lines.length, attempts.length);
	for (const line of r.lines) {
		const { identity, attributes: { got, refused } } = JSON.parse(line).data;

		if (identity === "code")
			assert.strictEqual(got, "512 true", "its own, and no other's");
		else if (identity !== "temporary")
			assert.match(refused ?? `got ${got}`, /^(EROFS|EACCES|EPERM|EXDEV|EINVAL)$/, identity);
	}
	assert.deepStrictEqual(codeFiles(), before);
	assert.ok(Object.values(before).some((c) => c.length > 100000), "and there is some");
});

// A server over the packed bundles; ask(name, body): the answer's text.
async function served(name, own, more = []) {
	const socketPath = path.join(scratch, name);
	const { child } = await start(bascule, ["serve", "--listen", `unix:${socketPath}`, ...more], /"listening"/,
	    { BASCULE_CONNECTORS: path.dirname(packed("hello")), XDG_CACHE_HOME: own });
	const ask = (connector, body) => new Promise((resolve, reject) => {
		const request = http.request({ socketPath, method: "POST", path: `/v1/connectors/${connector}/invoke`,
		    headers: { "content-type": "application/json" } }, (answer) => {
			let text = "";

			answer.on("data", (d) => { text += d; });
			answer.on("end", () => resolve(text));
		});

		request.on("error", reject);
		request.end(JSON.stringify(body));
	});

	return { child, ask };
}

test("a server has it made as well, after the first invocation", async () => {
	const own = path.join(scratch, "served"), request = { type: "std:test-connection", config: { token: "t" }, input: {} };
	const files = () => fs.readdirSync(own, { recursive: true }).filter((f) => f.endsWith("/512"));

	fs.mkdirSync(own, { mode: 0o700 });
	const { child, ask } = await served("socket", own);

	assert.strictEqual(await ask("hello", request), "{\"data\":{},\"type\":\"output\"}\n");
	for (let i = 0; i < 100 && files().length === 0; i++)
		await new Promise((r) => setTimeout(r, 100));
	assert.strictEqual(files().length, 1);
	assert.strictEqual(await ask("hello", request), "{\"data\":{},\"type\":\"output\"}\n");
	child.kill();
});

test("certificates of the config are trusted by fetch and axios, and by nobody without them", async () => {
	const config = await source(40, { tls: true }), more = ["--allow-private", "localhost"];
	const users = { fetch: 40, scim: 40 };

	for (const [bundle, records] of Object.entries(users)) {
		const r = await invoke(bundle, "std:account:list", { config, more });

		assert.strictEqual(r.verdict.type, "end", `${bundle}: ${r.log}`);
		assert.strictEqual(r.lines.length, records, bundle);
		assert.strictEqual(r.verdict.data.egress[0].outcome, "ok");
		const without = await invoke(bundle, "std:account:list", { config: { ...config, caBundle: " " }, more });

		assert.match(without.verdict.data.message, /certificate/, bundle);
	}
	for (const caBundle of ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "none"]) {
		const bad = await invoke("fetch", "std:account:list", { config: { ...config, caBundle }, more });

		assert.strictEqual(bad.verdict.data.cause, "invalidConfiguration");
		assert.match(bad.verdict.data.message, /^caBundle: /);
	}
});

// What a bundle's threads do, each in its own way of starting one.
const THREADS = `
const { Worker } = require("worker_threads");
const inside = \`
	const https = require("https"), { Worker, parentPort, workerData: { url, depth, source } } = require("worker_threads");
	const get = () => new Promise((done, fail) => https.get(url, { agent: false }, (r) => { r.resume(); done(r.statusCode); }).on("error", fail));
	const told = async (ask) => { try { return await ask(); } catch (e) { return e.cause?.code ?? e.code ?? e.message; } };
	(async () => {
		const got = { fetch: await told(async () => (await fetch(url)).status), https: await told(get) };
		if (depth > 0)
			got.inner = await new Promise((done) => new Worker(source, { eval: true, workerData: { url, depth: 0 } }).on("message", done));
		parentPort.postMessage(got);
	})();\`;
const answer = (worker) => new Promise((done, fail) => worker.on("message", done).on("error", fail));
exports.connector = { async _exec(type, context, input, res) {
	const url = JSON.parse(Buffer.from(process.env.CONNECTOR_CONFIG, "base64")).baseUrl;
	const given = { eval: true, workerData: { url, depth: 1, source: inside } };
	const { Worker: Imported } = await import("node:worker_threads");
	res.write(await answer(new Worker(inside, given)));
	res.write(await answer(new Imported(inside, { ...given, workerData: { url, depth: 0 }, execArgv: ["--no-warnings"] })));
	res.write({ name: Worker.name, same: new Worker("", { eval: true }) instanceof Worker });
} };`;

test("certificates of the config are trusted in threads of the bundle, and in theirs", async () => {
	const config = await source(1, { tls: true }), more = ["--allow-private", "localhost"], folder = path.join(scratch, "threads");

	fs.mkdirSync(folder, { mode: 0o755 });
	fs.writeFileSync(path.join(folder, "index.js"), THREADS);
	fs.copyFileSync(path.join(packed("fetch"), "connector-spec.json"), path.join(folder, "connector-spec.json"));
	for (const [caBundle, each] of [[config.caBundle, 401], [undefined, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]]) {
		const r = await invoke(folder, "std:account:list", { config: { ...config, baseUrl: `${config.baseUrl}/Users`, caBundle }, more });
		const got = { fetch: each, https: each };

		assert.deepStrictEqual(r.lines.map((l) => JSON.parse(l).data), [{ ...got, inner: got }, got, { name: "Worker", same: true }], r.log);
	}
});

test("a customizer of another bundle is linked by its folder", async () => {
	const config = { suffix: "-x" }, input = { identity: "7" };
	const r = await invoke("customized", "std:account:read", { config, input, more: ["--customizer", packed("linked")] });

	assert.deepStrictEqual(r.lines, ["{\"data\":{\"identity\":\"7!\",\"attributes\":{\"id\":\"7!\",\"suffix\":\"-x\"},\"linked\":\"-x\"},\"type\":\"output\"}"]);
	const plain = await invoke("customized", "std:account:read", { config, input });

	assert.deepStrictEqual(plain.lines, ["{\"data\":{\"identity\":\"7\",\"attributes\":{\"id\":\"7\",\"suffix\":\"-x\"}},\"type\":\"output\"}"]);
	for (const [folder, words] of [[packed("hello"), /exports no connectorCustomizer/], [scratch, /there is no index\.js/], ["/none", /no folder/]]) {
		const none = await invoke("customized", "std:account:read", { config, input, more: ["--customizer", folder] });

		assert.match(none.verdict.data.message, words);
		assert.ok(none.status > 0);
	}
});

test("nothing of an invocation is there in the next of a server, parked or not", async () => {
	const { child, ask } = await served("socket3", kept, ["--parked-min", "2"]);
	const body = { type: "std:account:list", config: {}, input: { looks: ["before", "findGlobal", "temporary", "leaveGlobal"] } };

	for (let i = 0; i < 4; i++) {
		const lines = (await ask("hostile", body)).split("\n").slice(0, -1).map((l) => JSON.parse(l).data.attributes.got);

		assert.deepStrictEqual(lines, ["false", "0", "undefined", "behind"], `time ${i}`);
	}
	child.kill();
});

test("a request to a server links one by its name", async () => {
	const { child, ask } = await served("socket2", kept);
	const body = { type: "std:account:read", config: { token: "t0ken", suffix: "-y" }, input: { identity: "john.doe" } };
	const plain = JSON.parse(await ask("hello", body)), linked = JSON.parse(await ask("hello", { ...body, customizer: "customized" }));

	assert.deepStrictEqual(linked.data, { ...plain.data, attributes: { ...plain.data.attributes, suffix: "-y" } });
	assert.deepStrictEqual(JSON.parse(await ask("hello", body)), plain, "and is not in the next");
	assert.match(JSON.parse(await ask("hello", { ...body, customizer: "nobody" })).detail, /customizer/);
	assert.match(JSON.parse(await ask("hello", { ...body, customizer: 7 })).detail, /customizer: a connector's name/);
	child.kill();
});

test("a bundle that says \"end\" itself is believed, as any connector is", async () => {
	assert.strictEqual((await invoke("hostile", "std:account:list", { input: { end: "endsAndLeaves" } })).verdict.type, "end");
});

test("what a module keeps and what it left in /tmp is gone with the process", async () => {
	for (const prefix of ["a", "b"]) {
		const r = await invoke("modconfig", "std:account:list", { config: { prefix } });

		assert.strictEqual(r.records, `{"data":{"identity":"${prefix}-1","attributes":{"id":"1","calls":1,"seen":1}},"type":"output"}\n`);
	}
});

test("without namespaces a bundle gives the same records, from its source too", async () => {
	const more = ["--sandbox", "container"];
	const r = await invoke("hello", "std:test-connection", { config: { token: "t" }, more });

	assert.deepStrictEqual(r.lines, ["{\"data\":{},\"type\":\"output\"}"], r.log);
	for (const bundle of ["scim", "fetch"]) {
		const config = await source(300, { tls: true }), open = ["--allow-private", "localhost"];
		const within = await invoke(bundle, "std:account:list", { config, more: open });
		const without = await invoke(bundle, "std:account:list", { config, more: [...more, ...open] });

		assert.strictEqual(without.verdict.type, "end", without.log);
		assert.strictEqual(without.lines.length, 300);
		assert.strictEqual(without.records, within.records);
		assert.strictEqual(without.verdict.data.layers.namespaces.state, "waived");
	}
	const refused = await invoke("fetch", "std:account:list", { config: await source(1), more });

	assert.match(refused.verdict.data.message, /localhost/);
});
