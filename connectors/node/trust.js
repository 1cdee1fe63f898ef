"use strict";
/*
 * trust.js -- certificates of the source's own, beside those that Node knows.
 *
 * The config's caBundle, as for other connectors: PEM, for this source only.  Node takes such only from its environment and
 * before it starts; here each context that is made without certificates of its own gets them, whoever makes it: fetch,
 * https, http2 and what stands on them.  Not in threads of the bundle's.
 */
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function trust(config) {
	const pem = config.caBundle;

	if (typeof pem !== "string" || pem.trim() === "")
		return;
	const tls = require("tls"), { X509Certificate } = require("crypto"), plain = tls.createSecureContext;

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
	tls.createSecureContext = function createSecureContext(options, ...rest) {
		const made = plain.call(this, options, ...rest);

		if (options?.ca === undefined || options.ca === null)
			made.context.addCACert(pem);
		return made;
	};
}

module.exports = Object.freeze({ trust });
