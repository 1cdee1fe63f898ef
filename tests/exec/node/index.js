"use strict";
/* Every way in which a bundle may want to reach its source, and some that must fail: what came of each. */
const dgram = require("dgram"), dns = require("dns"), http = require("http"), http2 = require("http2");
const https = require("https"), tls = require("tls");

const get = (m, url, o) => new Promise((done, fail) => m.get(url, o, (r) => {
	r.resume();
	r.on("end", () => done(r.statusCode));
}).on("error", fail));

const ways = (c, u) => ({
	lookup: async () => (await dns.promises.lookup(u.hostname)).address.replace(/^198\.18\..*/, "made up"),
	resolve4: async () => (await dns.promises.resolve4(u.hostname)).length,
	resolve6: () => dns.promises.resolve6(u.hostname),
	resolveOther: () => dns.promises.resolve4("evil.example"),
	lookupOther: () => dns.promises.lookup("evil.example"),
	get: () => get(u.protocol === "https:" ? https : http, `${c.baseUrl}/Users?count=10`, { headers: c.headers, ca: c.caBundle }),
	fetch: async () => (await fetch(`${c.baseUrl}/Users?count=10`, { headers: c.headers })).status,
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
