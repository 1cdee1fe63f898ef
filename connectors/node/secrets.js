"use strict";
/*
 * secrets.js -- which values of a request must not be seen in a verdict or a log line of the host.
 *
 * The specification says which items of the config are secret; in what it does not name, a member's name tells.
 */
const TYPES = new Set(["secret", "secrettextarea"]);
const NAMES = /passw|secret|token|api.?key|private.?key|credential|authorization/i;
const DEPTH_MAX = 16;

/* Keys of secret items, wherever a form may hold one: menus, sections, cards, the halves of a key-value list. */
function secretKeys(node, found, depth = 0) {
	if (node === null || typeof node !== "object" || depth > DEPTH_MAX)
		return;
	if (TYPES.has(node.type) && typeof node.key === "string")
		found.add(node.key);
	for (const value of Object.values(node))
		secretKeys(value, found, depth + 1);
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
	const keys = new Set(), found = inputSecrets(request.input);

	for (const spec of specs)
		secretKeys(spec?.sourceConfig, keys);
	secretValues(request.config, (name) => keys.has(name) || NAMES.test(name), found);
	return found;
}

module.exports = Object.freeze({ secretsOf });
