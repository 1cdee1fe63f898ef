// A server with users, groups and a log of their changes, which answers as Microsoft's pages say that Graph does: written
// for these tests from them, no software of Microsoft's.  Links of changes go out of date (POST /forget?how=410|400|late).
//
//	PORT=n node graph-server.mjs		prints "ready" once it listens
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

const PAGE = 2;
const users = new Map(), groups = new Map(), log = [];		// log: { seq, id }
let seq = 0, horizon = 0, how = "410", late = false;
const base = `http://localhost:${process.env.PORT}`;

const changed = (id) => log.push({ seq: ++seq, id });
const fail = (status, code, message) => ({ status, body: { error: { code, message } } });
const rows = (all, at, path, last) => {
	const value = all.slice(at, at + PAGE), more = at + PAGE < all.length;
	return { status: 200, body: { value, ...(more ? { "@odata.nextLink": `${base}${path}&$skiptoken=${at + PAGE}` } : last) } };
};

// What a link means is in it: a list of all as of now, or what changed between two numbers.
const delta = (query) => {
	const from = Number(query.get("$deltatoken") ?? -1), to = Number(query.get("to") ?? seq), at = Number(query.get("$skiptoken") ?? 0);
	if (from >= 0 && from < horizon && (how !== "late" || late || at > 0)) {
		late = false;
		return how === "400" ? fail(400, "syncStateNotFound", "The delta token is expired and data must be synchronized again.") :
		    fail(410, "resyncRequired", "Resync required.");
	}
	const ids = new Set(from < 0 ? users.keys() : log.filter((c) => c.seq > from && c.seq <= to).map((c) => c.id));
	const all = [...ids].map((id) => users.get(id) ?? { id, "@removed": { reason: "deleted" } });
	return rows(all, at, `/v1.0/users/delta?${from < 0 ? "" : `$deltatoken=${from}&`}to=${to}`,
	    { "@odata.deltaLink": `${base}/v1.0/users/delta?$deltatoken=${to}` });
};

const user = (method, id, body) => {
	if (!users.has(id))
		return fail(404, "Request_ResourceNotFound", `Resource '${id}' does not exist.`);
	if (method === "GET")
		return { status: 200, body: users.get(id) };
	const { passwordProfile, ...seen } = body ?? {};
	method === "DELETE" ? users.delete(id) : users.set(id, { ...users.get(id), ...seen });
	changed(id);
	return { status: 204 };
};

const member = (method, group, id, body) => {
	const g = groups.get(group);
	if (g === undefined)
		return fail(404, "Request_ResourceNotFound", "no such group");
	if (method === "POST" && g.members.has(body["@odata.id"].split("/").pop()))
		return fail(400, "Request_BadRequest", "One or more added object references already exist.");
	if (method === "POST")
		g.members.add(body["@odata.id"].split("/").pop());
	else if (!g.members.delete(id))
		return fail(404, "Request_ResourceNotFound", "no such member");
	return { status: 204 };
};

const route = (method, path, query, body) => {
	let m;
	if (path === "/forget") {
		horizon = seq + 1;
		how = query.get("how");
		late = false;
		seq++;
		return { status: 204 };
	}
	if (path.endsWith("/oauth2/v2.0/token"))
		return { status: 200, body: { access_token: "graph-access-token", expires_in: 3599, token_type: "Bearer" } };
	if (path === "/v1.0/users/delta")
		return delta(query);
	if (path === "/v1.0/users" && method === "POST") {
		if ([...users.values()].some((u) => u.userPrincipalName === body.userPrincipalName))
			return fail(400, "Request_BadRequest", "Another object with the same value for property userPrincipalName already exists.");
		const { passwordProfile, ...seen } = body, id = randomUUID();
		users.set(id, { id, ...seen });
		changed(id);
		return { status: 201, body: users.get(id) };
	}
	if (path === "/v1.0/users")
		return rows([...users.values()], Number(query.get("$skiptoken") ?? 0), "/v1.0/users?x=1", {});
	if ((m = path.match(/^\/v1\.0\/users\/([^/]+)$/)))
		return user(method, m[1], body);
	if ((m = path.match(/^\/v1\.0\/users\/([^/]+)\/memberOf\/microsoft\.graph\.group$/)))
		return { status: 200, body: { value: [...groups.values()].filter((g) => g.members.has(m[1])).map((g) => ({ id: g.id })) } };
	if (path === "/v1.0/groups")
		return { status: 200, body: { value: [...groups.values()].map(({ members, ...g }) => g) } };
	if ((m = path.match(/^\/v1\.0\/groups\/([^/]+)\/members$/)))
		return { status: 200, body: { value: [...groups.get(m[1]).members].map((id) => ({ id })) } };
	if ((m = path.match(/^\/v1\.0\/groups\/([^/]+)\/members\/(?:([^/$]+)\/)?\$ref$/)))
		return member(method, m[1], m[2], body);
	if (path === "/v1.0/roleManagement/directory/roleAssignments")
		return { status: 200, body: { value: [] } };
	return fail(404, "BadRequest", `nothing at ${path}`);
};

for (const id of ["g1", "g2"])
	groups.set(id, { id, displayName: id, groupTypes: [], members: new Set() });
createServer(async (request, answer) => {
	let text = "";
	for await (const chunk of request)
		text += chunk;
	const url = new URL(request.url, base), type = request.headers["content-type"] ?? "";
	const signed = url.pathname.endsWith("/token") || url.pathname === "/forget" ||
	    request.headers.authorization === "Bearer graph-access-token";
	const { status, body } = signed ?
	    route(request.method, url.pathname, url.searchParams, type.includes("json") && text ? JSON.parse(text) : null) :
	    fail(401, "InvalidAuthenticationToken", "no token");
	answer.writeHead(status, { "Content-Type": "application/json" });
	answer.end(body === undefined ? "" : JSON.stringify(body));
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
