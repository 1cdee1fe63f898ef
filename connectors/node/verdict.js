"use strict";
/*
 * verdict.js -- how an invocation ended: one line, one log line, one exit status.  And no secret in any of them.
 */
const safe = require("./safe.js");
const { FD, write } = require("./wire.js");

const MESSAGE_CHARS_MAX = 1300;		/* so that its UTF-8 fits the protocol's 4096 bytes */
const STACK_CHARS_MAX = 6000;
const TYPE_CHARS_MAX = 63;
const SECRET_CHARS_MIN = 4;
const BLOT = "****";

/* Exit statuses of the worker protocol, section 4. */
const TYPE_EXIT = Object.freeze({
	__proto__: null,
	generic: 1, notFound: 66, invalidConfiguration: 78, insufficientPermission: 77, invalidRequest: 65,
	invalidResponse: 69, timeout: 75,
});
const CAUSE_EXIT = Object.freeze({
	__proto__: null,
	upstream: 69, request: 65, unsupported: 65, "record-too-large": 79, "no-egress": 80, limit: 79, "client-gone": 74,
});

let secrets = [];			/* longest first */

/* An array that is walked by index: iterators are the bundle's to change. */
function each(list, fn) {
	for (let i = 0; i < list.length; i++)
		fn(list[i]);
}

function cut(text, max) {
	return text.length > max ? safe.slice(text, 0, max) + "..." : text;
}

function replaceAll(text, what, by) {
	const parts = [];
	let from = 0, at;

	while ((at = safe.indexOf(text, what, from)) !== -1) {
		parts[parts.length] = safe.slice(text, from, at);
		from = at + what.length;
	}
	parts[parts.length] = safe.slice(text, from);
	return safe.join(parts, by);
}

/* Control characters and lone surrogates have no place in a verdict. */
function clean(text) {
	let out = "";

	for (let i = 0; i < text.length; i++) {
		const c = safe.codeAt(text, i), next = i + 1 < text.length ? safe.codeAt(text, i + 1) : 0;

		if (c < 0x20 || c === 0x7f)
			out += " ";
		else if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000)
			out += safe.slice(text, i, ++i + 1);
		else
			out += c >= 0xd800 && c < 0xe000 ? "\ufffd" : text[i];
	}
	return out;
}

function redact(text) {
	each(secrets, (secret) => { text = replaceAll(text, secret, BLOT); });
	return text;
}

/* The characters of base64 that a text alone decides when it begins `at` bytes into a group of three. */
function base64Of(text, at) {
	const bytes = Buffer.from(text);

	return Buffer.concat([Buffer.alloc(at), bytes]).toString("base64")
	    .slice(Math.ceil(at * 8 / 6), Math.floor((at + bytes.length) * 8 / 6));
}

/* Values that must not be shown; called before a bundle's code runs. */
function keepSecret(values) {
	const all = new Set(secrets);

	for (const value of values) {
		if (typeof value !== "string" || value.length < SECRET_CHARS_MIN)
			continue;
		all.add(value);
		all.add(JSON.stringify(value).slice(1, -1));
		all.add(encodeURIComponent(value.toWellFormed?.() ?? value));
		for (let at = 0; at < 3; at++)
			all.add(base64Of(value, at));
	}
	secrets = [...all].filter((s) => s.length >= SECRET_CHARS_MIN).sort((a, b) => b.length - a.length);
}

/* Of whatever was thrown: its words, and those of what caused it. */
function messageOf(e) {
	try {
		if (e === null || typeof e !== "object")
			return typeof e === "string" ? e : safe.inspect(e);
		if (typeof e.message !== "string" || e.message === "")
			return cut(safe.inspect(e, { depth: 1, breakLength: Infinity }), MESSAGE_CHARS_MAX);
		const cause = e.cause?.message;
		return typeof cause === "string" && safe.indexOf(e.message, cause) === -1 ?
		    `${e.message}: ${cause}` : e.message;
	} catch {
		return "the connector threw something that cannot be shown";
	}
}

function visible(word) {
	if (word.length === 0 || word.length > TYPE_CHARS_MAX)
		return false;
	for (let i = 0; i < word.length; i++) {
		const c = safe.codeAt(word, i);

		if (c <= 0x20 || c >= 0x7f || c === 0x22 || c === 0x5c)
			return false;
	}
	return true;
}

/*
 * The bundle brings its own copy of the SDK, so its ConnectorError is a class of its own: it is known by its name and
 * its member "type".  Other libraries have errors with a "type" too; theirs counts where it is one of ours.
 */
function typeOf(e) {
	try {
		const type = e?.type;

		if (typeof type !== "string" || !visible(type))
			return "generic";
		/* Bundlers put something around the name: _ConnectorError, ConnectorError2. */
		return TYPE_EXIT[type] !== undefined || safe.indexOf(safe.String(e.constructor?.name), "ConnectorError") !== -1 ?
		    type : "generic";
	} catch {
		return "generic";
	}
}

function stackOf(e) {
	try {
		return typeof e?.stack === "string" ? e.stack : safe.inspect(e, { depth: 2 });
	} catch {
		return "";
	}
}

/* A line in the platform's shape; fields come before the message. */
function log(level, fields, message) {
	const head = safe.stringify({ level, timestamp: safe.isoTime(new safe.Date()), ...fields });

	try {
		write(FD.log, redact(`${safe.slice(head, 0, -1)},"message":${safe.stringify(message)}}\n`));
	} catch {
		/* Nobody reads the log: no reason to fail. */
	}
}

/* { message, type?, cause? } of what a handler threw. */
function reasonOf(e, prefix = "") {
	return { type: typeOf(e), message: prefix + messageOf(e), stack: stackOf(e) };
}

/* Writes the last line; the status to leave with.  reason: null for a good end. */
function writeVerdict(reason) {
	if (reason === null) {
		write(FD.result, "{\"type\":\"end\"}\n");
		return 0;
	}
	/* Of its own: an Object.prototype may have been given members of these names. */
	const type = safe.hasOwn(reason, "type") ? reason.type : "generic";
	const word = safe.hasOwn(reason, "cause") ? reason.cause : "";
	const cause = word === "" ? "" : `"cause":${safe.stringify(word)},`;
	const message = safe.stringify(cut(clean(redact(reason.message)), MESSAGE_CHARS_MAX));

	write(FD.result, `{"data":{${cause}"message":${message},"type":${safe.stringify(type)}},"type":"error"}\n`);
	return CAUSE_EXIT[word] ?? TYPE_EXIT[type] ?? 1;
}

module.exports = Object.freeze({ keepSecret, redact, hasSecrets: () => secrets.length > 0, log, reasonOf, writeVerdict, cut, STACK_CHARS_MAX });
