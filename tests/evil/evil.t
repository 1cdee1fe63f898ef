#!/bin/bash
# evil.t -- runs every attack of attacks.tsv from the shell: each must come to
# the cause and exit status of its row, leave no process, and not hurt the
# command that follows.  Then the launcher itself is taken away, killed or left unread.
# B is the build folder.  Takes a minute; run it under prove.
# EVIL_ROWS=FILE: the table and the constructors alone, for launchers that are no child of this (tests/containers/image.t),
# with connectors in the folder EVIL_RUN, EVIL_STAY processes (a nursery) that may stay, and EVIL_ROWS naming a table whose
# rows go before those of the same attack.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
bascule=${BASCULE:-$b/bin/bascule}
usual="--timeout 2s --limit silence=1s --limit memory=64m --limit cpu=2s"
wait_s=20			# longest that any launcher may take

# A name of its own, so that what is left behind is surely this run's.
name=evil-$$
run=${EVIL_RUN:-$b/tests/evil-run.$$}
stay=${EVIL_STAY:-0}
mkdir -p "$run/$name" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$run" "$work"' EXIT
cp "$b/tests/evil/evil/evil" "$run/$name/$name" || exit 1
cp "$b/tests/evil/evil/connector-spec.json" "$run/$name/" || exit 1
connector=$(cd "$run/$name" && pwd)

n=0
ok() {		# ok STATUS TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
	return "$1"
}

request() {	# request ATTACK
	case $1 in
	read:*) printf '{"type":"std:account:read","config":{"attack":"%s"},"input":{"identity":"joe"}}' "${1#read:}" ;;
	*) printf '{"type":"evil:%s","config":{},"input":{}}' "$1" ;;
	esac
}

# invoke ATTACK OPTIONS...: status in $status, lines in $work/out; SIGKILL should it not end by itself.
invoke() {
	local attack=$1
	shift
	request "$attack" | timeout -s KILL "$wait_s" "$bascule" invoke "$connector" --verdict "$@" \
	    >"$work/out" 2>"$work/err"
	status=$?
	tail -n 1 "$work/out" >"$work/verdict"
	cause=$(grep -o '"cause":"[^"]*"' "$work/verdict" | head -n 1 | cut -d '"' -f 4)
	grep -q '"type":"\(end\|error\)"}$' "$work/verdict" || cause=${cause:-no-final-record}
	cause=${cause:-ok}
}

living() {	# those that run or sleep; the dead wait for whoever is their parent now
	ps -o stat=,pid= -C "$name" | grep -v '^Z'
}

gone() {	# gone: nothing of this connector is alive, within two seconds
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(living | wc -l)" -le "$stay" ] && return 0
		sleep 0.2
	done
	return 1
}

at_work() {	# at_work: nursery and worker are there, and the attack has begun
	local i
	for i in $(seq 50); do
		[ "$(living | wc -l)" -ge 2 ] && break
		sleep 0.1
	done
	sleep 0.3
}

clean_up() {	# a failed test must not spoil the next
	living | while read -r _ pid; do kill -KILL "$pid"; done
}

try() {		# try ATTACK CAUSE EXIT RECORD LIMITS
	local why=
	# shellcheck disable=SC2086
	if [ "$5" = - ]; then invoke "$1" $usual; else invoke "$1" $usual $5; fi
	case "|$2|" in *"|$cause|"*) ;; *) why="cause $cause, not $2" ;; esac
	[ "$3" = - ] || [ "$status" = "$3" ] || why="$why; exit status $status, not $3"
	[ "$status" != 137 ] || why="$why; the launcher did not end by itself"
	grep -q ESCAPED "$work/out" && why="$why; it escaped"
	if [ "$4" != - ] && [ "${cause%%:*}" != syscall ]; then
		head -n -1 "$work/out" | head -n 100 >"$work/records"
		grep -Eq -- "$4" "$work/records" || why="$why; no record like $4"
	fi
	gone || { why="$why; a process is left"; clean_up; }
	[ -z "$why" ]
	ok $? "$1: $cause, exit $status${why:+ -- $why}" || {
		cut -c 1-300 "$work/verdict" "$work/err" | head -n 4 | sed 's/^/# /'
	}
	# shellcheck disable=SC2086
	invoke ok $usual
	if [ "$status" != 0 ] || ! grep -q '"attack":"none"' "$work/out"; then
		ok 1 "a good command after $1: $cause, exit $status"
	fi
}

machine=$(uname -m)
while IFS=$'\t' read -r attack why exit record limits only; do
	case $attack in '#'* | '') continue ;; esac
	if [ "$only" != - ] && [ "$only" != "$machine" ]; then
		n=$((n + 1))
		echo "ok $n - $attack # SKIP machine: only on $only"
		continue
	fi
	if [ -n "${EVIL_ROWS:-}" ] && other=$(grep -- "^$attack	" "$EVIL_ROWS"); then
		IFS=$'\t' read -r attack why exit record limits only <<<"$other"
	fi
	try "$attack" "$why" "$exit" "$record" "$limits"
done <tests/evil/attacks.tsv

# Constructors attack before main(): the wall of stage 1, and the names of deaths, stand already.
while IFS=$'\t' read -r attack why record; do
	early=early-$$-$attack
	mkdir -p "$run/$early" && cp "$b/tests/evil/early/early" "$run/$early/$early" &&
	    cp "$b/tests/evil/early/connector-spec.json" "$run/$early/" || exit 1
	printf '{"type":"std:test-connection","config":{},"input":{}}' | timeout -s KILL "$wait_s" "$bascule" \
	    invoke "$(cd "$run/$early" && pwd)" --verdict >"$work/out" 2>"$work/err"
	got=$(tail -n 1 "$work/out" | grep -o '"cause":"[^"]*"' | cut -d '"' -f 4)
	[ "$got" = "$why" ] && ! grep -q ESCAPED "$work/out" && { [ "$record" = - ] || grep -q "$record" "$work/out"; }
	ok $? "a constructor's $attack: ${got:-ok}" || cut -c 1-300 "$work/out" "$work/err" | sed 's/^/# /'
done <<-'EOT'
	ptrace	syscall:ptrace	-
	thread	syscall:clone	-
	socket	syscall:getppid	"result":"refused"
	open	syscall:getppid	"result":"refused"
	exec	syscall:getppid	"result":"refused"
	handler	syscall	-
	filter	sandbox	-
EOT

# Every attack is in the table, so that a new one cannot be forgotten.
grep -o '"evil:[^"]*"' tests/evil/evil/connector-spec.json | tr -d '"' | cut -d : -f 2 | sort >"$work/offered"
grep -v '^#' tests/evil/attacks.tsv | cut -f 1 | grep -v : | sort >"$work/tried"
comm -3 "$work/offered" "$work/tried" >"$work/missing"
[ ! -s "$work/missing" ]
ok $? "every attack has its row" || sed 's/^/# /' "$work/missing"

if [ -n "${EVIL_ROWS:-}" ]; then
	echo "1..$n"
	exit
fi

# A launcher that is killed takes its worker, its nursery and its broker with it.
for attack in hang ignore-term cpu flood; do
	request "$attack" >"$work/request"
	"$bascule" invoke "$connector" --timeout 60s <"$work/request" >/dev/null 2>&1 &
	pid=$!
	at_work
	brokers=$(pgrep -P "$pid" -x bascule-broker)
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	gone
	ok $? "$attack ends with a killed launcher" || { living | sed 's/^/# left: /'; clean_up; }
	left=
	for k in $brokers; do
		[ "$(ps -o comm= -p "$k")" = bascule-broker ] && ps -o stat= -p "$k" | grep -qv '^Z' && left=$k
	done
	[ -z "$left" ]
	ok $? "no broker is left of it"
done

# One that is asked to stop does it cleanly.
for sig in TERM INT; do
	request ignore-term >"$work/request"
	# A background job of a shell ignores SIGINT; perl gives it back.
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$bascule" invoke "$connector" --verdict --timeout 60s \
	    <"$work/request" >"$work/out" 2>/dev/null &
	pid=$!
	at_work
	kill -s "$sig" "$pid"
	wait "$pid"
	status=$?
	gone && [ "$status" = 130 ] && grep -q '"cause":"cancelled"' "$work/out"
	ok $? "SIG$sig ends a command: exit status $status" || clean_up
done

# Nobody reads: it ends, by itself, and so does the worker.
request flood | timeout -s KILL "$wait_s" "$bascule" invoke "$connector" --timeout 10s 2>/dev/null | head -n 1 >"$work/out"
status=${PIPESTATUS[1]}
gone && [ "$status" = 74 ]
ok $? "a reader that leaves ends the command: exit status $status" || clean_up

# A slow reader is not the worker's fault, and costs no memory: three seconds of silence are the reader's.
request flood | timeout -s KILL "$wait_s" "$bascule" invoke "$connector" --timeout 4s --limit silence=1s 2>/dev/null |
    (sleep 3; cat >/dev/null)
status=${PIPESTATUS[1]}
gone && [ "$status" = 75 ]
ok $? "a slow reader is waited for: exit status $status" || clean_up

# Many at once.
for i in 1 2 3 4 5 6 7 8; do
	request fork | timeout -s KILL "$wait_s" "$bascule" invoke "$connector" >/dev/null 2>&1 &
	request ok | timeout -s KILL "$wait_s" "$bascule" invoke "$connector" >"$work/ok.$i" 2>&1 &
done
wait
gone && [ "$(cat "$work"/ok.* | grep -c '"attack":"none"')" = 8 ]
ok $? "good commands beside attackers" || clean_up

echo "1..$n"
