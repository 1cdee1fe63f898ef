"use strict";
/*
 * trust.js -- certificates of the source's own, beside those that Node knows.
 *
 * The config's caBundle, as for other connectors: PEM, for this source only.  Node takes such only from its environment and
 * before it starts; here each context that is made without certificates of its own gets them, whoever makes it: fetch,
 * https, http2 and what stands on them.  A thread of the bundle's has modules of its own: it begins with this file
 * (join.sh), and finds the certificates in what Node hands on from thread to thread.
 */
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

const KEY = "bascule:caBundle";
/* What a thread that is given arguments of Node's does not inherit; the others are not a thread's to have. */
const OURS = ["--no-addons", "--no-global-search-paths"];

/* Every context of this thread. */
function contexts(pem) {
	const tls = require("tls"), plain = tls.createSecureContext;

	tls.createSecureContext = function createSecureContext(options, ...rest) {
		const made = plain.call(this, options, ...rest);

		if (options?.ca === undefined || options.ca === null)
			made.context.addCACert(pem);
		return made;
	};
}

/* Every thread that it starts. */
function threads() {
	const all = require("worker_threads"), { Worker } = all;

	all.Worker = class extends Worker {
		constructor(file, options) {
			super(file, { ...options, execArgv: [...OURS, ...(options?.execArgv ?? []), "--require", __filename] });
		}
	};
	Object.defineProperty(all.Worker, "name", { value: "Worker" });
	require("module").syncBuiltinESMExports();
}

function trust(config) {
	const pem = config.caBundle;

	if (typeof pem !== "string" || pem.trim() === "")
		return;
	const { X509Certificate } = require("crypto");

	/* A context takes what is none without a word. */
	try {
		const all = pem.match(CERTIFICATES) ?? [];

		if (all.length === 0)
			throw new Error("there is none");
		all.forEach((one) => new X509Certificate(one));
	} catch (e) {
		throw Object.assign(new Error(`caBundle: certificates in PEM are wanted: ${e.message}`),
		    { type: "invalidConfiguration" });
	}
	contexts(pem);
	threads();
	require("worker_threads").setEnvironmentData(KEY, pem);
}

/* In a thread, before anything of the bundle. */
function trustInherited() {
	const pem = require("worker_threads").getEnvironmentData(KEY);

	if (pem === undefined)
		return;
	contexts(pem);
	threads();
}

module.exports = Object.freeze({ trust, trustInherited });
