"use strict";
/*
 * results.js -- the stream that a bundle's SDK writes its records to.
 *
 * The SDK makes { data, type } of what a handler sends and writes it to a stream of objects; here each becomes one
 * line, byte for byte what the SDK's own development server writes.  What the protocol forbids is refused with its
 * reason, since the launcher could only say that a line was wrong:
 *
 *	a member "data" that is missing		{} stands for it (the platform's reader takes such a line amiss)
 *	a bare value (SDKs before 1.1)		is an output
 *	what JSON cannot write			an error
 *	a second output of a single command, an output or a state of the wrong kind, too large a record: an error
 */
const { Writable } = require("stream");
const safe = require("./safe.js");
const { FD, write } = require("./wire.js");

const LINE_BYTES_MAX = 256 * 1024;	/* without its line feed */
const UTF8_BYTES_MAX = 3;		/* of one UTF-16 unit */
const PENDING_CHARS_MAX = 64 * 1024;	/* lines written together, of those that a handler sends in one go */

const KINDS = Object.freeze({ __proto__: null, output: 1, state: 1, keepAlive: 1, config: 1 });
const ARRAY_COMMANDS = Object.freeze({ __proto__: null, "std:source-data:discover": 1, "std:source-data:read": 1 });

/* What the protocol says of a command's results. */
function commandRules(type) {
	const standard = safe.startsWith(type, "std:"), list = standard && safe.endsWith(type, ":list");

	return Object.freeze({
		type,
		single: standard && !list,
		stateful: list,
		opens: !standard ? "" : ARRAY_COMMANDS[type] ? "[" : "{",
	});
}

function kindOf(json) {
	switch (safe.charAt(json, 0)) {
	case "{":	return "an object";
	case "[":	return "an array";
	case "\"":	return "a string";
	case "t":
	case "f":	return "true or false";
	case "n":	return "null";
	default:	return "a number";
	}
}

/* What a record is about, so that an administrator can look for it. */
function named(data) {
	const id = data?.identity ?? data?.key?.simple?.id ?? data?.key?.compound?.lookupId;

	return typeof id === "string" ? ` of "${safe.slice(id, 0, 200)}"` : "";
}

/*
 * openResults(type, stop): stop(reason) is called once, with what is wrong, and does not come back.
 * After close() a record is late, and that is wrong too.  onPatch(fn): fn sees each list of config patches.
 */
function openResults(type, stop) {
	const rules = commandRules(type);
	let pending = "", queued = false, first = true, outputs = 0, closed = false, patch = () => {};

	function flush() {
		const text = pending;

		queued = false;
		pending = "";
		if (text === "")
			return;
		try {
			write(FD.result, text);
		} catch (e) {
			stop({ cause: "client-gone", message: "nobody reads the results any more" });
		}
	}

	/* The first line goes out at once, those of one go together. */
	function put(line) {
		pending += line;
		if (first || pending.length >= PENDING_CHARS_MAX) {
			first = false;
			flush();
		} else if (!queued) {
			queued = true;
			safe.nextTick(flush);
		}
	}

	/* What the rules have against it, or null. */
	function complaint(record, json) {
		switch (record) {
		case "output":
			if (rules.single && outputs > 0)
				return `a second output was sent by ${type}, which gives exactly one`;
			if (rules.opens !== "" && safe.charAt(json, 0) !== rules.opens)
				return `${type} sent ${kindOf(json)}; its output must be ${kindOf(rules.opens)}`;
			return null;
		case "state":
			if (!rules.stateful)
				return `state was sent by ${type}, which keeps none`;
			return safe.charAt(json, 0) === "{" ? null : `state must be an object, not ${kindOf(json)}`;
		case "config":
			return safe.charAt(json, 0) === "[" ? null :
			    `a config patch must be an array of operations, not ${kindOf(json)}`;
		default:
			return null;
		}
	}

	function record(chunk) {
		const wrapped = chunk !== null && typeof chunk === "object" && typeof chunk.type === "string" &&
		    KINDS[chunk.type] === 1 && safe.hasOwn(chunk, "data");
		const kind = wrapped ? chunk.type : "output", data = wrapped ? chunk.data : chunk;
		let json;

		try {
			json = safe.stringify(data) ?? "{}";
		} catch (e) {
			return stop({ message: `a record cannot be written as JSON: ${safe.String(e?.message)}` });
		}
		const wrong = complaint(kind, json);
		if (wrong !== null)
			return stop({ message: wrong });
		const line = `{"data":${json},"type":"${kind}"}`;
		if (line.length * UTF8_BYTES_MAX > LINE_BYTES_MAX && safe.bytes(line) > LINE_BYTES_MAX)
			return stop({ cause: "record-too-large", message: `the ${kind} record${named(data)} is over the ` +
			    `limit of ${LINE_BYTES_MAX / 1024} KiB: let the connector send fewer attributes` });
		if (kind === "output")
			outputs++;
		else if (kind === "config")
			patch(safe.parse(json));
		put(line + "\n");
	}

	const stream = new Writable({
		objectMode: true,
		write(chunk, encoding, done) {
			if (closed)
				return stop({ message: "a record was sent after the handler had returned: await what sends it, " +
				    "or results are lost" });
			record(chunk);
			done();
		},
	});

	return Object.freeze({
		stream, flush, rules,
		outputs: () => outputs,
		close() { closed = true; },
		onPatch(fn) { patch = fn; },
		/* Of the host's own making. */
		output(data) { record({ data, type: "output" }); },
	});
}

module.exports = Object.freeze({ openResults, commandRules });
