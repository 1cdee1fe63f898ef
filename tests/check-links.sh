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
# Every name that only an object of the launcher gives away; a connector's libraries are in it, so that patterns would match theirs.
given() {
	find "$@" -name '*.o' -exec nm -g --defined-only {} + | awk 'NF == 3 { print $3 }' | sort -u
}
names=$(mktemp)
ours=$(mktemp)
trap 'rm -f "$names" "$ours"' EXIT
given "$b/worker" "$b/sandbox" "$b/connectors" >"$ours"
given "$b/launcher" | comm -23 - "$ours" >"$names"
[ "$(wc -l <"$names")" -ge 100 ] || { echo "the launcher's names are not to be read"; bad=1; }
# Foreign archives are read by one program, which is confined for it.
for program in "$b"/bin/bascule "$b"/libexec/bascule-*; do
	case "$program" in */bascule-unpack) continue ;; esac
	if ldd "$program" | grep -q libarchive; then
		echo "$program: reads archives itself"
		bad=1
	fi
done
for program in "$b"/bin/bascule "$b"/libexec/bascule-broker "$b"/libexec/bascule-practice "$b"/libexec/bascule-unpack; do
	if nm "$program" | grep -E ' [TtDdBb] registry_'; then
		echo "$program: the registry is the server's"
		bad=1
	fi
done
for spec in "$b"/connectors/*/connector-spec.json; do
	dir=$(dirname "$spec")
	program=$dir/$(basename "$dir")
	[ -f "$dir/rest.json" ] && program=$b/libexec/bascule-rest
	found=$(nm -g --defined-only "$program" | awk 'NF == 3 { print $3 }' | sort -u | comm -12 - "$names")
	if [ -n "$found" ]; then
		echo "$program: launcher code in a connector:" $found
		bad=1
	fi
	if ldd "$program" | grep -q libevent; then
		echo "$program: a server library in a connector"
		bad=1
	fi
done
exit $bad
