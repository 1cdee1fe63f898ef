/*
 * Cuts GitHub's OpenAPI description to the paths that an identity connector calls, with all they refer to.
 * What a request validator has no use for (texts, examples of other paths, links) goes too.
 *
 *	node github-slim.js api.github.com.json github-openapi.json
 */
"use strict";
const fs = require("fs");

const PATHS = [
	/^\/user$/,
	/^\/users\/\{username\}$/,
	/^\/app$/,
	/^\/app\/installations\/\{installation_id\}(\/access_tokens)?$/,
	/^\/orgs\/\{org\}$/,
	/^\/orgs\/\{org\}\/(members|memberships|outside_collaborators)(\/\{username\})?$/,
	/^\/orgs\/\{org\}\/(invitations(\/\{invitation_id\}(\/teams)?)?|failed_invitations)$/,
	/^\/orgs\/\{org\}\/organization-roles(\/.*)?$/,
	/^\/orgs\/\{org\}\/teams(\/\{team_slug\}(\/(members|memberships\/\{username\}))?)?$/,
];
const DROPPED_KEYS = new Set(["externalDocs", "x-github", "description", "summary", "tags"]);

/* Members of a schema's "properties" are names, not keywords: a property may well be called description. */
function prune(node, names)
{
	if (Array.isArray(node)) {
		node.forEach((v) => prune(v, false));
		return;
	}
	if (node === null || typeof node !== "object")
		return;
	for (const key of Object.keys(node)) {
		if (!names && DROPPED_KEYS.has(key) && key !== "description")
			delete node[key];
		else if (!names && key === "description" && typeof node[key] === "string")
			node[key] = "";
		else if (key !== "example" && key !== "examples" && key !== "value" && key !== "enum")
			prune(node[key], !names && key === "properties");
	}
}

function keepReferenced(spec)
{
	const kept = {};
	const walk = (node) => {
		if (node === null || typeof node !== "object")
			return;
		const ref = typeof node.$ref === "string" && /^#\/components\/([^/]+)\/(.+)$/.exec(node.$ref);
		if (ref) {
			const [, kind, name] = ref;
			kept[kind] ??= {};
			if (!(name in kept[kind])) {
				kept[kind][name] = spec.components[kind][name];
				walk(kept[kind][name]);
			}
		}
		Object.values(node).forEach(walk);
	};
	walk(spec.paths);
	return kept;
}

const [, , from, to] = process.argv;
const spec = JSON.parse(fs.readFileSync(from, "utf8"));

for (const path of Object.keys(spec.paths))
	if (!PATHS.some((re) => re.test(path)))
		delete spec.paths[path];
const components = keepReferenced(spec);
const out = {
	openapi: spec.openapi,
	info: { title: spec.info.title, version: spec.info.version, license: spec.info.license },
	servers: [{ url: "http://localhost" }],
	paths: spec.paths,
	components,
};
prune(out.paths, false);
prune(out.components, false);
fs.writeFileSync(to, JSON.stringify(out, null, "\t") + "\n");
console.log(Object.keys(out.paths).length + " paths, " + fs.statSync(to).size + " bytes");
