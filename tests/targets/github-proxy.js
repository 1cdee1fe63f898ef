/*
 * Stands between connector and target, on loopback.
 *
 *	node github-proxy.js PORT UPSTREAM LOG [options]
 *
 * - LOG gets one JSON line a request: method, path, status, the headers that
 *   GitHub demands, and every breach of GitHub's contract that Prism names.
 * - hosts in Link headers become its own, so that paging stays behind it;
 * - with "etag" 200s get an ETag and a fitting If-None-Match is answered 304,
 *   as GitHub does and the emulator does not;
 * - with "examples" the target is asked for application/json: Prism knows examples
 *   under that name only, not under GitHub's own, which is what LOG shows; and
 *   Link headers go: an example's next page is not there;
 * - GET /-/fault?path=RE&status=N&times=N&header=Name:value&body=JSON makes the
 *   next answers to paths that match (method and path in one text) a fault;
 *   GET /-/reset forgets all faults.
 */
"use strict";
const http = require("http");
const fs = require("fs");
const crypto = require("crypto");
const [, , port, upstream, log, ...options] = process.argv;
const up = new URL(upstream);
const withEtag = options.includes("etag");
const examples = options.includes("examples");
let faults = [];

function control(url, res)
{
	if (url.pathname === "/-/reset")
		faults = [];
	else if (url.pathname === "/-/fault")
		faults.push({
			re: new RegExp(url.searchParams.get("path")),
			status: Number(url.searchParams.get("status")),
			times: Number(url.searchParams.get("times") ?? 1),
			headers: Object.fromEntries(url.searchParams.getAll("header").map((h) => {
				const at = h.indexOf(":");
				return [h.slice(0, at), h.slice(at + 1).trim()];
			})),
			body: url.searchParams.get("body") ?? '{"message":"fault"}',
		});
	res.end("ok\n");
}

function note(req, status, answerHeaders, sent)
{
	let breaches = [];
	try {
		breaches = JSON.parse(answerHeaders["sl-violations"] ?? "[]");
	} catch {
		breaches = [{ location: ["request"], message: "unreadable sl-violations" }];
	}
	const h = req.headers;
	fs.appendFileSync(log, JSON.stringify({
		method: req.method, path: req.url, status,
		accept: h.accept, version: h["x-github-api-version"], agent: h["user-agent"],
		condition: h["if-none-match"], authorization: (h.authorization ?? "").split(" ")[0],
		body: sent.toString("utf8"),
		request: breaches.filter((b) => b.location?.[0] === "request").map((b) => b.location.join("/") + ": " + b.message),
		response: breaches.filter((b) => b.location?.[0] === "response").length,
	}) + "\n");
}

function reply(req, res, status, headers, body, sent)
{
	const own = "http://" + req.headers.host;

	delete headers["transfer-encoding"];
	delete headers["content-length"];
	delete headers.connection;
	if (examples)
		delete headers.link;
	if (headers.link)
		headers.link = headers.link.replace(/<https?:\/\/[^/>]+/g, "<" + own);
	if (withEtag && status === 200 && req.method === "GET") {
		headers.etag = 'W/"' + crypto.createHash("sha256").update(body).digest("hex").slice(0, 32) + '"';
		if (req.headers["if-none-match"] === headers.etag) {
			delete headers["content-type"];
			status = 304;
			body = undefined;
		}
	}
	note(req, status, headers, sent);
	delete headers["sl-violations"];
	res.writeHead(status, headers);
	res.end(body);
}

function forward(req, res, sent)
{
	const headers = { ...req.headers, host: up.host };

	if (examples)
		headers.accept = "application/json";
	delete headers["if-none-match"];
	delete headers["accept-encoding"];
	const target = { host: up.hostname, port: up.port, method: req.method, path: req.url, headers };
	const out = http.request(target, (answer) => {
		const parts = [];
		answer.on("data", (d) => parts.push(d));
		answer.on("end", () => reply(req, res, answer.statusCode, { ...answer.headers }, Buffer.concat(parts), sent));
	});
	out.on("error", (e) => {
		res.writeHead(502);
		res.end(JSON.stringify({ message: e.message }));
	});
	out.end(sent);
}

http.createServer((req, res) => {
	const url = new URL(req.url, "http://localhost");
	const parts = [];

	if (url.pathname.startsWith("/-/")) {
		control(url, res);
		return;
	}
	req.on("data", (d) => parts.push(d));
	req.on("end", () => {
		const sent = Buffer.concat(parts);
		const fault = faults.find((f) => f.times > 0 && f.re.test(req.method + " " + req.url));

		if (fault === undefined) {
			forward(req, res, sent);
			return;
		}
		fault.times--;
		reply(req, res, fault.status, { "content-type": "application/json", ...fault.headers }, fault.body, sent);
	});
}).listen(Number(port), "127.0.0.1");
