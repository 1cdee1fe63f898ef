#!/bin/sh
# node.t -- bundles of the platform's SDK by bascule invoke: their records are those of the SDK's development server,
# their errors are verdicts, hostile ones are contained and named.
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
[ -x /usr/bin/node ] || [ -x /usr/local/bin/node ] || { echo "1..0 # SKIP machine: no /usr/bin/node"; exit 0; }
command -v npm >/dev/null || { echo "1..0 # SKIP machine: no npm"; exit 0; }
tests/node/install.sh "$b/node" >&2 || { echo "1..0 # SKIP machine: the packages cannot be had"; exit 0; }
exec node --test --test-reporter=tap --test-concurrency=1 tests/node/invoke.test.js
