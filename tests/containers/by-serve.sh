#!/bin/bash
# by-serve.sh invoke FOLDER OPTIONS... -- as bascule invoke, run by the server at BY_SERVE_SOCKET, which knows the folder by
# its name.  Standard input is the request; the exit status is that of the receipt.
set -u
connector=$(basename "$2")
shift 2
deadline=null
limits={}
while [ $# -gt 0 ]; do
	case $1 in
	--timeout) deadline=\"$2\"; shift ;;
	--limit) limits=$(jq -c --arg k "${2%%=*}" --arg v "${2#*=}" '.[$k] = $v' <<<"$limits"); shift ;;
	--verdict) ;;
	*) echo "by-serve.sh: $1: no such option" >&2; exit 64 ;;
	esac
	shift
done
out=$(mktemp) || exit 74
trap 'rm -f "$out"' EXIT
jq -c --argjson deadline "$deadline" --argjson limits "$limits" \
    '. + {limits: $limits} + (if $deadline then {deadline: $deadline} else {} end)' |
    curl -sS -N -m 60 --unix-socket "$BY_SERVE_SOCKET" -H 'Content-Type: application/json' \
    -H 'Accept: application/x-ndjson; verdict=1' --data-binary @- -o "$out" "http://localhost/v1/connectors/$connector/invoke" ||
    exit 74
# Before the first record the answer is a problem document; the receipt stands in what is remembered.
case $(head -c 20 "$out") in '{"type":"urn:bascule'*)
	id=$(jq -r '.invocation // ""' "$out")
	[ -z "$id" ] || curl -sS -m 10 --unix-socket "$BY_SERVE_SOCKET" "http://localhost/v1/invocations/$id" |
	    jq -c '{data: .receipt, type: "error"}' >"$out" ;;
esac
cat "$out"
exit "$(tail -n 1 "$out" | jq -r '.data.exit // 74' 2>/dev/null || echo 74)"
