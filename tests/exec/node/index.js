"use strict";
/* Every way in which a bundle may want to reach its source, and some that must fail: what came of each. */
const dgram = require("dgram"), dns = require("dns"), http = require("http"), http2 = require("http2");
const https = require("https"), net = require("net"), tls = require("tls");

const get = (m, url, o) => new Promise((done, fail) => m.get(url, o, (r) => {
	r.resume();
	r.on("end", () => done(r.statusCode));
}).on("error", fail));

/* A connection, and whether anybody is there. */
const reach = (host, port) => new Promise((done, fail) => {
	const s = net.connect({ host, port, autoSelectFamily: false }, () => setTimeout(() => { s.destroy(); done("connected"); }, 200));

	s.on("error", fail);
});

const ways = (c, u) => ({
	lookup: async () => (await dns.promises.lookup(u.hostname)).address.replace(/^(198\.18\.|2001:2::).*/, "made up"),
	resolve4: async () => (await dns.promises.resolve4(u.hostname)).length,
	resolve6: async () => (await dns.promises.resolve6(u.hostname)).map((a) => a.replace(/^2001:2::.*/, "made up")).join(),
	lookup6: async () => (await dns.promises.lookup(u.hostname, { family: 6, all: true })).map((a) => a.family).join(),
	lookupAll: async () => (await dns.promises.lookup(u.hostname, { all: true })).map((a) => a.family).sort().join(),
	resolveMx: () => dns.promises.resolveMx(u.hostname),
	resolve6Other: () => dns.promises.resolve6("evil.example"),
	resolveOther: () => dns.promises.resolve4("evil.example"),
	lookupOther: () => dns.promises.lookup("evil.example"),
	get: () => get(u.protocol === "https:" ? https : http, `${c.baseUrl}/Users?count=10`, { headers: c.headers, ca: c.caBundle }),
	fetch: async () => (await fetch(`${c.baseUrl}/Users?count=10`, { headers: c.headers })).status,
	get6: () => get(u.protocol === "https:" ? https : http, `${c.baseUrl}/Users?count=10`,
	    { headers: c.headers, ca: c.caBundle, family: 6, agent: false }),
	/* Both families side by side, each given a moment. */
	eyeballs: () => get(u.protocol === "https:" ? https : http, `${c.baseUrl}/Users?count=10`,
	    { headers: c.headers, ca: c.caBundle, agent: false, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 250 }),
	/* By number, in whatever form: what was made up is no secret, and leads to the same place. */
	literal6: async () => reach((await dns.promises.resolve6(u.hostname))[0], u.port),
	mapped4: async () => reach(`::ffff:${(await dns.promises.resolve4(u.hostname))[0]}`, u.port),
	...Object.fromEntries(["::1", "fe80::1", "fd00::1", "64:ff9b::7f00:1", "2001:db8::1", "2001:2::9", "::ffff:169.254.169.254",
		"::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::"].map((a) => [a, () => reach(a, u.port)])),
	udp6: () => new Promise((done, fail) => {
		const s = dgram.createSocket("udp6");

		s.on("error", fail);
		s.connect(123, "2001:2::1", () => s.send("x", () => setTimeout(() => { s.close(); done("sent"); }, 200)));
	}),
	http2: () => new Promise((done, fail) => {
		const s = http2.connect(u.origin, { ca: c.caBundle });

		s.on("error", fail);
		s.on("connect", () => { s.destroy(); done("connected"); });
	}),
	fronted: () => new Promise((done, fail) => {
		const s = tls.connect({ host: u.hostname, port: u.port, servername: "other.example", rejectUnauthorized: false },
		    () => done("connected"));

		s.on("error", fail);
	}),
	udp: () => new Promise((done, fail) => {
		const s = dgram.createSocket("udp4");

		s.on("error", fail);
		s.connect(123, "198.18.0.1", () => s.send("x", () => setTimeout(() => { s.close(); done("sent"); }, 200)));
	}),
});

exports.connector = {
	async _exec(type, context, input, res) {
		const c = JSON.parse(Buffer.from(process.env.CONNECTOR_CONFIG, "base64"));
		const all = ways({ ...c, headers: { Authorization: `Bearer ${c.token}` } }, new URL(c.baseUrl));

		for (const look of Object.keys(all))
			try {
				res.write({ look, got: await all[look]() });
			} catch (e) {
				res.write({ look, refused: e.cause?.code ?? e.code ?? e.message });
			}
	},
};
