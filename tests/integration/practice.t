#!/bin/bash
# The practice source through its socket: lists, writes, filters, each weather.
# Wants curl and jq; PRACTICE names the program.
top=$(cd "$(dirname "$0")/../.." && pwd)
practice=${PRACTICE:-$top/${B:-build}/libexec/bascule-practice}
n=0
failed=0

ok()
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

# is GOT WANTED NAME
is()
{
	[ "$1" = "$2" ]
	ok $? "$3"
	[ "$1" = "$2" ] || printf '#   got:    %s\n#   wanted: %s\n' "$1" "$2"
}

for tool in curl jq; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP machine: no $tool"; exit 0; }
done
[ -x "$practice" ] || { echo "1..0 # SKIP $practice is not built"; exit 0; }

dir=$(mktemp -d)
pid=
stop()
{
	[ -n "$pid" ] && kill "$pid" && wait "$pid"
	pid=
}
trap 'stop; rm -rf "$dir"' EXIT

# start OPTION...: sets base (…/scim/v2) and root.
start()
{
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	"$practice" --die-with-parent "$@" >"$dir/ready" &
	pid=$!
	read -r line <"$dir/ready"
	base=$(echo "$line" | cut -d' ' -f3)
	root=${base%/scim/v2}
}

call()
{
	curl -sS -m 10 -H 'Authorization: Bearer practice' -H 'Content-Type: application/scim+json' "$@"
}
status()
{
	call -o "$dir/body" -w '%{http_code}' "$@" 2>/dev/null
}
# rc of curl, the body being dropped
curl_rc()
{
	call -o /dev/null "$@" 2>/dev/null
	echo $?
}
filter()
{
	call -G "$base/Users" --data-urlencode "filter=$1" --data count="${2:-1000}"
}

start --port 0 --users 2500 --groups 20 --seed 7
is "$line" "practice source: $base token practice users 2500 groups 20" "start line"

# Reading
is "$(curl -sS -o /dev/null -w '%{http_code}' "$base/Users")" 401 "no token: 401"
curl -sS -i "$base/Users" | grep -i >/dev/null '^WWW-Authenticate: Bearer'
ok $? "401 says which scheme"
is "$(call "$base/ServiceProviderConfig" | jq -r .patch.supported)" true "ServiceProviderConfig"
is "$(call "$base/ResourceTypes" | jq -r '[.Resources[].id] | join(" ")')" "User Group" "ResourceTypes"
is "$(call "$base/Schemas" | jq -r .totalResults)" 3 "Schemas"
is "$(call "$base/Schemas/urn:ietf:params:scim:schemas:core:2.0:User" | jq -r .name)" User "one schema"
for at in 1 1001 2001; do
	call "$base/Users?startIndex=$at&count=1000" | jq -r '.Resources[].userName' >>"$dir/names"
done
is "$(sort -u "$dir/names" | wc -l)" 2500 "three pages, everybody once"
is "$(call "$base/Users?startIndex=2499&count=10" | jq -c '[.totalResults, .startIndex, .itemsPerPage]')" "[2500,2499,2]" \
    "last page"
is "$(call "$base/Users?startIndex=9999" | jq -c '[.totalResults, .itemsPerPage]')" "[2500,0]" "behind the last page"
is "$(call "$base/Users?count=0" | jq -c '[.totalResults, (.Resources | length)]')" "[2500,0]" "count 0 counts"
is "$(call "$base/Users?count=99999" | jq -r '.itemsPerPage')" 1000 "page-max holds"
is "$(status "$base/Users?count=x")" 400 "count that is no number"
is "$(status "$base/Users?sortBy=userName")" 400 "sorting is refused"
user=$(call "$base/Users?startIndex=30&count=1")
id=$(echo "$user" | jq -r '.Resources[0].id')
name=$(echo "$user" | jq -r '.Resources[0].userName')
is "$(call "$base/Users/$id" | jq -S .)" "$(echo "$user" | jq -S '.Resources[0]')" "a user alone is the user of the list"
is "$(call "$base/Users?count=1&attributes=userName,emails" | jq -c '.Resources[0] | keys')" \
    '["emails","id","schemas","userName"]' "attributes"
is "$(call "$base/Users?count=1&excludedAttributes=groups,meta" | jq -c '.Resources[0] | has("groups", "meta")' | sort -u)" \
    false "excludedAttributes"
is "$(call "$base/Groups?count=1&excludedAttributes=members" | jq -c '.Resources[0] | has("members")')" false \
    "groups without members"
is "$(call "$base/Groups" | jq '[.Resources[].members | length] | add')" \
    "$(for at in 1 1001 2001; do call "$base/Users?startIndex=$at&count=1000"; done | jq '.Resources[].groups | length' |
    awk '{ n += $1 } END { print n }')" "groups and users agree on memberships"
is "$(status "$base/Users/nobody")" 404 "no such user"
is "$(jq -r '.status' "$dir/body")" 404 "SCIM error body"
is "$(status "$base/Nothing")" 404 "no such place"
is "$(status -X DELETE "$base/Users")" 405 "no such method"

# Filters
is "$(filter "userName eq \"$name\"" | jq -r '.Resources[0].id')" "$id" "userName eq"
is "$(filter "userName eq \"$(echo "$name" | tr a-z A-Z)\"" | jq .totalResults)" 1 "userName ignores case"
is "$(filter 'active eq false' | jq .totalResults)" 125 "active eq false: each 20th"
is "$(filter 'not (active eq true) or id pr' | jq .totalResults)" 2500 "not, or, pr"
is "$(filter 'externalId ge "E0000010" and externalId lt "E0000015"' | jq .totalResults)" 5 "ge and lt"
is "$(filter "emails[type eq \"work\" and value eq \"$name\"]" | jq .totalResults)" 1 "value path"
is "$(filter "emails.value sw \"${name%@*}@\"" | jq .totalResults)" 1 "emails.value sw"
is "$(filter 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "1042"' |
    jq -r '.Resources[0].externalId')" E0000042 "an extension's attribute"
is "$(filter 'meta.lastModified gt "2020-06-01T00:00:00Z"' | jq '.totalResults > 2000')" true "lastModified gt"
is "$(status "$base/Users?filter=userName+eq")" 400 "a broken filter: 400"
is "$(jq -r .scimType "$dir/body")" invalidFilter "invalidFilter"
group=$(call "$base/Groups?count=1&startIndex=4&excludedAttributes=members" | jq -r '.Resources[0].id')
size=$(call "$base/Groups/$group" | jq '.members | length')
is "$(filter "groups.value eq \"$group\"" | jq .totalResults)" "$size" "groups.value eq"
is "$(call -G "$base/Groups" --data-urlencode "filter=members.value eq \"$id\"" | jq .totalResults)" \
    "$(echo "$user" | jq '.Resources[0].groups | length')" "members.value eq"
is "$(call -X POST "$base/Users/.search" -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
    "filter":"active eq false","count":3,"attributes":["userName"]}' | jq -c '[.totalResults, .itemsPerPage]')" "[125,3]" \
    ".search"

# Writing
core='"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]'
is "$(status -X POST "$base/Users" -d "{$core,\"userName\":\"new.one\",\"password\":\"hunter2\",\"name\":{\"givenName\":\"Né\"}}")" \
    201 "create"
new=$(jq -r .id "$dir/body")
is "$(jq -c '[.active, has("password"), .meta.resourceType, .name.givenName]' "$dir/body")" '[true,false,"User","Né"]' \
    "what was made"
is "$(status -X POST "$base/Users" -d "{$core,\"userName\":\"NEW.one\"}")" 409 "the name is taken"
is "$(jq -r .scimType "$dir/body")" uniqueness "uniqueness"
is "$(status -X POST "$base/Users" -d "{$core,\"userName\":\"$name\"}")" 409 "a born name is taken"
is "$(status -X POST "$base/Users" -d '{"userName":"x"}')" 400 "schemas are wanted"
is "$(status -X POST "$base/Users" -d "{$core}")" 400 "userName is wanted"
is "$(status -X POST "$base/Users" -d "{$core,\"userName\":\"y\",\"active\":3}")" 400 "active of a wrong type"
is "$(status -X POST "$base/Users" -d '{broken')" 400 "broken JSON"
is "$(status -X PUT "$base/Users/$new" -d "{$core,\"userName\":\"new.two\",\"title\":\"T\"}")" 200 "replace"
is "$(call "$base/Users/$new" | jq -c '[.userName, .title, has("name")]')" '["new.two","T",false]' "what was replaced"
is "$(filter 'userName eq "new.one"' | jq .totalResults)" 0 "the old name is free"
is "$(filter 'userName eq "new.two"' | jq -r '.Resources[0].id')" "$new" "the new name is found"

patch()
{
	status -X PATCH "$base/$1" \
	    -d "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[$2]}"
}
is "$(patch "Users/$id" '{"op":"replace","path":"active","value":false}')" 200 "PATCH active"
is "$(call "$base/Users/$id" | jq -c '[.active, .userName]')" "[false,\"$name\"]" "the rest stays"
is "$(patch "Users/$id" '{"op":"Replace","value":{"title":"Boss","name.givenName":"Zed","active":"True"}}')" 200 "no path"
is "$(jq -c '[.title, .name.givenName, .active]' "$dir/body")" '["Boss","Zed",true]' "no path: what was replaced"
is "$(patch "Users/$id" '{"op":"replace","path":"emails[type eq \"work\"].value","value":"w@example.org"}')" 200 "value path"
is "$(jq -c '[.emails[].value]' "$dir/body" | grep -c 'w@example.org')" 1 "value path: what was replaced"
is "$(patch "Users/$id" '{"op":"replace","path":"emails[type eq \"none\"].value","value":"w"}')" 400 "nothing matches"
is "$(jq -r .scimType "$dir/body")" noTarget "noTarget"
is "$(patch "Users/$id" '{"op":"remove","path":"emails[type eq \"home\"]"},{"op":"remove","path":"title"}')" 200 "remove"
is "$(jq -c '[(.emails | length), has("title")]' "$dir/body")" '[1,false]' "what was removed"
is "$(patch "Users/$id" '{"op":"add","path":"emails","value":[{"value":"h@example.org","type":"home"}]}')" 200 "add"
is "$(jq -c '.emails | length' "$dir/body")" 2 "what was added"
is "$(patch "Users/$id" '{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"D"}')" \
    200 "an extension's attribute"
is "$(jq -r '."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".department' "$dir/body")" D "in the extension"
is "$(patch "Users/$id" '{"op":"replace","path":"id","value":"x"}')" 400 "id is read-only"
is "$(jq -r .scimType "$dir/body")" mutability "mutability"
is "$(patch "Users/$id" '{"op":"replace","path":"title","value":"A"},{"op":"replace","path":"active","value":7}')" 400 \
    "one bad operation"
is "$(call "$base/Users/$id" | jq 'has("title")')" false "spoils them all"
is "$(filter 'meta.lastModified gt "2025-01-01T00:00:00Z"' | jq .totalResults)" 2 "what changed is seen by its time"

# Members
is "$(patch "Groups/$group" "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"$new\"}]}")" 204 "add a member"
is "$(call "$base/Users/$new" | jq -r '.groups[].value')" "$group" "the user knows"
is "$(call "$base/Groups/$group" | jq '.members | length')" $((size + 1)) "the group knows"
is "$(patch "Groups/$group" "{\"op\":\"remove\",\"path\":\"members[value eq \\\"$new\\\"]\"}")" 204 "remove a member"
is "$(call "$base/Users/$new" | jq '.groups | length')" 0 "the user is out"
is "$(patch "Groups/$group" '{"op":"add","path":"members","value":[{"value":"nobody"}]}')" 400 "no such member"
is "$(patch "Groups/$group" "{\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\"$id\"}]}")" 204 "replace members"
is "$(call "$base/Groups/$group" | jq -r '[.members[].value] | join(" ")')" "$id" "one is left"
is "$(patch "Groups/$group" '{"op":"replace","value":{"displayName":"Renamed"}}')" 204 "rename a group"
is "$(call "$base/Users/$id" | jq -r '[.groups[].display] | contains(["Renamed"])')" true "members see the new name"
is "$(status -X POST "$base/Groups" -d "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],
    \"displayName\":\"Fresh\",\"members\":[{\"value\":\"$new\"},{\"value\":\"$id\"}]}")" 201 "create a group"
is "$(jq '.members | length' "$dir/body")" 2 "with members"
fresh=$(jq -r .id "$dir/body")
is "$(status -X DELETE "$base/Groups/$fresh")" 204 "delete a group"
is "$(call "$base/Users/$new" | jq '.groups | length')" 0 "nobody is in it"

is "$(status -X DELETE "$base/Users/$id")" 204 "delete"
is "$(status "$base/Users/$id")" 404 "it is gone"
is "$(call "$base/Users?count=0" | jq .totalResults)" 2500 "one came, one went"
rm "$dir/names"
for at in 1 1001 2001; do
	call "$base/Users?startIndex=$at&count=1000" | jq -r '.Resources[].id' >>"$dir/names"
done
is "$(sort -u "$dir/names" | wc -l) $(grep -c "$id" "$dir/names") $(grep -c "$new" "$dir/names")" "2500 0 1" \
    "all pages after that"

# Weather
is "$(status -H 'X-Weather: 429' "$base/Users?count=1")" 429 "429"
call -i -H 'X-Weather: 429' "$base/Users?count=1" | grep -i >/dev/null '^Retry-After: 1'
ok $? "429: Retry-After"
call -i -H 'X-Weather: 429date' "$base/Users?count=1" | grep -i >/dev/null '^Retry-After: .* GMT'
ok $? "429date"
is "$(status -H 'X-Weather: 5xx' "$base/Users?count=1")" 503 "5xx"
is "$(curl_rc -H 'X-Weather: reset' "$base/Users")" 56 "reset"
is "$(curl_rc -H 'X-Weather: short' "$base/Users")" 18 "short"
is "$(status -H 'X-Weather: truncate' "$base/Users")" 200 "truncate is whole HTTP"
! jq . "$dir/body" >/dev/null 2>&1
ok $? "truncate is broken JSON"
is "$(call -H 'X-Weather: total-high' "$base/Users?count=0" | jq .totalResults)" 2507 "total-high"
is "$(call -H 'X-Weather: total-low' "$base/Users?count=0" | jq .totalResults)" 2493 "total-low"
is "$(call -H 'X-Weather: dup-page' "$base/Users?count=10&startIndex=31" | jq -r '.Resources[0].id')" \
    "$(call "$base/Users?count=10&startIndex=11" | jq -r '.Resources[0].id')" "dup-page"
is "$(call -H 'X-Weather: empty-page' "$base/Users?count=10&startIndex=11" | jq -c '[.itemsPerPage, .totalResults]')" "[0,2500]" \
    "empty-page"
is "$(call -H 'X-Weather: html' -o /dev/null -w '%{content_type}' "$base/Users")" "text/html; charset=utf-8" "html"
is "$(call -H 'X-Weather: content-type' -o /dev/null -w '%{content_type}' "$base/Users")" "text/plain" "content-type"
is "$(call -H 'X-Weather: badtype' "$base/Users?count=1" |
    jq -c '[(.totalResults, .Resources[0].active, .Resources[0].emails) | type]')" '["string","string","object"]' "badtype"
began=$(date +%s%N)
is "$(status -H 'X-Weather: latency=300' "$base/Users?count=1")" 200 "latency"
[ $((($(date +%s%N) - began) / 1000000)) -ge 300 ]
ok $? "latency is late"
began=$(date +%s%N)
is "$(status -H 'X-Weather: slow-drip=2000' "$base/Users?count=1")" 200 "slow-drip"
[ $((($(date +%s%N) - began) / 1000000)) -ge 400 ]
ok $? "slow-drip is slow"
is "$(curl_rc -m 1 -H 'X-Weather: hang' "$base/Users")" 28 "hang"
is "$(curl_rc -m 1 -H 'X-Weather: slow-drip=10' "$base/Users")" 28 "a client that leaves a slow reply"
is "$(status -H 'X-Weather: nonsense' "$base/Users")" 400 "no such weather"

cursor=
seen=0
while :; do
	page=$(call "$root/cursor/Users?count=1000&cursor=$cursor")
	seen=$((seen + $(echo "$page" | jq '.items | length')))
	cursor=$(echo "$page" | jq -r '.next // empty')
	[ -n "$cursor" ] || break
done
is "$seen" 2500 "cursors lead to the end"
is "$(call -H 'X-Weather: loop-cursor' "$root/cursor/Users?count=100&cursor=c64" | jq -r .next)" c64 "loop-cursor"
call -i "$root/link/Users?page=1&per_page=10" | grep -i >/dev/null "^Link: <$root/link/Users?page=2&per_page=10>; rel=\"next\""
ok $? "link"
call -i "$root/link/Users?page=250&per_page=10" | grep -i >/dev/null '^Link:.*rel="next"'
is $? 1 "the last page has no next link"
call -i -H 'X-Weather: cross-origin' "$root/link/Users?page=1" | grep -i >/dev/null '^Link: <http://elsewhere.example/'
ok $? "cross-origin"

is "$(call -X PUT "$root/weather" -d '{"429":3,"latency":1}' | jq -c .)" '{"latency":1,"429":3}' "weather at run time"
for i in 1 2 3 4 5 6; do status "$base/Users?count=1"; echo; done >"$dir/list"
is "$(tr '\n' ' ' <"$dir/list")" "200 200 429 200 200 429 " "each third"
is "$(call -X PUT "$root/weather" -d '{"sun":true}' -o /dev/null -w '%{http_code}')" 400 "no such weather either"
is "$(call -X DELETE "$root/weather")" '{}' "fine weather"

token()
{
	curl -sS "$root/oauth/token" "$@" -d grant_type=client_credentials
}
fresh=$(token -d client_id=practice -d client_secret=practice-secret -H 'X-Weather: expire-after=2' | jq -r .access_token)
for i in 1 2 3; do curl -sS -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $fresh" "$base/Users?count=1"; done \
    >"$dir/list"
is "$(cat "$dir/list")" "200 200 401 " "expire-after"
is "$(token -u practice:practice-secret -H 'X-Weather: expire=1' | jq .expires_in)" 1 "expire, client by Basic"
fresh=$(token -u practice:practice-secret -H 'X-Weather: expire=1' | jq -r .access_token)
sleep 1.1
is "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $fresh" "$base/Users?count=1")" 401 "expire"
is "$(token -d client_id=practice -d client_secret=wrong | jq -r .error)" invalid_client "wrong secret"
is "$(status -H 'X-Weather: 401-once' "$base/Users?count=1") $(status -H 'X-Weather: 401-once' "$base/Users?count=1")" \
    "401 200" "401-once"

# The same seed, the same people.
kill -TERM "$pid"
wait "$pid"
is $? 0 "SIGTERM: a clean end"
pid=
port=${root##*:}
start --port "$port" --users 2500 --seed 7
call "$base/Users?count=1000" >"$dir/one"
stop
start --port "$port" --users 2500 --seed 7
call "$base/Users?count=1000" >"$dir/two"; cmp -s "$dir/one" "$dir/two"
ok $? "the same seed gives the same bytes"
stop
start --port "$port" --users 2500 --seed 8
call "$base/Users?count=1000" >"$dir/two"; cmp -s "$dir/one" "$dir/two"
is $? 1 "another seed does not"
stop

# A long reply in pieces, and TLS.
start --port 0 --users 200000 --groups 4 --tls --ca-out "$dir/ca.pem"
is "${base%%:*}" https "TLS"
is "$(call --cacert "$dir/ca.pem" "$base/Users?count=1" | jq .totalResults)" 200000 "over TLS"
is "$(call --cacert "$dir/ca.pem" "$base/Groups" | jq -c '[.Resources[].members | length]')" \
    "[50000,100000,50000,100000]" "groups of a hundred thousand, whole"
is "$(curl_rc --cacert /etc/ssl/certs/ca-certificates.crt "$base/Users")" 60 "no other authority vouches for it"
stop

"$practice" --listen 0.0.0.0 2>/dev/null
is $? 64 "not for others, unless --public"
"$practice" --weather storm 2>/dev/null
is $? 64 "no such weather on the command line"
"$practice" --help | grep -q 'slow-drip'
ok $? "--help names the weather"

echo "1..$n"
exit $failed
