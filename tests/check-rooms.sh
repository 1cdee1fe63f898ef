#!/bin/sh
# check-rooms.sh -- who may include whom, and how long a file or function may be.  Quiet when all is well.
set -u
bad=0

# Room of a file, rooms it may include.
allowed() {
	case "$1" in
	sandbox/*)		echo '^(sandbox/|filters_built\.h$)' ;;	# the second is made by sandbox/built
	worker/contract/*)	echo '^worker/contract/' ;;
	worker/absent/*|worker/late/*) echo '^$' ;;
	worker/runtime/*|worker/guest/*) echo '^(worker|sandbox)/' ;;
	connectors/*)		echo "^(worker/runtime/bascule\.h|worker/guest/guest\.h|$(dirname "$1")/)" ;;
	launcher/*)		echo '^(launcher|worker/contract|sandbox)/' ;;
	*)			echo '.' ;;
	esac
}

for f in $(git ls-files '*.c' '*.h'); do
	edges=$(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f" | grep -Ev "$(allowed "$f")")
	[ -z "$edges" ] || { echo "$f: must not include:" $edges; bad=1; }
	case "$f" in tests/*) continue ;; esac
	lines=$(wc -l <"$f")
	[ "$lines" -le 500 ] || { echo "$f: $lines lines"; bad=1; }
	awk -v f="$f" '/^{/ { s = NR } /^}/ { if (s && NR - s > 80) { print f ":" s ": function of " NR - s " lines"; b = 1 } s = 0 }
		END { exit b }' "$f" || bad=1
	banned=$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|system|popen|alloca|strtok)\(' "$f")
	[ -z "$banned" ] || { echo "$f: banned: $banned"; bad=1; }
done
# What the server's front runs once it has walls has its files from core/files.h: another way is its death.  Not here: what
# it does at its start, with a word on the line, and what other programs do.
front=$(git ls-files 'launcher/serve/*.c' 'launcher/registry/*.c' | grep -vE '/(check|token|slog|notify|door|keyfile)\.c$'
	ls launcher/core/code.c launcher/core/connector.c launcher/core/egress.c launcher/core/far.c launcher/core/guest.c \
	    launcher/core/invocation.c launcher/core/judge.c launcher/core/keep.c launcher/core/prepare.c launcher/core/proxy.c \
	    launcher/core/receipt.c launcher/core/relay.c 2>/dev/null)
paths='\b(open|openat|fopen|stat|lstat|fstatat|access|unlink|rename|mkdir|chmod|realpath|opendir|scandir|nftw|fork|execve?|socket|connect|kill)\('
for f in $front; do
	lines=$(grep -nE "$paths" "$f" | grep -vE '^[0-9]+:[	 ]*(/?\*|//)|at its start')
	[ -z "$lines" ] || { echo "$f: behind its walls the front has no such call: core/files.h has" "$lines"; bad=1; }
done
exit $bad
