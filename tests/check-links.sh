#!/bin/sh
# check-links.sh BUILD -- the link line is the proof: no launcher code in a connector, no libcurl in the launcher.
set -u
b=$1
bad=0

if ldd "$b/bin/bascule" | grep -qE 'libcurl|libevent|libssl'; then
	echo "bascule is linked with a network library"
	bad=1
fi
for spec in "$b"/connectors/*/connector-spec.json; do
	dir=$(dirname "$spec")
	program=$dir/$(basename "$dir")
	if nm "$program" | grep -E ' [TtDdBb] (inv_|relay_|nursery_start|broker_|cli_|core_)'; then
		echo "$program: launcher code in a connector"
		bad=1
	fi
	if ldd "$program" | grep -q libevent; then
		echo "$program: a server library in a connector"
		bad=1
	fi
done
exit $bad
