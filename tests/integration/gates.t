#!/bin/sh
# gates.t -- what a fresh, confined worker may cost, counted and not timed (tests/bench/gates.c).
cd "$(dirname "$0")/../.." || exit 1
exec "${B:-build}/tests/bench/gates"
