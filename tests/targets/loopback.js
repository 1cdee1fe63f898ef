/*
 * Loaded by node --require: whatever a server asks for, it listens on loopback
 * only.  Some targets offer no option for it.
 */
"use strict";
const net = require("net");
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
	const first = args[0];

	if (first !== null && typeof first === "object" && "port" in first)
		return listen.call(this, { ...first, host: "127.0.0.1" }, ...args.slice(1));
	if (typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first))) {
		const rest = args.slice(1).filter((a) => typeof a === "function");
		return listen.call(this, { port: Number(first), host: "127.0.0.1" }, ...rest);
	}
	return listen.apply(this, args);
};
