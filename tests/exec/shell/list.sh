#!/bin/sh
# The token goes from program to program by pipes: not to a file, and to no command line.
set -e
request=$(jq -c .)
ask() { printf '%s' "$request" | jq -r "$1"; }
options=$(ask '"header = \"Authorization: Bearer \(.config.token)\"", "url = \"\(.config.baseUrl)/Users?count=100\"",
    if .config.caBundle then "cacert = \"/proc/self/fd/4\"" else empty end')
page=$(printf '%s' "$options" | curl -sSf -K - 4<<EOF
$(ask '.config.caBundle // ""')
EOF
)
printf '%s' "$page" | jq -c '.Resources[] | {type: "output", data: {key: {simple: {id}}, attributes: {name: .userName}}}' >&3
