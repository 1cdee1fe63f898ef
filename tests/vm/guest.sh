#!/bin/bash
# guest.sh -- inside a guest: runs the suites that the third disk names; a line of TAP for each, the failures behind it.
#
# A suite is [HOW:]PLACE/NAME.  PLACE: unit (NAME may be missing: all), integration, evil, vm, containers.
# HOW: plain (as root in this service's own group, the default), root (as root in a unit with Delegate=yes), user (the
# same as an unprivileged user), session (that user's own systemd-run --user --scope -p Delegate=yes).
set -u
cd /bascule || exit 1
suite_s=1500
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
export BASCULE=/bascule/build/bin/bascule BASCULE_BROKER=/bascule/build/libexec/bascule-broker SANDBOX_MUST_WORK=1 BASCULE_VM=1
export BASCULE_CONNECTORS=/bascule/build/connectors

kept="HOME PATH LC_ALL BASCULE BASCULE_BROKER SANDBOX_MUST_WORK BASCULE_VM BASCULE_CONNECTORS CMOCKA_MESSAGE_OUTPUT"
environment() {
	for v in $kept; do [ -z "${!v:-}" ] || echo "--setenv=$v=${!v}"; done
}

# as HOW PROGRAM: its status.
as() {
	local how=$1
	shift
	case $how in
	plain)	timeout "$suite_s" "$@" ;;
	root)	# shellcheck disable=SC2046
		timeout "$suite_s" systemd-run -q --wait --pipe --collect -p Delegate=yes -p WorkingDirectory=/bascule $(environment) "$@" ;;
	user)	# shellcheck disable=SC2046
		HOME=/home/someone timeout "$suite_s" systemd-run -q --wait --pipe --collect -p Delegate=yes -p User=someone \
		    -p WorkingDirectory=/bascule $(HOME=/home/someone environment) "$@" ;;
	session) # shellcheck disable=SC2046
		timeout "$suite_s" setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/someone XDG_RUNTIME_DIR=/run/user/1000 \
		    systemd-run -q --user --scope --collect -p Delegate=yes "$@" ;;
	*)	echo "Bail out! no such way: $how"; return 99 ;;
	esac
}

n=0
count() {	# count NAME LOG STATUS
	local ok bad skip
	n=$((n + 1))
	ok=$(grep -cE '^ok ' "$2")
	bad=$(grep '^not ok ' "$2" | grep -vciE '# *skip')
	skip=$(grep -ciE '^(not )?ok .*# *skip|^1\.\.0 .*skip|^skipped:' "$2")
	if [ "$bad" = 0 ] && [ "$3" = 0 ]; then
		echo "ok $1: $((ok)) passed, $skip skipped"
	else
		echo "not ok $1: $ok passed, $bad failed, status $3"
		grep -vE '^ok ' "$2" | head -n "${BASCULE_VM_LINES:-120}" | cut -c 1-400 | sed "s,^,    ,"
	fi
	grep -iE '# *skip|^skipped:|^# seen:' "$2" | sort | uniq -c | sort -rn | head -n 12 | cut -c 1-300
}

one() {		# one HOW PLACE/NAME FILE
	local log=/run/bascule-vm.log name=$2
	[ "$1" = plain ] || name="$2 ($1)"
	if [ ! -x "$3" ]; then
		n=$((n + 1))
		echo "not ok $name: there is no $3"
		return
	fi
	as "$1" "$3" >"$log" 2>&1 </dev/null
	count "$name" "$log" $?
}

uname -srm
echo "modules: $(cat /sys/kernel/security/lsm 2>/dev/null)"
echo "control groups: $(stat -fc %T /sys/fs/cgroup), $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null)"
loginctl enable-linger someone 2>/dev/null || mkdir -p /run/user/1000
for suite in $(tr -d '\000' </dev/vdc); do
	case $suite in
	sh:*)	eval "$(echo "${suite#sh:}" | tr '+' ' ')" 2>&1 </dev/null ; continue ;;
	*:*)	how=${suite%%:*} suite=${suite#*:} ;;
	*)	how=plain ;;
	esac
	case $suite in
	unit)	export CMOCKA_MESSAGE_OUTPUT=TAP
		for t in build/tests/unit/test_*; do one "$how" "unit/${t##*/}" "/bascule/$t"; done ;;
	unit/*)	CMOCKA_MESSAGE_OUTPUT=TAP one "$how" "$suite" "/bascule/build/tests/$suite" ;;
	*)	one "$how" "$suite" "/bascule/tests/$suite.t" ;;
	esac
done
echo end
