#!/bin/sh
# install.sh DIR -- the packages and the bundles, once for each state of their sources.
#
#	DIR/deps/			the packages, by the lock file beside this script
#	DIR/packed/NAME/		a bundle as it is uploaded: the SDK inside
#	DIR/deps/beside/NAME/		the same with the SDK left out, as a project has it on its developer's machine
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/deps"
dir=$(cd "$1" && pwd)
stamp=$(cd "$here" && cat package-lock.json install.sh bundles/*/* | cksum)
[ "$stamp" = "$(cat "$dir/stamp" 2>/dev/null)" ] && exit 0

cd "$dir/deps"
if ! cmp -s "$here/package-lock.json" package-lock.json; then
	cp "$here/package.json" "$here/package-lock.json" .
	npm ci --ignore-scripts --no-audit --no-fund --silent
fi
# Sources must see the packages when they are built.
rm -rf src beside "$dir/packed"
cp -R "$here/bundles" src
for from in src/*; do
	name=${from##*/}
	packed=$dir/packed/$name
	mkdir -p "$packed" "beside/$name"
	# Two toolchains, as connectors have them.
	case $name in
	hello|customized|modconfig)
		node_modules/.bin/ncc build "$from/index.js" -m -q -o "$packed" ;;
	*)	node_modules/.bin/esbuild "$from/index.js" --bundle --platform=node --log-level=error --outfile="$packed/index.js" ;;
	esac
	node_modules/.bin/esbuild "$from/index.js" --bundle --platform=node --log-level=error \
	    --external:@sailpoint/connector-sdk --outfile="beside/$name/index.js"
	[ ! -f "$from/connector-spec.json" ] || cp "$from/connector-spec.json" "$packed/"
	[ ! -f "$from/connector-spec.json" ] || cp "$from/connector-spec.json" "beside/$name/"
done
echo "$stamp" >"$dir/stamp"
