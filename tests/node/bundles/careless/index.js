"use strict";
// What goes wrong in connectors that were only ever run on a server that outlives them.
const { createConnector, ConnectorError } = require("@sailpoint/connector-sdk");

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cyclic = {};
cyclic.cyclic = cyclic;

const ways = {
	lateRecord: async (res) => { later(20).then(() => res.send({ identity: "late", attributes: {} })); },
	lateFailure: async () => { later(20).then(() => { throw new Error("nobody caught this"); }); },
	rejection: async () => { Promise.reject(new Error("nobody awaited this")); await later(50); },
	uncaught: async () => { setTimeout(() => { throw new Error("from a timer"); }, 1); await later(50); },
	exit: async () => process.exit(0),
	reallyExit: async () => process.reallyExit(0),
	neverEnds: async () => new Promise(() => {}),
	leftBehind: async () => { setInterval(() => {}, 10); },
	throwsText: async () => { throw "just a text"; },
	throwsNothing: async () => { throw undefined; },
	throwsProxy: async () => { throw new Proxy({}, { get() { throw new Error("no"); } }); },
	ownType: async () => { throw new ConnectorError("of its own", "quotaUsedUp"); },
	libraryType: async () => { throw Object.assign(new Error("of a library"), { type: "system" }); },
	secretTold: async () => { throw new Error("401 for Authorization: Bearer s3cr3t-token"); },
	cause: async () => { throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }); },
	cyclic: async (res) => res.send(cyclic),
	bigint: async (res) => res.send({ identity: "b", attributes: { n: 1n } }),
	tooLarge: async (res) => res.send({ identity: "huge", attributes: { id: "x".repeat(300000) } }),
	wrongKind: async (res) => res.send("text"),
	nothing: async (res) => res.send(undefined),
	failsInMiddle: async (res) => { res.send({ identity: "1", attributes: {} }); await later(1); throw new Error("half way"); },
	// 40 MB, to a reader that may be slow.
	flood: async (res) => {
		for (let i = 0; i < 40000; i++)
			res.send({ identity: String(i), attributes: { text: "x".repeat(1000) } });
	},
	prototypeOfErrors: async () => {
		Object.prototype.cause = "client-gone";
		setTimeout(() => process.exit(3), 1);
		await later(50);
	},
	prototypes: async (res) => {
		Object.prototype.cause = "client-gone";
		Object.prototype.toJSON = function () { return undefined; };
		Array.prototype[Symbol.iterator] = function () { throw new Error("iterated"); };
		Array.prototype.push = Array.prototype.map = () => { throw new Error("pushed"); };
		String.prototype.slice = String.prototype.startsWith = () => "no";
		JSON.stringify = () => "{}";
		Buffer.from = () => { throw new Error("no buffer"); };
		delete Object.prototype.toJSON;
		res.send({ identity: "1", attributes: {} });
	},
};

module.exports.connector = createConnector()
	.stdAccountList(async (context, input, res) => ways[input.way](res))
	.stdAccountRead(async (context, input, res) => {
		for (let i = 0; i < input.outputs; i++)
			res.send({ identity: "1", attributes: {} });
		if (input.state)
			res.saveState({});
	})
	.stdAccountDelete(async () => {});
