#!/bin/sh
# check-links.sh BUILD -- the link line is the proof: no launcher code in a connector, no libcurl in the launcher.
set -u
b=$1
bad=0

# What a program holds of libraries, be it in itself or by reference.
holds() {
	{ nm --defined-only "$1"; ldd "$1" 2>/dev/null | sed 's/^.*\(lib[^ ]*\.so[^ ]*\).*/x x \1/'; } | awk '{ print $3 }' | grep -Ex "$2"
}
# libevent_core is the loop alone: no names, no HTTP.
if holds "$b/bin/bascule" 'curl_easy_init|SSL_connect|evhttp_new|libcurl.*|libssl.*|libevent-.*|libevent_(extra|openssl).*'; then
	echo "bascule is linked with a network library"
	bad=1
fi
holds "$b/bin/bascule" 'event_base_new|libevent_core.*' >/dev/null || { echo "what bascule holds is not to be read"; bad=1; }
if find "$b/launcher/cli" "$b/launcher/core" "$b/sandbox" "$b/worker/contract" -name '*.o' -exec nm -u {} + |
    grep -wE 'connect|getaddrinfo|gethostbyname'; then
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
	if holds "$program" 'archive_read_new|libarchive.*'; then
		echo "$program: reads archives itself"
		bad=1
	fi
done
registry=$(given "$b/launcher/registry" | grep '^registry_' | paste -sd '|')
for program in "$b"/bin/bascule "$b"/libexec/bascule-broker "$b"/libexec/bascule-practice "$b"/libexec/bascule-unpack; do
	if holds "$program" "$registry"; then
		echo "$program: the registry is the server's"
		bad=1
	fi
done
# It starts things, and reads packets and nothing else.
if ldd "$b/libexec/bascule-supervise" | grep -qE 'libcurl|libevent-|libevent_extra|libevent_openssl|libssl|sqlite|archive' ||
    nm "$b/libexec/bascule-supervise" | grep -E ' [Tt] (relay_results|line_judge|spec_load|request_parse|proxy_settle)'; then
	echo "bascule-supervise: it can read more than packets"
	bad=1
fi
for spec in "$b"/connectors/*/connector-spec.json; do
	dir=$(dirname "$spec")
	program=$dir/$(basename "$dir")
	[ -f "$dir/rest.json" ] && program=$b/libexec/bascule-rest
	found=$(nm -g --defined-only "$program" | awk 'NF == 3 { print $3 }' | sort -u | comm -12 - "$names")
	if [ -n "$found" ]; then
		echo "$program: launcher code in a connector:" $found
		bad=1
	fi
	if holds "$program" 'event_base_new|libevent.*'; then
		echo "$program: a server library in a connector"
		bad=1
	fi
done
exit $bad
