"use strict";
/*
 * secrets.js -- which values of a request must not be seen in a verdict or a log line of the host.
 *
 * The specification says which items of the config are secret, and which cannot be.  Of the others, and of what it does
 * not name, a member's name tells: many connectors take their token by an item of type "text".
 */
const SECRET = new Set(["secret", "secrettextarea"]);
const PLAIN = new Set(["url", "number", "checkbox", "toggle", "radio", "select"]);
const NAMES = /passw|secret|token|api.?key|private.?key|credential|authorization/i;
const DEPTH_MAX = 16;

/* Types of items by key, wherever a form may hold one: menus, sections, cards, the halves of a key-value list. */
function itemTypes(node, found, depth = 0) {
	if (node === null || typeof node !== "object" || depth > DEPTH_MAX)
		return;
	if (typeof node.type === "string" && typeof node.key === "string" && !SECRET.has(found.get(node.key)))
		found.set(node.key, node.type);
	for (const value of Object.values(node))
		itemTypes(value, found, depth + 1);
}

function secretValues(node, isSecret, found, depth = 0) {
	if (node === null || typeof node !== "object" || depth > DEPTH_MAX)
		return;
	for (const [name, value] of Object.entries(node))
		if (typeof value === "string" && (Array.isArray(node) ? false : isSecret(name)))
			found.push(value);
		else
			secretValues(value, isSecret, found, depth + 1);
}

/* Passwords come as input too: to check, to set, or as an attribute of a new account. */
function inputSecrets(input) {
	const found = [input?.password, input?.oldPassword, input?.attributes?.password];

	for (const change of Array.isArray(input?.changes) ? input.changes : [])
		if (/^password$/i.test(change?.attribute))
			found.push(change.value);
	return found;
}

function secretsOf(request, ...specs) {
	const types = new Map(), found = inputSecrets(request.input);
	const isSecret = (name) => SECRET.has(types.get(name)) || (!PLAIN.has(types.get(name)) && NAMES.test(name));

	for (const spec of specs)
		itemTypes(spec?.sourceConfig, types);
	secretValues(request.config, isSecret, found);
	return found;
}

module.exports = Object.freeze({ secretsOf });
