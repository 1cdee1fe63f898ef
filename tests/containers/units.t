#!/bin/bash
# units.t -- the systemd units: known to systemd, hardened as told, and no wall of theirs in the way of ours.
# No systemd is process 1 where tests run, so that the directives of bascule.service are put up by hand: the mounts by
# mount(8), the user and capabilities by setpriv(1), the filters by cage.c from systemd's own lists of calls.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
unit=containers/bascule.service
least_exposed=2.9		# of 10; systemd-analyze security

for tool in systemd-analyze systemd-socket-activate setpriv unshare curl jq; do
	command -v "$tool" >/dev/null || { echo "1..0 # SKIP machine: no $tool"; exit 0; }
done
work=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work" /run/bascule-units.$$; rmdir "$groups"/*/units.$$ 2>/dev/null' EXIT
groups=/sys/fs/cgroup
n=0
ok() {		# ok STATUS TEXT
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
	return "$1"
}

make -s B="$b" DESTDIR="$work/installed" install >/dev/null 2>"$work/log"
ok $? "it is installed" || sed 's/^/# /' "$work/log"
[ -f "$work/installed/usr/lib/systemd/system/bascule.service" ] && [ -f "$work/installed/usr/lib/systemd/system/bascule.socket" ]
ok $? "with its units"

# What is to be executed must exist; the manuals are not installed here.
mkdir "$work/units"
cp containers/bascule.socket "$work/units/"
sed "s,=/usr/bin/bascule,=$work/installed/usr/bin/bascule," "$unit" >"$work/units/bascule.service"
systemd-analyze --man=no verify "$work/units/bascule.service" "$work/units/bascule.socket" >"$work/log" 2>&1 && [ ! -s "$work/log" ]
ok $? "systemd knows every word of them" || sed 's/^/# /' "$work/log"
exposed=$(systemd-analyze --no-pager --offline=true security "$unit" 2>/dev/null | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
[ "$(printf '%s\n%s\n' "${exposed:-10}" "$least_exposed" | sort -n | tail -n 1)" = "$least_exposed" ]
ok $? "exposed $exposed of 10, at most $least_exposed"
grep -qF "$exposed" containers/README.md
ok $? "as containers/README.md says"

if [ "$(id -u)" != 0 ]; then
	echo "1..$n # the rest needs root"
	exit 0
fi

# The calls that the unit allows: its lines in turn, systemd's groups taken apart.
calls_of() {	# a name or a group, to names
	case $1 in @*) systemd-analyze --no-pager syscall-filter "$1" | sed -n 's/^    \([@a-z0-9_-]*\)$/\1/p' |
	    while read -r c; do calls_of "$c"; done ;;
	*) echo "$1" ;; esac
}
: >"$work/calls"
sed -n 's/^SystemCallFilter=//p' "$unit" | while read -r line; do
	for word in ${line#\~}; do calls_of "$word"; done | sort -u >"$work/these"
	case $line in
	~*) comm -23 "$work/calls" "$work/these" >"$work/new" ;;
	*) sort -u "$work/calls" "$work/these" >"$work/new" ;;
	esac
	mv "$work/new" "$work/calls"
done
[ "$(wc -l <"$work/calls")" -gt 200 ] && ! grep -qx keyctl "$work/calls"
ok $? "$(wc -l <"$work/calls") calls are allowed"
cc -std=gnu17 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -O1 -o "$work/cage" tests/containers/cage.c -lseccomp
ok $? "a cage of them is built"
"$work/cage" "$work/calls" /bin/sh -c 'echo alive' 2>/dev/null | grep -q alive && ! "$work/cage" "$work/calls" /usr/bin/taskset 1 /bin/true 2>/dev/null &&
    ! "$work/cage" "$work/calls" /usr/bin/perl -e 'socket(S, 17, 3, 0) or exit 1' 2>/dev/null
ok $? "and holds"

# One connector of the hostile suite beside those that are installed.
mkdir -p "$work/installed/usr/lib/bascule/connectors/evil"
cp "$b/tests/evil/evil/evil" "$b/tests/evil/evil/connector-spec.json" "$work/installed/usr/lib/bascule/connectors/evil/"
place=/run/bascule-units.$$
mkdir -m 755 "$place" "$place/dev" || exit 1
cp "$work/cage" "$work/calls" "$place/"
id=64321			# as DynamicUser= would give
cat >"$work/service.sh" <<'EOT'
set -eu
work=$1 place=$2 id=$3 groups=$4 name=$5
# Delegate=
for c in memory pids unified; do
	[ -d "$groups/$c" ] || continue
	mkdir "$groups/$c/$name"
	chown -R "$id" "$groups/$c/$name"
	echo $$ >"$groups/$c/$name/cgroup.procs"
done
mount -t overlay overlay -o "lowerdir=$work/installed/usr:/usr" /usr
# PrivateDevices=
mount -t tmpfs -o mode=755 tmpfs "$place/dev"
for d in null zero full random urandom tty; do
	: >"$place/dev/$d"
	mount --bind "/dev/$d" "$place/dev/$d"
done
mount --rbind "$place/dev" /dev
# StateDirectory=
mkdir -p /var/lib/private
mount -t tmpfs -o "mode=700,uid=$id,gid=$id" tmpfs /var/lib/private
mkdir -m 700 /var/lib/private/bascule
chown "$id:$id" /var/lib/private/bascule
ln -s bascule /var/lib/private/state	# what a service of its own user is told is a link
# ProtectSystem=strict, ProtectHome=, PrivateTmp=, ProtectKernelTunables=, ProtectProc=, ProcSubset=
mount -o remount,bind,ro /
for d in /usr /run; do mountpoint -q "$d" && mount -o remount,bind,ro "$d" || true; done
mount -t tmpfs -o mode=0,ro tmpfs /root
mount -t tmpfs -o mode=0,ro tmpfs /home
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t proc -o subset=pid,hidepid=invisible proc /proc
# DynamicUser=, CapabilityBoundingSet=, NoNewPrivileges=, Limit...=, UMask=, and the filters
umask 077
ulimit -n 16384
ulimit -c 0
export STATE_DIRECTORY=/var/lib/private/state
cd /
exec setpriv --reuid "$id" --regid "$id" --clear-groups --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs \
    "$place/cage" "$place/calls" /usr/bin/bascule serve
EOT
socket=$place/s
systemd-socket-activate -l "$socket" -E PATH unshare -m --propagation slave sh "$work/service.sh" "$work" "$place" "$id" \
    "$groups" "units.$$" >"$work/log" 2>&1 &
pid=$!
for _ in $(seq 50); do [ -S "$socket" ] && break; sleep 0.1; done

ask() { curl -sS -m 30 --unix-socket "$socket" "$@"; }
curl -sS -m 30 --retry 3 --unix-socket "$socket" http://localhost/readyz >"$work/out" 2>&1
grep -q '"status"' "$work/out"
ok $? "the server starts under them, by its socket" || sed 's/^/# /' "$work/log" "$work/out"
run() {		# run CONNECTOR COMMAND CONFIG: the lines, and the receipt last
	ask -H 'Accept: application/x-ndjson; verdict=1' -H 'Content-Type: application/json' \
	    -d "{\"type\":\"$2\",\"config\":$3,\"input\":{}}" "http://localhost/v1/connectors/$1/invoke" >"$work/out"
}
run evil evil:ok '{}'
grep -q '"attack":"none"' "$work/out"
ok $? "a command is run" || cut -c 1-300 "$work/out" "$work/log" | sed 's/^/# /'
absent=$(tail -n 1 "$work/out" | jq -r '.data.layers | to_entries[] | select(.value.state != "on") | "\(.key): \(.value.why // .value.state)"')
[ -z "$absent" ] && [ "$(tail -n 1 "$work/out" | jq '.data.layers | length')" = 8 ]
ok $? "with every layer of the strict set" || echo "# $absent"
run evil evil:ptrace '{}'
grep -q 'ptrace' "$work/out" && grep -q 'problem:syscall' "$work/out"
ok $? "and a hostile one dies of our filter, by its call's name" || cut -c 1-300 "$work/out" | sed 's/^/# /'
run scim std:test-connection '{"baseUrl":"https://bascule-units.invalid/scim","token":"x"}'
grep -q 'bascule-units.invalid' "$work/out" && ! grep -qE 'broker|EPERM|not permitted' "$work/out"
ok $? "the broker resolves, as far as there is somebody to ask" || cut -c 1-300 "$work/out" | sed 's/^/# /'
[ "$(ask http://localhost/v1/invocations | jq '.invocations | length')" = 3 ]
ok $? "the journal remembers"
server=$pid
kill -TERM "$server"
wait "$server"
status=$?
pid=
[ "$status" = 0 ]
ok $? "told to end it does: exit status $status" || sed 's/^/# /' "$work/log"
! pgrep -u "$id" >/dev/null
ok $? "and nothing of it is left"
echo "1..$n"
