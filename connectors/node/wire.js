"use strict";
/*
 * wire.js -- the descriptors, and lines to them.
 *
 * The worker protocol of foreign programs: request on 0, logs on 1 and 2, results on 3.  Writes are synchronous: a
 * slow reader stops the bundle where it stands instead of filling its memory, and nothing is lost when the process ends.
 */
const fs = require("fs");
const safe = require("./safe.js");

const FD = Object.freeze({ request: 0, log: 2, result: 3 });
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;
const READ_BYTES = 64 * 1024;
const RETRY_MS = 2;			/* a full pipe that does not block */

/* One JSON document, up to end of file.  Called before a bundle's code runs. */
function readRequest() {
	const parts = [];
	let total = 0;

	for (;;) {
		const part = Buffer.allocUnsafe(READ_BYTES);
		let n;

		try {
			n = fs.readSync(FD.request, part, 0, READ_BYTES, null);
		} catch (e) {
			if (e.code !== "EAGAIN")
				throw e;
			safe.wait(safe.waitWord, 0, 0, RETRY_MS);
			continue;
		}
		if (n === 0)
			break;
		if ((total += n) > REQUEST_BYTES_MAX)
			throw new Error(`request: over ${REQUEST_BYTES_MAX} bytes`);
		parts.push(part.subarray(0, n));
	}
	const request = JSON.parse(Buffer.concat(parts, total).toString("utf8"));

	if (request === null || typeof request !== "object" || typeof request.type !== "string")
		throw new Error("request: it must be a JSON object with a \"type\"");
	return request;
}

/* Text or bytes; whole, or it throws; EPIPE means that nobody reads any more. */
function writeAll(fd, rest) {
	let at = 0;

	while (at < rest.length) {
		try {
			at += safe.writeSync(fd, rest, at, rest.length - at);
		} catch (e) {
			if (e.code !== "EAGAIN")
				throw e;
			safe.wait(safe.waitWord, 0, 0, RETRY_MS);
		}
	}
}

function write(fd, text) {
	writeAll(fd, typeof text === "string" ? safe.toBytes(text, "utf8") : text);
}

module.exports = Object.freeze({ FD, readRequest, write });
