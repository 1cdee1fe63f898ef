"use strict";
// A bundle that means harm.  Each way sends what it got, or how it was refused, as records of { got } or { refused };
// the ways that end the process are judged by how it ended.
const { createConnector } = require("@sailpoint/connector-sdk");
const child = require("node:child_process"), dgram = require("node:dgram"), fs = require("node:fs"), net = require("node:net");
const { Worker } = require("node:worker_threads");

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const RESULT = 3, LOG = 2;

// What a call gives, by itself or by its promise, or the code it is refused with.
async function attempt(name, call) {
	try {
		return { identity: name, attributes: { got: String(await call()).slice(0, 2000) } };
	} catch (e) {
		return { identity: name, attributes: { refused: e.code ?? e.message } };
	}
}

const connecting = (options) => new Promise((resolve, reject) => {
	const socket = net.connect(options, () => resolve("connected"));

	socket.setTimeout(3000, () => reject(new Error("nothing came")));
	socket.on("error", reject);
});
const datagram = (port, address) => new Promise((resolve, reject) => {
	const socket = dgram.createSocket("udp4");

	socket.on("error", reject);
	socket.send("x", port, address, (e) => (e ? reject(e) : resolve("sent")));
});

const looks = {
	environ: () => fs.readFileSync("/proc/self/environ", "utf8"),
	otherProcesses: () => fs.readdirSync("/proc").filter((n) => /^\d+$/.test(n)).join(" "),
	launcherEnviron: () => fs.readFileSync(`/proc/${process.ppid}/environ`, "utf8"),
	passwd: () => fs.readFileSync("/etc/passwd", "utf8"),
	shadow: () => fs.readFileSync("/etc/shadow", "utf8"),
	hosts: () => fs.readFileSync("/etc/hosts", "utf8"),
	root: () => fs.readdirSync("/root").join(" "),
	home: () => fs.readdirSync("/home").join(" "),
	ownFile: () => fs.appendFileSync(__filename, "//"),
	besideOwn: () => fs.writeFileSync(`${__dirname}/new`, "x"),
	host: () => fs.appendFileSync(process.argv[1], "//"),
	node: () => fs.appendFileSync(process.execPath, "x"),
	dev: () => fs.readFileSync("/dev/mem"),
	shell: () => child.execFileSync("/bin/sh", ["-c", "id"]),
	node2: () => child.execFileSync(process.execPath, ["-e", "1"]),
	fork: () => new Promise((resolve, reject) => {
		const p = child.fork(__filename);

		p.on("error", reject);
		p.on("exit", (status, signal) => (status === 0 ? resolve("ran") : reject(new Error(`${status} ${signal}`))));
	}),
	listen: () => new Promise((resolve, reject) => {
		net.createServer().on("error", reject).listen(0, "127.0.0.1", function () { resolve("listens"); this.close(); });
	}),
	unixListen: () => new Promise((resolve, reject) => {
		net.createServer().on("error", reject).listen("\0bascule-hostile", function () { resolve("listens"); this.close(); });
	}),
	loopback: () => connecting({ host: "127.0.0.1", port: 22 }),
	metadata: () => connecting({ host: "169.254.169.254", port: 80 }),
	mapped: () => connecting({ host: "::ffff:169.254.169.254", port: 80 }),
	outside: () => connecting({ host: "1.1.1.1", port: 443 }),
	otherName: () => connecting({ host: "example.com", port: 443 }),
	unix: () => connecting({ path: "/run/dbus/system_bus_socket" }),
	udp: () => datagram(53, "1.1.1.1"),
	inspector: () => require("node:inspector").open(0, "127.0.0.1"),
	killParent: () => process.kill(process.ppid, 0),
	killAll: () => process.kill(-1, 0),
	setuid: () => process.setuid(0),
	addon: () => process.dlopen({ exports: {} }, "/usr/lib/x86_64-linux-gnu/libc.so.6"),
	code: () => `${fs.readdirSync("/code")} ${fs.statSync("/code/512").size > 1000}`,
	codeWrite: () => fs.writeFileSync("/code/512", "x"),
	codeAppend: () => fs.appendFileSync("/code/512", "x"),
	codeRemove: () => fs.unlinkSync("/code/512"),
	codeReplace: () => fs.renameSync("/tmp/left-behind", "/code/512"),
	codeMake: () => fs.writeFileSync("/code/other", "x"),
	codeMode: () => fs.chmodSync("/code/512", 0o666),
	codeByNumber: () => fs.ftruncateSync(fs.openSync("/code/512", "r"), 0),
	temporary: () => fs.writeFileSync("/tmp/left-behind", "x"),
	leaveGlobal: () => { globalThis.left = process.env.left = Object.prototype.left = "behind"; return fs.left = "behind"; },
	findGlobal: () => [globalThis.left, process.env.left, {}.left, fs.left].filter((x) => x !== undefined).length,
	before: () => fs.existsSync("/tmp/left-behind"),
};

const write = (text) => fs.writeSync(RESULT, text);
const ends = {
	endsTwice: async () => { write("{\"type\":\"end\"}\n"); },
	endsAndGoesOn: async (res) => { write("{\"type\":\"end\"}\n"); res.send({ identity: "after", attributes: {} }); },
	endsAndLeaves: async () => { write("{\"type\":\"end\"}\n"); process.reallyExit(0); },
	leavesSilently: async () => process.reallyExit(0),
	rubbish: async () => { write("not a line of JSON\n"); await later(1000); },
	lockedAgain: async () => { write("{\"type\":\"locked\"}\n"); await later(1000); },
	halfLine: async () => { write("{\"data\":{\"ident"); process.reallyExit(0); },
	closesResults: async () => { fs.closeSync(RESULT); },
	aborts: async () => process.abort(),
	stays: async () => { process.exit = () => {}; process.reallyExit = () => {}; process.on("exit", () => { for (;;); }); },
	memory: async () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); },
	buffers: async () => { const all = []; for (;;) all.push(Buffer.alloc(1e7, 1)); },
	loop: async () => { for (;;); },
	loopLater: async (res) => { res.send({ identity: "1", attributes: {} }); await later(1); for (;;); },
	microtasks: async () => { for (;;) await null; },
	trapsTerm: async () => { process.on("SIGTERM", () => {}); await later(600000); },
	stdout: async () => { const text = "x".repeat(65536); for (;;) fs.writeSync(1, text); },
	stderr: async () => { const line = `${"y".repeat(1000)}\n`; for (let i = 0; i < 200000; i++) fs.writeSync(LOG, line); },
	workers: async () => { for (;;) { new Worker("for (;;);", { eval: true }).on("error", () => {}); await later(1); } },
	hugeLine: async () => { for (;;) write("x".repeat(65536)); },
	// What a host might use of its realm, changed: the record must be the one that was sent, and the end one.
	games: async (res) => {
		const forged = "{\"data\":{\"identity\":\"forged\",\"attributes\":{}},\"type\":\"output\"}";

		JSON.stringify = () => forged;
		JSON.parse = () => ({ forged: true });
		const games = [[Array.prototype, ["push", "join", "shift", "forEach", "map"]],
		    [String.prototype, ["slice", "charAt", "charCodeAt", "indexOf", "startsWith", "replace"]],
		    [Object, ["keys", "freeze", "defineProperty"]], [Object.prototype, ["hasOwnProperty", "toString"]],
		    [Buffer, ["from", "byteLength", "concat"]], [fs, ["writeSync", "write"]], [Map.prototype, ["get", "has"]],
		    [process, ["emit", "nextTick", "reallyExit"]], [Date.prototype, ["toISOString"]], [Array.prototype, [Symbol.iterator]]];

		for (let i = 0; i < games.length; i++)
			for (let k = 0; k < games[i][1].length; k++)
				games[i][0][games[i][1][k]] = function () { return "forged"; };
		Object.prototype.cause = "protocol";
		Object.prototype.stack = Object.prototype.type = "forged";
		res.send({ identity: "true", attributes: {} });
	},
	listeners: async () => { process.removeAllListeners(); Promise.reject(new Error("unheard")); await later(50); process.exit(0); },
};

module.exports.connector = createConnector().stdAccountList(async (context, input, res) => {
	for (const name of input.looks ?? [])
		res.send(await attempt(name, looks[name]));
	if (input.end !== undefined)
		await ends[input.end](res);
});
