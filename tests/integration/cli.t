#!/bin/bash
# cli.t -- bascule invoke as a user and as a script meet it: both request forms,
# outputs, exit statuses, signals, readers that end, and a terminal.
# Runs the scim connector against the practice source.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
bascule=${BASCULE:-$b/bin/bascule}
practice=${BASCULE_PRACTICE:-$b/libexec/bascule-practice}
users=300

# The connector under a name of this run, so that what is left behind is surely ours.
name=clit-$$
work=$(mktemp -d) || exit 1
pids=
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$work/connectors" "$work/connectors/$name"
cp "$b/connectors/scim/scim" "$work/connectors/$name/$name" || exit 1
cp "$b/connectors/scim/connector-spec.json" "$work/connectors/$name/" || exit 1
export BASCULE_CONNECTORS=$work/connectors

n=0
ok() {		# ok STATUS TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		head -n 5 "$work/err" | sed 's/^/# /'
	fi
}
is() {		# is GOT WANTED TEXT
	[ "$1" = "$2" ]
	ok $? "$3"
	[ "$1" = "$2" ] || echo "# got: $1, wanted: $2"
}
has() {		# has FILE PATTERN TEXT
	grep -Eq -- "$2" "$1"
	ok $? "$3"
}
hasnt() {
	! grep -Eq -- "$2" "$1"
	ok $? "$3"
}

serve() {	# serve NAME WEATHER: its configuration is $work/NAME.json
	"$practice" --users $users --groups 5 ${2:+--weather "$2"} >"$work/$1.out" 2>&1 &
	pids="$pids $!"
	for _ in $(seq 100); do
		grep -q http "$work/$1.out" && break
		sleep 0.1
	done
	printf '{"baseUrl":"%s","token":"practice"}\n' \
	    "$(grep -o 'http://[^ ]*' "$work/$1.out" | head -n 1 | sed 's/127\.0\.0\.1/localhost/')" >"$work/$1.json"
}

run() {		# run ARGUMENTS...: $status, $work/out, $work/err
	timeout -s KILL 60 "$bascule" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}
usual="--allow-private localhost"
list="invoke $name account:list --config $work/fair.json $usual"
slow="invoke $name account:list --config $work/slow.json $usual"

gone() {	# gone TEXT: no nursery and no worker is left, within three seconds
	for _ in $(seq 30); do
		ps -o stat=,pid= -C "$name" | grep -qv '^Z' || break
		sleep 0.1
	done
	is "$(ps -o stat=,pid= -C "$name" | grep -v '^Z')" "" "$1"
}

serve fair ""
serve slow latency=700

# Words.
run connectors
has "$work/out" "^$name .*account:list" "connectors are listed with their commands"
run connectors --json
has "$work/out" "^\{\"name\":\"$name\".*\"std:account:list\"" "and as JSON"
run connectors "$name"
has "$work/out" '^std:account:list$' "the commands of one"
run help exit
has "$work/out" '^ *80 +no-egress' "help exit prints the statuses"
run invok
is "$status" 64 "an unknown command: 64"
has "$work/err" 'did you mean "invoke"' "and what was meant"
run invoke nobody account:list
is "$status" 72 "an unknown connector: 72"
has "$work/err" "there are: $name" "and which there are"
run invoke "$name" account:lst
is "$status" 65 "a command it has not: 65"
has "$work/err" 'did you mean "std:account:list"' "and what was meant"
run invoke "$name" account:list --config '{"token":"s3cret"}'
is "$status" 64 "a configuration as an argument: 64"
hasnt "$work/err" s3cret "which is not repeated"

# Requests.
config=$(cat "$work/fair.json")
request() {	# request DOCUMENT ARGUMENTS...
	printf '%s' "$1" | timeout -s KILL 60 "$bascule" invoke "$name" $usual "${@:2}" >"$work/out" 2>"$work/err"
	status=$?
}
request "{\"type\":\"std:account:list\",\"input\":{},\"config\":$config,\"version\":1}"
is "$status $(grep -c '"type":"output"}$' "$work/out")" "0 $users" "the development form on standard input"
request "{\"connectorRef\":\"x\",\"tag\":\"latest\",\"type\":\"std:account:list\",\"config\":$config,\"input\":null}"
is "$status $(grep -c '"type":"output"}$' "$work/out")" "0 $users" "the cloud's form on standard input"
request '{"type":"std:account:list","config":'
is "$status" 65 "a document cut short: 65"
request "{\"type\":\"std:account:read\",\"config\":$config,\"input\":{}}"
is "$status" 65 "a member is missing: 65"
has "$work/err" 'input' "which is named"
request "{\"type\":\"std:account:list\",\"config\":7}" --verdict
has "$work/err" 'config' "a member of the wrong kind is named"
has "$work/out" '"cause":"request".*"type":"error"\}$' "and the record that was asked for is written"
request "$config" account:list --config - --data
is "$status $(wc -l <"$work/out")" "0 $users" "a configuration on standard input"
id=$(sed -n '1s/.*"identity":"\([^"]*\)".*/\1/p' "$work/out")
printf '{"identity":"%s"}' "$id" >"$work/input.json"
run invoke "$name" account:read --config "$work/fair.json" $usual --input "@$work/input.json" --data
has "$work/out" "^\{\"identity\":\"$id\"" "input from a file"

# Outputs.
run $list --data
is "$status $(wc -l <"$work/out")" "0 $users" "--data: one line an account"
hasnt "$work/out" '"type":"output"' "and nothing around it"
is "$(wc -c <"$work/err")" 0 "standard error is silent where no terminal is"
run $list --verdict --receipt "$work/receipt"
has <(tail -n 1 "$work/out") "\"records\":$users,.*\"type\":\"end\"\}\$" "--verdict: the last record counts"
has "$work/receipt" '^\{"outcome":"ok".*"exit":0\}$' "--receipt"
run $list --limit records=5 --data
is "$status $(wc -l <"$work/out")" "79 5" "a limit: 79, and what came before it"
has "$work/err" 'PARTIAL' "which is said to be partial"
run $list --table
has "$work/out" '^identity +userName +disabled ' "--table"
timeout -s KILL 60 "$bascule" $list >/dev/full 2>"$work/err"
is $? 74 "a full disk: 74"
timeout -s KILL 60 "$bascule" $list >&- 2>"$work/err"
is $? 74 "a closed standard output: 74"
"$bascule" $list --data 2>"$work/err" | (sleep 1; wc -l) >"$work/out"
is "$(cat "$work/out")" $users "a slow reader gets everything"

# Ends.
run $slow --timeout 1s
is "$status" 75 "--timeout: 75"
gone "and nothing is left"
for signal in TERM INT; do
	# A shell's background process ignores SIGINT from birth.
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$bascule" $slow >"$work/out" 2>"$work/err" &
	pid=$!
	sleep 1
	kill -s $signal $pid
	wait $pid
	is $? 130 "SIG$signal: 130"
	has "$work/err" 'cancelled .* incomplete' "and says that the list is incomplete"
	gone "and nothing is left"
done
( "$bascule" $slow 2>"$work/err"; echo $? >"$work/status" ) | head -n 1 >/dev/null
is "$(cat "$work/status")" 74 "a reader that ends early: 74"
gone "and nothing is left"

# A terminal.
if ! command -v script >/dev/null; then
	n=$((n + 1))
	echo "ok $n # SKIP machine: no script(1)"
	echo "1..$n"
	exit 0
fi
tty() {		# tty ARGUMENTS...: on a terminal of 100 columns
	script -qec "stty cols 100; $(printf '%q ' "$bascule" "$@")" /dev/null </dev/null 2>&1 | tr -d '\r' >"$work/out"
}
esc=$(printf '\033')
tty $list
has "$work/out" "^$esc\[1midentity +userName +disabled " "on a terminal a list is a table"
has "$work/out" "^$users records in " "with a summary"
has "$work/out" "not shown: .*groups" "that names what did not fit"
is "$(sed "s/$esc\[[0-9]*[mK]//g" "$work/out" | grep -v -e records -e 'not shown' | wc -L)" 100 "cut to the terminal"
tty invoke "$name" account:read --config "$work/fair.json" $usual --input "@$work/input.json"
has "$work/out" "^  $esc\[34m\"identity\"" "a single object is indented, in colours"
NO_COLOR=1 tty invoke "$name" account:read --config "$work/fair.json" $usual --input "@$work/input.json"
hasnt "$work/out" "$esc" "NO_COLOR is honoured"
tty $list --json
has "$work/out" '^\{"data":\{.*"type":"output"\}$' "--json gives lines there too"
tty $slow --timeout 2s
has "$work/out" '[0-9]+ records, [0-9]+/s' "a progress line"
tty $slow --timeout 2s --quiet
hasnt "$work/out" 'records, ' "none with --quiet"

# What a source holds may be meant for the terminal of the administrator.
printf '{"attributes":{"userName":"evil","displayName":"a\\u009b31m\\u007fb\\u001b[2J\\u202e"}}' >"$work/input.json"
run invoke "$name" account:create --config "$work/fair.json" $usual --input "@$work/input.json" --data
is "$status" 0 "an account with a poisoned name"
printf '{"identity":"%s"}' "$(sed 's/.*"identity":"\([^"]*\)".*/\1/' "$work/out")" >"$work/input.json"
for how in "account:read --input @$work/input.json" "account:list" "account:list --json" "account:list --data"; do
	tty invoke "$name" $how --config "$work/fair.json" $usual --color never
	# The name is past the right edge of a table; its row is there.
	want='a\\u009b31m\\u007fb'
	[ "$how" = account:list ] && want='  evil  '
	has "$work/out" "$want" "the poisoned account is shown: ${how%% -*-input*}"
	LC_ALL=C grep -qaP '\x1b|\x7f|\xc2[\x80-\x9f]|\xe2\x80\xae' <(tail -n 40 "$work/out" | sed "s/^$esc\[K//")
	is $? 1 "no byte of it reaches a terminal raw: ${how%% -*-input*}"
done
COLUMNS=200 run $list --table
has "$work/out" '  a\?31m\?b\?\[2J\?' "nor by way of a table's cell"
echo "1..$n"
