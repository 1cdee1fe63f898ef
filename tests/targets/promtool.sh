#!/bin/sh
# promtool.sh -- where promtool is, fetched if need be: of Debian's prometheus only that program is unpacked, for its service
# has no place here.  On standard output its path.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
place=${BASCULE_TARGETS:-$here/../../build/targets}/promtool
if [ ! -x "$place/usr/bin/promtool" ]; then
	mkdir -p "$place"
	cd "$place"
	apt-get download -qq prometheus >/dev/null 2>&1
	dpkg --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
	rm -f prometheus_*.deb
fi
echo "$place/usr/bin/promtool"
