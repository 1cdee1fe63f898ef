#!/bin/sh
# What the integration tests talk to, kept out of the tree under BASCULE_TARGETS (default build/targets).
#
#	targets.sh install scim|oidc|emulate	the pinned packages, once
#	targets.sh ca DIR			a test authority and a certificate for localhost and 127.0.0.1 in DIR
#	targets.sh haproxy DIR FRONT:BACK...	DIR/haproxy.cfg: TLS on port FRONT, plain HTTP behind on port BACK
set -eu

here=$(cd "$(dirname "$0")" && pwd)
targets=${BASCULE_TARGETS:-$here/../../build/targets}

install() {
	dir=$targets/$1
	shift
	[ -d "$dir/node_modules" ] && return 0
	mkdir -p "$dir"
	cd "$dir"
	[ -f package.json ] || echo '{"private":true}' >package.json
	npm install --no-audit --no-fund --silent "$@"
}

ca() {
	mkdir -p "$1"
	cd "$1"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Test authority" -keyout ca.key -out ca.pem \
	    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>/dev/null
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext
	openssl x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile server.ext \
	    -out server.crt 2>/dev/null
	cat server.crt server.key >server.pem
}

haproxy_config() {
	dir=$1
	shift
	{
		printf 'global\n\tmaxconn 500\n\tssl-default-bind-options ssl-min-ver TLSv1.2\n'
		printf 'defaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 120s\n\ttimeout server 120s\n'
		for pair; do
			front=${pair%:*} back=${pair#*:}
			printf 'listen p%s\n\tbind 127.0.0.1:%s ssl crt %s/server.pem alpn h2,http/1.1\n' "$front" "$front" "$dir"
			printf '\thttp-request set-header X-Forwarded-Proto https\n\tserver s 127.0.0.1:%s\n' "$back"
		done
	} >"$dir/haproxy.cfg"
	haproxy -q -c -f "$dir/haproxy.cfg"
}

case "${1:-}:${2:-}" in
install:scim)	install scim scimmy@1.3.5 scimmy-routers@1.3.2 express@4 ;;
install:oidc)	install oidc oidc-provider@9.13.3 ;;
install:emulate)	install emulate emulate@0.11.2 ;;
ca:?*)		ca "$2" ;;
haproxy:?*)	shift; haproxy_config "$@" ;;
*)		sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
