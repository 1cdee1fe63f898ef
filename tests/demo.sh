#!/bin/sh
# demo.sh BUILD -- starts the practice source, lists its accounts, shows what one invocation was.
set -eu
b=$1
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT INT TERM

"$b/bin/bascule" practice --users 1000 --groups 12 >"$work/practice" 2>"$work/practice.err" &
pid=$!
i=0
until grep -q http "$work/practice" 2>/dev/null; do
	i=$((i + 1))
	if [ $i -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
		echo "demo: the practice source did not start:" >&2
		cat "$work/practice.err" >&2
		exit 1
	fi
	sleep 0.1
done
url=$(grep -o 'http://[^ ]*' "$work/practice" | head -n 1)
url=$(echo "$url" | sed 's/127\.0\.0\.1/localhost/')
printf '{"baseUrl":"%s","token":"practice"}\n' "$url" >"$work/config.json"

echo "A practice source with 1000 people runs at $url."
echo "Each command below is a fresh, confined process of its own."
echo
echo "\$ bascule invoke scim std:test-connection --config config.json"
"$b/bin/bascule" invoke scim std:test-connection --config "$work/config.json" --allow-private localhost
echo
echo "\$ bascule invoke scim std:account:list --config config.json --data | head -n 3"
"$b/bin/bascule" invoke scim std:account:list --config "$work/config.json" --allow-private localhost --data >"$work/list"
head -n 3 "$work/list"
echo "... $(wc -l <"$work/list") accounts"
echo
echo "\$ bascule invoke scim std:account:list --config config.json --verdict | tail -n 1"
"$b/bin/bascule" invoke scim std:account:list --config "$work/config.json" --allow-private localhost --verdict | tail -n 1
[ "$(wc -l <"$work/list")" = 1000 ]
