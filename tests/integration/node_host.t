#!/bin/sh
# node_host.t -- the host of Node bundles by itself, as a process of pipes: not behind the walls, not by bascule invoke.
# Its records are compared with those of the platform SDK's own development server.
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
for program in node npm; do
	command -v $program >/dev/null || { echo "1..0 # SKIP machine: no $program"; exit 0; }
done
tests/node/install.sh "$b/node" >&2 || { echo "1..0 # SKIP machine: the packages cannot be had"; exit 0; }
exec node --test --test-reporter=tap --test-concurrency=1 tests/node/host.test.js tests/node/same.test.js
