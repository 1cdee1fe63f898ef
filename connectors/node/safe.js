"use strict";
/*
 * safe.js -- what the host uses once a bundle's code has run.
 *
 * A bundle shares the host's realm: it may change any prototype, by mistake or to see what happens.  So the host
 * takes the functions it needs before it loads a bundle, and calls them without a look at a prototype.  That keeps
 * the host's bookkeeping right.  It is no wall: code in this process can write to the host's descriptors as well as
 * the host can.  The walls are around the process, and the launcher judges every line that leaves it.
 */
const fs = require("fs");
const inspect = require("util").inspect;

const utf8Slice = Function.prototype.call.bind(Buffer.prototype.utf8Slice);
const uptime = process.uptime.bind(process);		/* performance would load a dozen modules */
const { bind, call } = Function.prototype;
const free = bind.bind(call);		/* free(f)(self, ...rest) is self.f(...rest) */

module.exports = Object.freeze({
	writeSync: fs.writeSync,
	stringify: JSON.stringify,
	parse: JSON.parse,
	inspect,
	toBytes: Buffer.from,
	bytes: Buffer.byteLength,
	isBytes: Buffer.isBuffer,
	bytesToText: (bytes) => utf8Slice(bytes, 0, bytes.length),
	isArray: Array.isArray,
	keys: Object.keys,
	defineProperty: Object.defineProperty,
	hasOwn: free(Object.prototype.hasOwnProperty),
	charAt: free(String.prototype.charAt),
	codeAt: free(String.prototype.charCodeAt),
	indexOf: free(String.prototype.indexOf),
	slice: free(String.prototype.slice),
	startsWith: free(String.prototype.startsWith),
	endsWith: free(String.prototype.endsWith),
	join: free(Array.prototype.join),
	mapGet: free(Map.prototype.get),
	mapHas: free(Map.prototype.has),
	isoTime: free(Date.prototype.toISOString),
	Date,
	String,
	Promise,
	Error,
	nextTick: process.nextTick.bind(process),
	setImmediate,
	setTimeout,
	now: () => uptime() * 1000,
	activeResources: process.getActiveResourcesInfo.bind(process),
	emit: process.emit.bind(process),
	reallyExit: process.reallyExit.bind(process),
	wait: Atomics.wait,
	waitWord: new Int32Array(new SharedArrayBuffer(4)),
});
