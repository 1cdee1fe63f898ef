// A source with many doors: what signs in is checked by node's own cryptography, not by ours.
//
//	PORT=n KEYS=dir [JWKS=url]
//
// KEYS holds rsa.pub and ec.pub.  Prints "ready"; GET /stats counts what was given, POST /forget makes every token void.
import { createServer } from "node:http";
import { createHash, createHmac, createPublicKey, randomBytes, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const port = Number(process.env.PORT), keys = process.env.KEYS, here = `http://localhost:${port}`;
const secret = "shared-secret-0123456789-0123456789", aws = { id: "AKIDFIXTURE", key: "aws/secret+key=40" };
const publics = { RS256: createPublicKey(readFileSync(`${keys}/rsa.pub`)), ES256: createPublicKey(readFileSync(`${keys}/ec.pub`)) };
const users = Array.from({ length: 6 }, (_, i) => ({ id: String(i + 1) }));
const seen = new Set(), tokens = new Map(), stats = { logins: 0, logouts: 0, tokens: 0, asked: 0, refused: 0 };
let refresh = "refresh-0";

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const sha = (text) => createHash("sha256").update(text).digest("hex");
const fresh = (kind, uses = Infinity) => {
	const token = `${kind}-${randomBytes(9).toString("base64url")}`;
	tokens.set(token, uses);
	return token;
};
const spend = (token) => {
	const left = tokens.get(token) ?? 0;
	if (left <= 0)
		return false;
	tokens.set(token, left - 1);
	return true;
};

// A signed token, whole: its claims, or undefined.
const jwtClaims = (jwt, want, jwks) => {
	const [head, body, signature] = (jwt ?? "").split(".");
	if (signature === undefined)
		return;
	const header = JSON.parse(Buffer.from(head, "base64url")), claims = JSON.parse(Buffer.from(body, "base64url"));
	const data = Buffer.from(`${head}.${body}`), raw = Buffer.from(signature, "base64url");
	const now = Date.now() / 1000;
	let good = false;
	if (header.alg === "HS256" && !jwks)
		good = raw.length === 32 && timingSafeEqual(raw, hmac(secret, data));
	else if (jwks)
		good = verify("sha256", data, createPublicKey({ key: jwks.keys.find((k) => k.kid === header.kid), format: "jwk" }), raw);
	else if (publics[header.alg])
		good = verify("sha256", data, { key: publics[header.alg], dsaEncoding: "ieee-p1363" }, raw);
	if (!good || !(claims.exp > now && claims.exp < now + 3700) || claims.iat > now + 5)
		return;
	if (claims.jti !== undefined && !jwks && !want.again && seen.has(claims.jti))
		return;
	seen.add(claims.jti);
	for (const [k, v] of Object.entries(want.claims ?? {}))
		if (claims[k] !== v)
			return;
	for (const [k, v] of Object.entries(want.header ?? {}))
		if (header[k] !== v)
			return;
	return claims;
};

// Signature Version 4, as the documentation has it.
const awsSigned = (request, body) => {
	const m = /^AWS4-HMAC-SHA256 Credential=(.+?)\/(\d{8})\/(.+?)\/(.+?)\/aws4_request, SignedHeaders=(.+?), Signature=([0-9a-f]{64})$/
	    .exec(request.headers.authorization ?? "");
	if (!m || m[1] !== aws.id || m[3] !== "eu-west-1" || m[4] !== "identitystore")
		return false;
	const [path, query = ""] = request.url.split("?"), date = request.headers["x-amz-date"];
	const encode = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
	const params = [...new URLSearchParams(query)].map(([k, v]) => `${encode(k)}=${encode(v)}`).sort().join("&");
	const headers = m[5].split(";").map((h) => `${h}:${request.headers[h].trim().replace(/ +/g, " ")}\n`).join("");
	const canonical = [request.method, path.split("/").map(encode).join("/"), params, headers, m[5], sha(body)].join("\n");
	const text = ["AWS4-HMAC-SHA256", date, `${m[2]}/${m[3]}/${m[4]}/aws4_request`, sha(canonical)].join("\n");
	const key = [m[2], m[3], m[4], "aws4_request"].reduce(hmac, `AWS4${aws.key}`);
	return hmac(key, text).toString("hex") === m[6] && Math.abs(Date.parse(date.replace(
	    /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z")) - Date.now()) < 60000;
};

const cookie = (request, name) => Object.fromEntries((request.headers.cookie ?? "").split(/; */).map((c) => c.split("=")))[name];
const bearer = (request) => /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
let jwks;

const doors = {
	oidc: async (q) => {
		jwks ??= await (await fetch(process.env.JWKS)).json();
		return jwtClaims(bearer(q), {}, jwks);
	},
	jwt: (q) => jwtClaims(bearer(q), { again: true, claims: { iss: "me", aud: "api", sub: "u-1" }, header: { kid: "k-1", typ: "JWT" } }),
	bare: (q) => jwtClaims(/^Token (.+)$/.exec(q.headers["x-token"] ?? "")?.[1], { again: true }),
	instance: (q) => spend(bearer(q)),
	plain: (q) => spend(bearer(q)),
	short: (q) => spend(bearer(q)),
	header: (q) => spend(q.headers["x-auth-token"]),
	cookie: (q) => spend(cookie(q, "sid")),
	query: (q) => spend(new URL(q.url, here).searchParams.get("ticket")),
	crumb: (q) => cookie(q, "key") === "k/key-secret",
	aws: awsSigned,
};

const granted = (form, request) => {
	const basic = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString();
	switch (form.get("grant_type")) {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		if (!jwtClaims(form.get("assertion"), { claims: { iss: "client", sub: "admin", aud: `${here}/token` } }))
			return { status: 400, body: { error: "invalid_grant", error_description: "user hasn't approved this consumer" } };
		return { body: { access_token: fresh("inst"), instance_url: form.get("to") ?? `${here}/instance`, token_type: "Bearer", id: "x" } };
	case "refresh_token":
		if (basic !== "client:c%3As" || form.get("refresh_token") !== refresh)
			return { status: 400, body: { error: "invalid_grant" } };
		if (form.get("rotate"))
			refresh = `refresh-${randomBytes(6).toString("hex")}`;
		return { body: { access_token: fresh("plain"), refresh_token: refresh, expires_in: "3600" } };
	case "account_credentials":
		if (form.get("account_id") !== "acc 1" || form.get("client_id") !== "client" || form.has("empty"))
			return { status: 400, body: { error: "invalid_client" } };
		return { body: { data: { ticket: fresh("short", 3), until: new Date(Date.now() + 3600000).toISOString() } } };
	}
	return { status: 400, body: { error: "unsupported_grant_type" } };
};

const login = (kind, body, request) => {
	if (kind === "app") {
		if (!jwtClaims(bearer(request), { claims: { iss: "app-7" } }))
			return { status: 401, body: { message: "A JSON web token could not be decoded" } };
		return { status: 201, body: { token: fresh("app"), expires_at: new Date(Date.now() + 3600000).toISOString() } };
	}
	if (body.user !== "admin" || body.password !== "login-secret-1")
		return { status: 401, body: { error: "no such user or password" } };
	stats.logins++;
	return {
		header: () => ({ status: 201, body: {}, headers: { "X-Subject-Token": fresh("sub") } }),
		query: () => ({ body: { session: { ticket: fresh("tick"), seconds: 600 } } }),
		cookie: () => ({ body: {}, headers: { "Set-Cookie": [`sid=${fresh("sid")}; Path=/; HttpOnly`, "theme=dark; Path=/"] } }),
		short: () => ({ body: { token: fresh("short", 2) } }),
	}[kind]();
};

const answer = async (request, body) => {
	const url = new URL(request.url, here), [, door, what] = url.pathname.split("/");
	if (url.pathname === "/stats")
		return { body: stats };
	if (url.pathname === "/forget") {
		tokens.clear();
		return { body: {} };
	}
	if (url.pathname === "/token") {
		stats.tokens++;
		return granted(new URLSearchParams(body), request);
	}
	if (door === "login")
		return login(what, body === "" ? {} : JSON.parse(body), request);
	if (door === "logout") {
		stats.logouts += tokens.delete(request.headers["x-subject-token"] ?? "") ? 1 : 0;
		return { status: 204 };
	}
	stats.asked++;
	if (!doors[door] || !await doors[door](request, body)) {
		stats.refused++;
		return { status: 401, body: { error: "not signed in" } };
	}
	const from = Number(url.searchParams.get("cursor") ?? 0);
	return { body: { users: users.slice(from, from + 2), next: from + 2 < users.length ? String(from + 2) : "" } };
};

createServer((request, reply) => {
	let body = "";
	request.on("data", (c) => { body += c; });
	request.on("end", async () => {
		const { status = 200, headers = {}, body: out } = await answer(request, body).catch((e) => ({ status: 500, body: { error: String(e) } }));
		reply.writeHead(status, { "Content-Type": "application/json", ...headers });
		reply.end(out === undefined ? undefined : JSON.stringify(out));
	});
}).listen(port, "127.0.0.1", () => console.log("ready"));
