#!/bin/sh
# libraries.sh FOLDER -- makes libcurl.a and libcjson.a for connectors in FOLDER, from Debian's own source packages.
#
# Debian's libcurl.a holds every protocol of curl and wants thirty libraries; a worker speaks HTTP and HTTPS.  Of cJSON
# there is no archive.  Sources come by apt, which checks their signatures, in the version of the installed headers; nothing
# is installed.  What was made is kept in the user's cache, so that it is made once for each version and set of flags.
set -eu

[ $# = 1 ] || { echo "usage: libraries.sh FOLDER" >&2; exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
flags="-O2 -g0 -fPIE -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections"
configure="--disable-shared --enable-static --with-openssl --with-nghttp2 --with-zlib --with-brotli --with-zstd
	--without-ca-bundle --without-ca-path --without-libidn2 --without-libpsl --without-librtmp --without-libssh2
	--without-gssapi --disable-ftp --disable-file --disable-ldap --disable-ldaps --disable-rtsp --disable-dict
	--disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher
	--disable-mqtt --disable-manual --disable-libcurl-option --disable-threaded-resolver --disable-ntlm
	--disable-ntlm-wb --disable-tls-srp --disable-unix-sockets --disable-cookies --disable-doh --disable-alt-svc
	--disable-hsts --disable-netrc --disable-progress-meter --disable-socketpair --disable-dnsshuffle
	--disable-mime --disable-websockets --disable-proxy"

# Version of the source that an installed package was built from.
version() {
	dpkg-query -W -f '${source:Version}' "$1" || { echo "libraries.sh: please install $1" >&2; exit 77; }
}
curl=$(version libcurl4-openssl-dev)
cjson=$(version libcjson-dev)
ssl=$(version libssl-dev)

key=$({ echo "$curl $cjson $ssl $flags $configure"; cc --version | head -n 1; } | cksum | tr ' ' -)
home=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
kept=${home:-$out/kept}/bascule/libraries-$key
place() {
	cp "$kept/libcurl.a" "$kept/libcjson.a" "$out/"
}
[ ! -f "$kept/libcjson.a" ] || { place; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
log=$out/libraries.log
: >"$log"
fail() {
	tail -n 20 "$log" >&2
	echo "libraries.sh: $1; all of it: $log. make SHARED=1 takes the system's libraries instead" >&2
	exit 1
}

# This system's places of Debian, for sources, and for nobody else than this script: those whose line or paragraph
# matches $1.
sources() {
	mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -f "$f" ] || sed -nE "/^deb .* $1.* main/s/^deb /deb-src /p" "$f"
	done >"$work/parts/own.list"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$f" ] || awk -v RS= -v name="$1" '
			{ gsub(/(^|\n)#[^\n]*/, ""); sub(/^\n/, "") }
			$0 ~ "(^|\n)Suites:[^\n]* " name && /(^|\n)Components:[^\n]* main/ {
				sub(/Types:[^\n]*/, "Types: deb-src"); print; print "" }' "$f"
	done >"$work/parts/own.sources"
	[ -s "$work/parts/own.list" ] || [ -s "$work/parts/own.sources" ]
}
apt() {
	apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/parts" \
	    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= \
	    -o Debug::NoLocking=1 "$@" >>"$log" 2>&1
}
# The very version, or else the one that is offered.
source_get() {
	apt source --download-only "$1=$2" || apt source --download-only "$1" || fail "the source of $1 cannot be had"
	dpkg-source --no-check -x "$1"_*.dsc "$1" >>"$log" 2>&1 || fail "the source of $1 cannot be unpacked"
}

cd "$work"
echo "libcurl and cJSON for connectors: from source, once (a minute)" >&2
# Third parties name their own suites; a Debian may be followed by its name or by what it is at the time.
. /etc/os-release
sources "${VERSION_CODENAME:-sid}" || sources '(stable|testing|sid|unstable)' || fail "apt knows no place of Debian"
apt update || fail "apt cannot read the lists of sources"
source_get curl "$curl"
source_get cjson "$cjson"
mkdir -p "$kept" made
# shellcheck disable=SC2086
(cd made && ../curl/configure -q $configure CFLAGS="$flags" && make -s -j2 -C lib) >>"$log" 2>&1 ||
    fail "libcurl cannot be built"
# shellcheck disable=SC2086
cc $flags -c -o cJSON.o cjson/cJSON.c >>"$log" 2>&1 && ar rcs libcjson.a cJSON.o || fail "cJSON cannot be built"
cp made/lib/.libs/libcurl.a "$kept/"
cp libcjson.a "$kept/.libcjson.a"
mv "$kept/.libcjson.a" "$kept/libcjson.a"	# the last one: half of a cache is none
place
