#!/bin/sh
# What the GitHub connector is tried against: a stateful emulator behind GitHub's own
# contract, and that contract alone with its examples.
#
#	github-targets.sh init [USERS]	installs (npm) and seeds
#	github-targets.sh start|stop
#	github-targets.sh fixture	makes github-openapi.json anew
#
# Everything listens on loopback; it lies under ${BASCULE_TARGETS:-build/targets}/github.
#
#	14101 emulator		14103 logging proxy -> Prism proxy 14102 -> emulator
#	14105 logging proxy -> Prism mock 14104
set -eu
here=$(cd "$(dirname "$0")" && pwd)
base=${BASCULE_TARGETS:-$here/../../build/targets}/github
mkdir -p "$base/run"
base=$(cd "$base" && pwd)
run=$base/run

install() {	# folder package
	[ -d "$base/$1/node_modules" ] && return 0
	mkdir -p "$base/$1"
	(cd "$base/$1" && npm init -y >/dev/null 2>&1 &&
	    npm install --no-audit --no-fund --ignore-scripts --loglevel=error "$2" >/dev/null 2>&1) ||
	    { rm -rf "$base/$1/node_modules"; echo "cannot install $2" >&2; exit 1; }
}

init() {
	install emulate emulate@0.11.2
	install prism @stoplight/prism-cli@5.16.0
	[ -f "$base/app.pem" ] || openssl genrsa -out "$base/app.pem" 2048 2>/dev/null
	[ -f "$base/other.pem" ] || openssl genrsa -out "$base/other.pem" 2048 2>/dev/null
	node "$here/github-seed.js" "${1:-250}" "$base/app.pem" "$base/seed.json"
}

launch() {	# name command...
	name=$1
	shift
	"$@" >"$run/$name.log" 2>&1 </dev/null &
	echo $! >"$run/$name.pid"
}

await() {	# name url
	n=0
	until curl -s -o /dev/null --max-time 2 "$2"; do
		n=$((n + 1))
		kill -0 "$(cat "$run/$1.pid")" 2>/dev/null || { echo "$1 ended:" >&2; tail -5 "$run/$1.log" >&2; exit 1; }
		[ $n -lt 120 ] || { echo "$1 does not answer" >&2; exit 1; }
		sleep 0.5
	done
}

start() {
	prism=$base/prism/node_modules/@stoplight/prism-cli/dist/index.js
	rm -f "$run"/requests-*.log
	launch emulate node --require "$here/loopback.js" "$base/emulate/node_modules/emulate/dist/index.js" \
	    start --service github --port 14101 --seed "$base/seed.json"
	launch mock node "$prism" mock -h 127.0.0.1 -p 14104 "$here/github-openapi.json"
	launch contract node "$prism" proxy -h 127.0.0.1 -p 14102 "$here/github-openapi.json" http://127.0.0.1:14101
	launch proxy node "$here/github-proxy.js" 14103 http://127.0.0.1:14102 "$run/requests-emulate.log" etag
	launch mockproxy node "$here/github-proxy.js" 14105 http://127.0.0.1:14104 "$run/requests-mock.log" examples
	await emulate http://127.0.0.1:14101/orgs/acme
	await mock http://127.0.0.1:14104/orgs/acme
	await contract http://127.0.0.1:14102/orgs/acme
	await proxy http://127.0.0.1:14103/-/reset
	await mockproxy http://127.0.0.1:14105/-/reset
	rm -f "$run"/requests-*.log
}

stop() {
	for f in "$run"/*.pid; do
		[ -f "$f" ] || continue
		kill "$(cat "$f")" 2>/dev/null || :
		rm -f "$f"
	done
}

fixture() {
	install openapi @octokit/openapi@23.0.2
	node "$here/github-slim.js" "$base/openapi/node_modules/@octokit/openapi/generated/api.github.com.json" \
	    "$here/github-openapi.json"
	rm -rf "$base/openapi"
}

case "${1:-}" in
init)		init "${2:-250}" ;;
start)		stop; trap stop INT TERM; start ;;
stop)		stop ;;
fixture)	fixture ;;
*)		echo "usage: $0 init [USERS]|start|stop|fixture" >&2; exit 2 ;;
esac
