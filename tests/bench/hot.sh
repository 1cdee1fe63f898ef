#!/bin/sh
# hot.sh BUILD -- names, for the linker, the functions that workers run: first those of workers, then the rest of what a
# nursery readies for them.  Of the bench's connector, whose runtime and libraries are every connector's.
set -eu

b=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$(cd "$b" && pwd)/tests/bench/connector/connector
readelf -sW "$program" | awk '$4 == "FUNC" && $7 != "UND" && $2 !~ /^0+$/ { print $2, $8 }' | sort -u >"$work/functions"

met() {
	{ awk -v from="$1" '$2 == from { print $1 }' "$work/functions"; cut -d' ' -f1 "$work/functions"; } |
	    "$b/tests/bench/hot" "$program"
}
met nursery_run >"$work/met"
met fetch_rehearse >>"$work/met"
awk 'NR == FNR { at = $1; sub(/^0+/, "", at); names[at] = names[at] " " $2; next }
	{ n = split(names[$1], of, " "); for (i = 1; i <= n; i++) if (!seen[of[i]]++) print of[i] }' "$work/functions" "$work/met"
