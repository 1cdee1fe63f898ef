// A SCIM 2.0 service of independent make (scimmy, scimmy-routers, express) over rows in memory, for the tests to
// talk to.  Protocol, schemas, filters and PATCH are the libraries'; only storage and sign-in are here.
//
//	BASCULE_TARGETS=dir PORT=n [SEED=users] [GROUPS=n] [MAX=rows a page] [TOKEN=secret] [JWKS=url]
//	[MOUNT=/scim/v2] [OWN_GROUPS=1: users show their groups] [NO_PATCH=1: says that PATCH is not supported, and refuses it]
//
// GET /stats, without sign-in, tells what was seen.  Prints "ready" once it listens.
import { createPublicKey, randomUUID, verify } from "node:crypto";
import { createRequire } from "node:module";

const env = process.env;
const require = createRequire(`${env.BASCULE_TARGETS}/scim/anchor.js`);
const pick = (name) => { const m = require(name); return m.default ?? m; };
const express = require("express"), SCIMMY = pick("scimmy"), Routers = pick("scimmy-routers");
const number = (name, fallback) => Number(env[name] ?? fallback);
const pageMax = number("MAX", 1000);
const stats = { requests: 0, refused: 0, tokens: 0, methods: {} };

class Table {
	constructor(unique) {
		this.unique = unique;
		this.rows = new Map();
		this.names = new Map();
	}
	missing(id) {
		return new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
	}
	get(id) {
		const row = this.rows.get(id);
		if (row === undefined)
			throw this.missing(id);
		return row;
	}
	put(id, data) {
		const name = String(data[this.unique] ?? "").toLowerCase(), holder = this.names.get(name);
		if (holder !== undefined && holder !== id)
			throw new SCIMMY.Types.Error(409, "uniqueness", `${this.unique} '${data[this.unique]}' is taken`);
		const old = this.rows.get(id), now = new Date().toISOString();
		if (old !== undefined)
			this.names.delete(String(old[this.unique]).toLowerCase());
		const row = { ...data, id, meta: { created: old?.meta.created ?? now, lastModified: now } };
		this.rows.set(id, row);
		this.names.set(name, id);
		return row;
	}
	drop(id) {
		const row = this.get(id);
		this.rows.delete(id);
		this.names.delete(String(row[this.unique]).toLowerCase());
	}
}

const users = new Table("userName"), groups = new Table("displayName");

const shown = (table, row) => {
	if (table !== users || !env.OWN_GROUPS)
		return row;
	const mine = [...groups.rows.values()].filter((g) => g.members?.some((m) => m.value === row.id));
	return { ...row, groups: mine.map((g) => ({ value: g.id, display: g.displayName })) };
};

// The library makes an object of every element it is handed, wanted or not: hand it holes for rows off the page.
const page = (table, rows, constraints) => {
	if (constraints.sortBy)
		return rows;
	const at = Math.max(0, (constraints.startIndex ?? 1) - 1);
	const count = Math.min(constraints.count ?? 20, pageMax);
	const out = new Array(rows.length);
	// It cuts the front off by itself where the first rows would fill the page.
	for (let i = at < count ? 0 : at; i < Math.min(rows.length, at + count); i++)
		out[i] = shown(table, rows[i]);
	return out;
};

const serve = (resource, table) => SCIMMY.Resources.declare(resource)
	.ingress((r, data) => table.put(r.id ?? randomUUID(), data))
	.egress((r) => {
		if (r.id)
			return shown(table, table.get(r.id));
		const all = [...table.rows.values()];
		return page(table, r.filter ? r.filter.match(all) : all, r.constraints ?? {});
	})
	.degress((r) => {
		table.drop(r.id);
		for (const g of groups.rows.values())
			g.members = g.members?.filter((m) => m.value !== r.id);
	});

const seed = () => {
	const total = number("SEED", 1000), id = (i) => `u${String(i).padStart(7, "0")}`;
	for (let i = 0; i < total; i++)
		users.put(id(i), {
			schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
			userName: `user${i}`, externalId: `e${i}`, displayName: `User ${i}`, active: i % 20 !== 0,
			name: { givenName: "User", familyName: String(i) },
			emails: [{ value: `user${i}@example.com`, type: "work", primary: true }],
		});
	for (let g = 0; g < number("GROUPS", 20); g++)
		groups.put(`g${g}`, {
			displayName: `Group ${g}`,
			members: Array.from({ length: Math.min(50, total) }, (_, k) => ({ value: id((g * 50 + k) % total) })),
		});
};

let keys = null;
const seenTokens = new Set();
const tokenOk = async (token) => {
	const [head, body, signature] = token.split(".");
	if (!signature)
		return false;
	keys ??= (await (await fetch(env.JWKS)).json()).keys;
	const { kid, alg } = JSON.parse(Buffer.from(head, "base64url"));
	const key = keys.find((k) => k.kid === kid);
	if (key === undefined || alg !== "RS256")
		return false;
	const signed = verify("sha256", Buffer.from(`${head}.${body}`), createPublicKey({ key, format: "jwk" }),
	    Buffer.from(signature, "base64url"));
	const claims = JSON.parse(Buffer.from(body, "base64url"));
	return signed && claims.exp > Date.now() / 1000 && String(claims.scope).split(" ").includes("users.write");
};

const signIn = async (request) => {
	const token = (request.header("Authorization") ?? "").replace(/^Bearer /, "");
	if (env.TOKEN && token === env.TOKEN)
		return "admin";
	if (env.JWKS && await tokenOk(token)) {
		seenTokens.add(token);
		stats.tokens = seenTokens.size;
		return "service";
	}
	stats.refused++;
	throw new Error("bad or expired token");
};

serve(SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser), users);
serve(SCIMMY.Resources.Group, groups);
seed();
const app = express();
app.get("/stats", (_, answer) => answer.json(stats));
app.use((request, answer, next) => {
	stats.requests++;
	stats.methods[request.method] = (stats.methods[request.method] ?? 0) + 1;
	if (env.NO_PATCH && request.method === "PATCH")
		return answer.status(501).json({ schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"], status: "501" });
	next();
});
app.use(env.MOUNT ?? "/scim/v2", new Routers({ type: "bearer", handler: signIn }));
// After the routers, which claim PATCH for themselves.
SCIMMY.Config.set({ filter: { supported: true, maxResults: pageMax }, patch: !env.NO_PATCH });
app.listen(number("PORT", 0), "127.0.0.1", () => console.log("ready"));
