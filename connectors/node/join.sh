#!/bin/sh
# join.sh PART.js... -- the host as one file: Node finds, reads and compiles one module sooner than a dozen.
# A part asks for another as "./NAME.js", and gets it as from require(); host.js begins.
set -eu
cat <<'EOT'
"use strict";
const parts = { __proto__: null }, made = { __proto__: null };

function part(name) {
	if (parts[name] === undefined)
		return require(name);
	if (made[name] === undefined) {
		made[name] = { exports: {}, children: module.children };
		parts[name](made[name], part);
	}
	return made[name].exports;
}
part.cache = require.cache;
EOT
# In parentheses: V8 compiles at once what is.
for f; do
	printf '\nparts["./%s"] = (function (module, require) {\n' "${f##*/}"
	cat "$f"
	printf '});\n'
done
# A thread of a bundle's begins with it too, and it is not its main module.
printf '\nif (require.main === module)\n\tpart("./host.js");\nelse\n\tpart("./trust.js").trustInherited();\n'
