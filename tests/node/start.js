"use strict";
// How long until the first record: node tests/node/start.js [ROUNDS] [BUNDLE].  By hand, after node_host.t has run once.
// Everything of a round runs after another, so that a busy machine weighs on all alike; medians and ratios are printed.
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { build, host, node, packed, devServer, run, source, start, stopAll } = require("./kit.js");

const rounds = Number(process.argv[2] ?? 21), bundle = process.argv[3] ?? "hello";
let request;
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bascule-start-"));
const empty = path.join(scratch, "empty.js"), cache = path.join(scratch, "cache");
const ms = () => Number(process.hrtime.bigint()) / 1e6;
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

// Until the first byte on descriptor 3 (args with a host), or until the end.
function once(args, { parked = false } = {}) {
	return new Promise((resolve) => {
		let from = ms(), first;
		const child = spawn(node, args, { env: {}, stdio: ["pipe", "ignore", "ignore", "pipe"] });
		const ask = () => { from = ms(); child.stdin.end(request); };

		child.stdio[3].on("data", () => {
			if (parked) {
				parked = false;
				setTimeout(ask, 30);
			} else
				first ??= ms() - from;
		});
		child.on("close", () => resolve(first ?? ms() - from));
		if (!parked)
			child.stdin.end(request);
	});
}

// A server with workers parked, on a socket of its own: until the first byte of the answer's body.
async function served() {
	const socketPath = path.join(scratch, "socket");

	await start(path.join(build, "bin/bascule"), ["serve", "--listen", `unix:${socketPath}`, "--parked-min", "2"], /"listening"/,
	    { BASCULE_CONNECTORS: path.dirname(packed(bundle)) });
	return () => new Promise((resolve, reject) => {
		const from = ms();
		const ask = http.request({ socketPath, method: "POST", path: `/v1/connectors/${bundle}/invoke`,
		    headers: { "content-type": "application/json" } }, (answer) => {
			let first;

			answer.on("data", () => { first ??= ms() - from; });
			answer.on("end", () => resolve(first));
		});

		ask.on("error", reject);
		ask.end(request);
	});
}

function invoked(configFile) {
	return new Promise((resolve) => {
		const from = ms();
		let first;
		const child = spawn(path.join(build, "bin/bascule"), ["invoke", packed(bundle), "std:test-connection", "--config", configFile],
		    { stdio: ["ignore", "pipe", "ignore"] });

		child.stdout.on("data", () => { first ??= ms() - from; });
		child.on("close", () => resolve(first));
	});
}

(async () => {
	const config = await source(10);
	const server = await devServer(packed(bundle), config);

	request = JSON.stringify({ type: "std:test-connection", config, input: {} });
	fs.writeFileSync(empty, "");
	fs.writeFileSync(path.join(scratch, "config.json"), JSON.stringify(config));
	const serve = await served();

	const made = await run(packed(bundle), { type: "bascule:compile", config: {}, input: {} });

	fs.writeFileSync(cache, Buffer.concat(made.lines.slice(0, -1).map((l) => Buffer.from(JSON.parse(l).data.code, "base64"))));
	const ways = {
		"node, empty script, until its end": () => once([empty]),
		"node, the bundle alone, until its end": () => once([path.join(packed(bundle), "index.js")]),
		"host, not parked": () => once([host, packed(bundle)]),
		"host, not parked, V8's code cached": () => once([host, "--cache", cache, packed(bundle)]),
		"host, parked": () => once([host, "--locked", "--ahead", packed(bundle)], { parked: true }),
		"host, parked, V8's code cached": () => once([host, "--locked", "--ahead", "--cache", cache, packed(bundle)], { parked: true }),
		"bascule invoke": () => invoked(path.join(scratch, "config.json")),
		"bascule serve, worker parked": async () => { await serve(); await new Promise((r) => setTimeout(r, 250)); return serve(); },
		"warm development server": async () => { const from = ms(); await server(JSON.parse(request)); return ms() - from; },
	};
	const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));

	for (let i = 0; i < rounds; i++)
		for (const [name, way] of Object.entries(ways))
			times[name].push(await way());
	const warm = median(times["warm development server"]), base = median(times["node, the bundle alone, until its end"]);

	for (const [name, list] of Object.entries(times)) {
		if (list.includes(undefined)) {
			console.log(`${name.padEnd(40)} gave no record`);
			continue;
		}
		console.log(`${name.padEnd(40)} ${median(list).toFixed(1).padStart(7)} ms  ${(median(list) / warm).toFixed(2).padStart(6)} x warm server` +
		    `  ${(median(list) / base).toFixed(2).padStart(5)} x bundle alone`);
	}
	stopAll();
	fs.rmSync(scratch, { recursive: true });
})();
