#!/bin/sh
# check-links.sh BUILD -- the link line is the proof: no launcher code in a connector, no libcurl in the launcher.
set -u
b=$1
bad=0

# libevent_core is the loop alone: no names, no HTTP.
if ldd "$b/bin/bascule" | grep -qE 'libcurl|libevent-|libevent_extra|libevent_openssl|libssl'; then
	echo "bascule is linked with a network library"
	bad=1
fi
if nm -D --undefined-only "$b/bin/bascule" | grep -wE 'connect|getaddrinfo|gethostbyname'; then
	echo "bascule opens connections"
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
