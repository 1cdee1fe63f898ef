"use strict";
/*
 * logs.js -- secrets of the config are blotted out of what a bundle prints, as of a verdict.
 *
 * For the connector that means well and logs its config or a request's headers: console, process.stdout and the SDK's
 * logger, which writes by fs.  A secret that is written in two pieces is not seen, nor is a hostile bundle stopped: it
 * had the secret anyway.  Streams are made when they are first asked for, as Node makes them.
 */
const fs = require("fs");
const safe = require("./safe.js");
const { redact } = require("./verdict.js");
const { write } = require("./wire.js");

const OUT = 1, ERR = 2;

/* A chunk of text, whatever it is made of; others pass as they are. */
function cleaned(chunk) {
	if (typeof chunk === "string")
		return redact(chunk);
	if (!safe.isBytes(chunk))
		return chunk;
	const text = safe.bytesToText(chunk), clean = redact(text);

	return clean === text ? chunk : safe.toBytes(clean, "utf8");
}

function watchStream(name) {
	const { get, enumerable } = Object.getOwnPropertyDescriptor(process, name);
	let stream;

	safe.defineProperty(process, name, {
		configurable: true, enumerable,
		get() {
			if (stream === undefined) {
				stream = get.call(process);
				const write = stream.write;

				stream.write = function (chunk, ...rest) {
					return write.call(this, cleaned(chunk), ...rest);
				};
			}
			return stream;
		},
	});
}

/* The part of a chunk that is to be written. */
function partOf(chunk, rest) {
	if (!safe.isBytes(chunk) || typeof rest[0] !== "number")
		return chunk;
	return chunk.subarray(rest[0], typeof rest[1] === "number" ? rest[0] + rest[1] : undefined);
}

/*
 * What was cleaned is written whole and at once, and said to be as long as what was given: a logger would take a shorter
 * one for a part, and write the rest of the original.
 */
function watchFs(name) {
	const plain = fs[name];

	fs[name] = function (fd, chunk, ...rest) {
		const part = fd === OUT || fd === ERR ? partOf(chunk, rest) : chunk;
		const clean = fd === OUT || fd === ERR ? cleaned(part) : chunk;

		if (clean === part)
			return plain.call(this, fd, chunk, ...rest);
		const length = typeof part === "string" ? safe.bytes(part) : part.length, done = rest[rest.length - 1];

		write(fd, clean);
		if (typeof done !== "function")
			return length;
		safe.nextTick(done, null, length, chunk);
	};
}

/* Only where there is something to blot out. */
function watchLogs() {
	watchStream("stdout");
	watchStream("stderr");
	watchFs("write");
	watchFs("writeSync");
}

module.exports = Object.freeze({ watchLogs });
