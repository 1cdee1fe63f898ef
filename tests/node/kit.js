"use strict";
// What the tests of connectors/node share: the host as a process of pipes, the SDK's own development server, a source.
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const root = path.resolve(__dirname, "../..");
const build = path.resolve(root, process.env.B ?? "build");
const host = path.join(build, "connectors/node/host.js");
const node = process.execPath;
const packed = (name) => path.join(build, "node/packed", name);
const beside = (name) => path.join(build, "node/deps/beside", name);
const started = [];

// One invocation of the host, with an empty environment: { status, lines, records, verdict, log }.
// read(stream): reads the results in its own way.
function run(folder, request, { args = [], read, flags = [] } = {}) {
	return new Promise((resolve) => {
		const child = spawn(node, [...flags, host, ...args, folder], { env: {}, cwd: "/", stdio: ["pipe", "pipe", "pipe", "pipe"] });
		const results = [], log = [];

		(read ?? ((stream) => stream.on("data", (d) => results.push(d))))(child.stdio[3], (d) => results.push(d));
		child.stdout.on("data", (d) => log.push(d));
		child.stderr.on("data", (d) => log.push(d));
		child.on("close", (status, signal) => {
			const text = Buffer.concat(results).toString("utf8");
			const lines = text.split("\n").slice(0, -1);
			const verdict = JSON.parse(lines.at(-1) ?? "null");

			resolve({ status, signal, lines, verdict, log: Buffer.concat(log).toString("utf8"),
			    records: text.slice(0, text.length - (lines.at(-1)?.length ?? 0) - 1) });
		});
		child.stdin.on("error", () => {});
		child.stdin.end(typeof request === "string" ? request : JSON.stringify(request));
	});
}

function freePort() {
	return new Promise((resolve) => {
		const server = net.createServer().listen(0, "127.0.0.1", () => {
			const { port } = server.address();

			server.close(() => resolve(port));
		});
	});
}

// A program that runs until the tests are over; resolves when its output matches.
function start(command, args, until, env = {}, cwd = root) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
		let seen = "";

		started.push(child);
		for (const stream of [child.stdout, child.stderr])
			stream.on("data", (d) => {
				seen += d;
				const match = seen.match(until);

				if (match !== null)
					resolve({ child, match });
			});
		child.on("exit", () => reject(new Error(`${command}: ${seen}`)));
	});
}

function stopAll() {
	for (const child of started)
		child.kill();
}

// The SDK's development server of a bundle.  config: for a bundle that has the SDK inside, which takes it nowhere else.
async function devServer(folder, config) {
	const port = await freePort();
	const env = config === undefined ? {} : { CONNECTOR_CONFIG: Buffer.from(JSON.stringify(config)).toString("base64") };

	await start(node, [path.join(build, "node/deps/node_modules/.bin/spcx"), "run", path.join(folder, "index.js"), String(port)],
	    /listening at/, env, folder);
	return (request) => new Promise((resolve, reject) => {
		const body = JSON.stringify(request);
		const ask = http.request({ port, host: "127.0.0.1", method: "POST", path: "/x", headers: { "content-type": "application/json",
		    "content-length": Buffer.byteLength(body) } }, (answer) => {
			const parts = [];

			answer.on("data", (d) => parts.push(d));
			answer.on("end", () => resolve({ status: answer.statusCode, body: Buffer.concat(parts).toString("utf8") }));
			answer.on("error", reject);
		});

		ask.on("error", reject);
		ask.end(body);
	});
}

// The practice source: { baseUrl, token }; with TLS its certificates as well.
async function source(users, { tls = false } = {}) {
	const ca = path.join(os.tmpdir(), `bascule-ca-${process.pid}.pem`);
	const { match } = await start(path.join(build, "libexec/bascule-practice"), ["--users", String(users), "--die-with-parent",
	    ...(tls ? ["--tls", "--ca-out", ca] : [])], /https?:\/\/[^\s]+/);
	const made = { baseUrl: match[0].replace("127.0.0.1", "localhost"), token: "practice" };

	if (tls) {
		made.caBundle = fs.readFileSync(ca, "utf8");
		fs.unlinkSync(ca);
	}
	return made;
}

module.exports = { root, build, host, node, packed, beside, run, start, stopAll, devServer, source };
