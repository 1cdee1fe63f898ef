#!/bin/bash
# ablation.sh BUILD -- every attack of attacks.tsv with all layers, then with one layer off at a time, as a table.
# BUILD may go without the filter and the limits (make ablation makes such a one); no other build can.
# One layer at a time: without two of them an attack could reach this machine.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=$1
bascule=$b/bin/bascule
layers="namespaces landlock seccomp rlimits cgroup"
# All at once, on whatever machine: patient clocks, so that none of them is what stops an attack.
usual="--timeout 12s --limit silence=8s --limit memory=64m --limit cpu=4s"
wait_s=40
name=ablation-$$
run=$b/tests/evil-run.$$
work=$(mktemp -d) || exit 1
mkdir -p "$run/$name" || exit 1
trap 'rm -rf "$run" "$work"' EXIT
cp "$b/tests/evil/evil/evil" "$run/$name/$name" || exit 1
cp "$b/tests/evil/evil/connector-spec.json" "$run/$name/" || exit 1
connector=$(cd "$run/$name" && pwd)
machine=$(uname -m)

group_of() {
	case $1 in
	open | open-[!t]* | openat2 | unlink | chmod | chown | truncate | link | rename | mkdir | mknod | symlink | times | attributes | \
	getcwd | chdir | folder | handle | inotify | fanotify | quota) echo files ;;
	fork | vfork* | clone* | exec* | ptrace* | vm-* | pidfd-* | kill-* | tgkill | setpgid | setsid | pid | kcmp | priority | \
	affinity | scheduler | io-priority | process-* | other-memory | move-pages | membarrier) echo processes ;;
	prctl-* | no-new-privs | seccomp | landlock* | set[ufg]id | setfsuid | setgroups | setresuid | capget | personality | \
	prlimit | iopl | modify-ldt | arch-prctl | whoami) echo privileges ;;
	trap-* | signal-* | alt-stack | timer | alarm | rseq) echo signals ;;
	socket* | bind | listen | accept | shutdown | send* | recv* | fast-open | connect | egress-* | setsockopt* | getsock*) echo network ;;
	dup | pipe | fcntl-* | ioctl | fds | env | close-stdin | splice | vmsplice | writev | epoll | queue | message-queue | \
	semaphore | shm) echo descriptors ;;
	mprotect-exec | mmap-exec | alloc | map-* | stack | memfd* | remap* | lock-memory | protect-key | mbind | cachestat) echo memory ;;
	hang | ignore-term | deathless | cpu | slow | silent-close | end-then-hang) echo time ;;
	bpf | io-uring* | aio | userfaultfd | *key* | perf | syslog | module* | kexec | reboot | clock | adjtime | hostname | mount* | \
	move-mount | open-tree | fsopen | umount | chroot | pivot-root | setns* | unshare* | swap | account | cookie | int80 | x32 | \
	nothing-there) echo kernel ;;
	*) echo output ;;
	esac
}

request() {
	case $1 in
	read:*) printf '{"type":"std:account:read","config":{"attack":"%s"},"input":{"identity":"joe"}}' "${1#read:}" ;;
	*) printf '{"type":"evil:%s","config":{},"input":{}}' "$1" ;;
	esac
}

# outcome ATTACK CAUSE RECORD OPTIONS...: one word, and "through" in front of it if nothing stopped the attack.
outcome() {
	local attack=$1 wanted=$2 record=$3 cause
	shift 3
	request "$attack" | timeout -s KILL "$wait_s" "$bascule" invoke "$connector" --verdict "$@" >"$work/out" 2>/dev/null
	tail -n 1 "$work/out" >"$work/verdict"
	cause=$(grep -o '"cause":"[^"]*"' "$work/verdict" | head -n 1 | cut -d '"' -f 4)
	cause=${cause:-$(grep -o '"result":"refused"' "$work/out" | head -n 1 | cut -d '"' -f 4)}
	grep -q '"type":"\(end\|error\)"}$' "$work/verdict" || cause=no-final-record
	if head -n 100 "$work/out" | grep -q ESCAPED; then
		echo through-escaped
	elif [ -z "$cause" ] && [ "$record" = - ] && [[ "|$wanted|" != *"|ok|"* ]]; then
		echo through-ok
	elif [ "$record" != - ] && [ "${cause:-refused}" = refused ] && ! head -n -1 "$work/out" | head -n 100 | grep -Eq -- "$record"; then
		echo through-more
	else
		echo "${cause:-held}"
	fi
}

# Attacks that are none: they show, and must go through.
harmless() {
	case $1 in ok | half-log | read:none) return 0 ;; *) return 1 ;; esac
}

# run_without LAYER|all: a line for each attack.
run_without() {
	local off=$1 without=
	work=$work/$off
	mkdir -p "$work"
	[ "$off" = all ] || without="--without $off"
	# Where nothing can start nothing gets through, and the table would praise the walls for it.
	# shellcheck disable=SC2086
	if [ "$(outcome ok ok - $usual $without)" != held ]; then
		echo "ablation.sh: no worker starts ${without:-with all layers}: $(tail -n 1 "$work/verdict")" >&2
		return 1
	fi
	while IFS=$'\t' read -r attack wanted _ record limits only; do
		case $attack in '#'* | '') continue ;; esac
		[ "$only" = - ] || [ "$only" = "$machine" ] || continue
		harmless "$attack" && continue
		[ "$limits" != - ] || limits=
		# shellcheck disable=SC2086
		printf '%s\t%s\t%s\n' "$attack" "$off" "$(outcome "$attack" "$wanted" "$record" $usual $limits $without)"
	done <tests/evil/attacks.tsv
}

runs=
for off in all $layers; do
	run_without "$off" >"$work/results.$off" &
	runs="$runs $!"
done
for run_pid in $runs; do
	wait "$run_pid" || { kill $runs 2>/dev/null; exit 1; }
done
cat "$work"/results.* >"$work/results"
if pgrep -x "${name:0:15}" >/dev/null; then
	printf 'leave-nothing\tall\tthrough-left\n' >>"$work/results"
fi
[ -z "${ABLATION_RESULTS:-}" ] || cp "$work/results" "$ABLATION_RESULTS"

while IFS=$'\t' read -r attack rest; do
	printf '%s\t%s\t%s\n' "$(group_of "$attack")" "$attack" "$rest"
done <"$work/results" | awk -F '\t' -v layers="$layers" '
{
	sub(/^(idle|deadline)$/, "clock", $4)		# which of the two is a matter of load
	if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }
	if ($3 == "all") { total[$1]++; all[$2] = $4; group[$2] = $1; attacks[++m] = $2 }
	got[$2, $3] = $4
}
END {
	k = split(layers, l, " ")
	printf "| attacks | | stopped, by |"
	for (i = 1; i <= k; i++) printf " without %s |", l[i]
	printf "\n|---|---|---|"
	for (i = 1; i <= k; i++) printf "---|"
	print ""
	for (g = 1; g <= n; g++) {
		split("", by)
		through = ""
		for (a = 1; a <= m; a++) {
			x = attacks[a]
			if (group[x] != order[g]) continue
			# The filter, where its kill is the cause; else the layer without which it comes to something else.
			who = all[x] ~ /^syscall/ ? "seccomp" : ""
			for (i = 1; i <= k && who == ""; i++)
				if (got[x, l[i]] != all[x]) who = l[i]
			if (all[x] ~ /^through/) through = through " " x
			else by[who == "" ? "launcher" : who]++
		}
		printf "| %s | %d |", order[g], total[order[g]]
		cell = through == "" ? "" : "**not" through "** "
		for (i = 1; i <= k; i++) if (l[i] in by) cell = cell l[i] " " by[l[i]] ", "
		if ("launcher" in by) cell = cell "launcher " by["launcher"] ", "
		sub(/, $/, "", cell)
		printf " %s |", cell
		for (i = 1; i <= k; i++) {
			held = 0
			list = ""
			for (a = 1; a <= m; a++) {
				x = attacks[a]
				if (group[x] != order[g]) continue
				if (got[x, l[i]] ~ /^through/) list = list " " x
				else held++
			}
			printf " %s |", list == "" ? "all" : held " of " total[order[g]] "; not" list
		}
		print ""
	}
}'
