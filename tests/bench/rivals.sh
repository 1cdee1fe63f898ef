#!/bin/sh
# rivals.sh BUILD -- installs what the benchmark compares with, where Debian and npm have it.  What is not to be had is a
# row that says so.
set -u
build=$1
want=
for p in bubblewrap firejail crun python3-minimal nodejs npm; do
	case $p in
	nodejs|npm)	command -v "$(echo $p | sed s/nodejs/node/)" >/dev/null && continue ;;
	esac
	dpkg-query -W -f='${db:Status-Status}\n' $p 2>/dev/null | grep -qx installed || want="$want $p"
done
if [ -n "$want" ]; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	echo "installing:$want" >&2
	export DEBIAN_FRONTEND=noninteractive
	$sudo apt-get update -qq >/dev/null
	# shellcheck disable=SC2086
	for p in $want; do $sudo apt-get install -y -qq --no-install-recommends $p >/dev/null || echo "no $p" >&2; done
fi
tests/node/install.sh "$build/node" >&2 || echo "no packages of the SDK" >&2
exit 0
