#!/bin/bash
# run.sh BUILD [--minutes N] -- bascule serve under load, as TAP: each answer is compared, and bounds are those of figures that
# do not depend on the machine's speed.  Times are told, not judged.
#	--minutes N	of the soak, 60 by default
# Needs 12000 descriptors for the idle callers; takes fewer where it may have fewer, and says so.
set -u
cd "$(dirname "$0")/../../.." || exit 1
b=$1
minutes=60
[ "${2:-}" = --minutes ] && minutes=$3
launcher_kib=65536		# with a thousand slow callers
all_kib=1572864			# all processes then
seconds=5			# for each rate

work=$(mktemp -d) || exit 1
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
n=0
ok() {		# ok STATUS TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
	return "$1"
}
place=$work/s
serve() {	# serve OPTIONS...
	BASCULE_CONNECTORS=$b/tests/bench:$b/tests/evil:$b/connectors "$b/bin/bascule" serve --listen "unix:$place" --log-level error "$@" \
	    2>"$work/log" &
	server=$!
	for _ in $(seq 100); do "$b/bin/bascule" serve check "unix:$place" 2>/dev/null && return; sleep 0.1; done
	echo "Bail out! no server: $(head -n 3 "$work/log")"
	exit 1
}
end() {
	kill "$server" && wait "$server"
	server=
}
status_of() { awk -v k="$1:" '$1 == k { print $2 }' "/proc/$server/status"; }
fds() { find "/proc/$server/fd" -mindepth 1 | wc -l; }
# Workers, nurseries and the broker are the supervisor's.
family() { pgrep -P "$server"; pgrep -P "$(pgrep -P "$server" -d, || echo 1)"; }
children() { family | wc -l; }
all_pss() {
	for p in "$server" $(family); do awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup" 2>/dev/null; done |
	    awk '{ n += $1 } END { print n + 0 }'
}
path=/v1/connectors/connector/invoke
body='{"type":"std:account:read","config":{},"input":{"identity":"john.doe"}}'
expected=$(printf '%s' "$body" | "$b/bin/bascule" invoke "$b/tests/bench/connector")$'\n'
pace() { "$b/tests/bench/pace" "$place" "$1" "$2" "$path" "$body" "$expected" >"$work/pace"; }
of() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$work/pace"; }

# --- capacity, and times below it
serve --connections 12000
pace 20 2
ok $? "warm" || echo "# $(cat "$work/pace" "$work/log")"
pace 100000 0.02		# 2000 at once: as fast as it can
ok $? "2000 as fast as it can: $(of perSecond) a second, each answer as it should be" || echo "# $(cat "$work/pace")"
capacity=$(of perSecond)
for percent in 10 50 90; do
	pace $((capacity * percent / 100)) "$seconds"
	ok $? "$percent % of it: $(of calls) calls, p50 $(of p50Us) us, p99 $(of p99Us) us, max $(of maxUs) us"
done

# --- idle callers
limit=$(ulimit -Hn)
idle=10000
[ "$limit" = unlimited ] || [ "$limit" -ge 12000 ] || idle=$((limit - 2000))
before=$(status_of VmRSS)
hold() {	# hold ARGUMENTS...: until let_go
	mkfifo "$work/until"
	"$b/tests/bench/hold" "$place" "$@" <"$work/until" >"$work/hold" 2>&1 &
	holder=$!
	exec 7>"$work/until"
	for _ in $(seq 1200); do grep -q '^held' "$work/hold" && return 0; kill -0 "$holder" 2>/dev/null || return 1; sleep 0.1; done
	return 1
}
let_go() {
	exec 7>&-
	rm "$work/until"
	wait "$holder"
}
hold idle "$idle"
ok $? "$idle idle connections" || echo "# $(cat "$work/hold")"
after=$(status_of VmRSS)
pace $((capacity / 10)) 3
ok $? "the launcher has $((after - before)) KiB more, $(((after - before) * 1024 / idle)) bytes each; a call meanwhile: p50 $(of p50Us) us, p99 $(of p99Us) us"
let_go
ok $? "each is answered again" || echo "# $(cat "$work/hold")"
end

# --- slow callers
slow=1000
serve --concurrency 1200 --per-source 1200
hold slow "$slow" 2000 /v1/connectors/evil/invoke '{"type":"evil:flood","config":{}}'
ok $? "$slow streams with slow readers" || echo "# $(cat "$work/hold")"
sleep 5
peak=$(status_of VmHWM)
[ "$peak" -le "$launcher_kib" ]
ok $? "the launcher holds $peak KiB, at most $launcher_kib"
all=$(all_pss)
[ "$all" -le "$all_kib" ]
ok $? "all $(children) processes $all KiB, at most $all_kib"
pace 20 3
ok $? "a call meanwhile: p50 $(of p50Us) us, p99 $(of p99Us) us"
let_go
ok $? "none was cut" || echo "# $(cat "$work/hold")"
for _ in $(seq 100); do [ "$(children)" -lt 40 ] && break; sleep 0.1; done
[ "$(children)" -lt 40 ]
ok $? "and when they leave, so do their workers: $(children) processes"
end

# --- soak: half of what it can, with callers that leave and attacks in between
serve
soak_s=$((minutes * 60))
round() {
	pace $((capacity / 2)) 10 || return 1
	for attack in crash flood fork; do
		curl -sS -m 1 --unix-socket "$place" -H 'Content-Type: application/json' -d "{\"type\":\"evil:$attack\",\"config\":{}}" \
		    -o /dev/null http://localhost/v1/connectors/evil/invoke 2>/dev/null
	done
	return 0
}
bad=0
calls=0
t0=$SECONDS
round || bad=$((bad + 1))
round || bad=$((bad + 1))
sleep 2
fds0=$(fds) children0=$(children) rss0=$(status_of VmRSS)
while [ $((SECONDS - t0)) -lt "$soak_s" ]; do
	round || bad=$((bad + 1))
	calls=$((calls + $(of calls)))
done
sleep 2
[ "$bad" = 0 ]
ok $? "soak, $(((SECONDS - t0) / 60)) minutes: $calls calls, each answer as it should be"
[ "$(fds)" -le $((fds0 + 16)) ]
ok $? "descriptors: $fds0, then $(fds)"
[ "$(children)" -le $((children0 + 8)) ]
ok $? "processes: $children0, then $(children)"
[ "$(status_of VmRSS)" -le $((rss0 + rss0 / 4 + 2048)) ]
ok $? "memory: $rss0 KiB, then $(status_of VmRSS)"
ps -o stat= -p "$(family | paste -sd, -)" | grep -q '^Z'
ok $((1 - $?)) "no zombie"
end
echo "1..$n"
