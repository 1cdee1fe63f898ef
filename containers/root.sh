#!/bin/sh
# root.sh BUILD ROOT -- fills the new folder ROOT with a root file system for one program tree: an installation, the
# libraries that it is linked with, and certificates.  No shell, no package manager, no set-user-id file.
#
# Libraries come from the Debian packages of this machine; their names, versions and licences are kept in
# /var/lib/dpkg/status.d and /usr/share/doc, where scanners of images look.
set -eu
umask 022
b=$1 root=$2
[ ! -e "$root" ] || { echo "root.sh: $root exists" >&2; exit 64; }
cd "$(dirname "$0")/.."

make -s B="$b" DESTDIR="$root" prefix=/usr install >/dev/null
# For people at a terminal, or for a host.
rm -rf "$root/usr/share/man" "$root/usr/share/bash-completion" "$root/usr/lib/systemd" "$root/usr/libexec/bascule/bascule-practice"
# A bundle's host wants Node, which this image has not.
rm -rf "$root/usr/lib/bascule/connectors/node"

programs=$(find "$root/usr/bin" "$root/usr/libexec" "$root/usr/lib/bascule" -type f -perm -100)
for p in $programs; do
	strip --strip-all --remove-section=.comment "$p"
done

# As Debian has it, so that paths of the loader and of libraries hold.
mkdir -p "$root/usr/lib64" "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d" "$root/proc" "$root/sys" "$root/dev" "$root/run" \
    "$root/usr/share/doc"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
ln -s usr/bin "$root/bin"
mkdir -m 1777 "$root/tmp"

# ldd tells "name => path (address)" and, of the loader, "path (address)".
# shellcheck disable=SC2086
libraries=$(ldd $programs | sed -n 's/^\t.*=> \(\/[^ ]*\) (.*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u)
packages=
for l in $libraries; do
	real=$(readlink -f "$l")
	mkdir -p "$root/usr/lib/$(basename "$(dirname "$real")")"
	install -m 755 "$real" "$root/usr/lib/$(basename "$(dirname "$real")")/$(basename "$l")"
	# A package lists a file of a merged /usr under either name.
	owner=$(dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}")
	packages="$packages ${owner%%: *}"
done
# The loader is looked for under the name that programs carry.
loader=$(readelf -l "$root/usr/libexec/bascule/bascule-serve" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
case $loader in
/lib64/*) ln -sf "../lib/$(basename "$(dirname "$(readlink -f "$loader")")")/$(basename "$loader")" "$root/usr$loader" ;;
*) ln -sf "$(basename "$(dirname "$(readlink -f "$loader")")")/$(basename "$loader")" "$root/usr$loader" ;;
esac

# Mozilla's authorities as Debian ships them; what this machine's owner added stays here.
find /usr/share/ca-certificates/mozilla -name '*.crt' | LC_ALL=C sort | xargs cat >"$root/etc/ssl/certs/ca-certificates.crt"
packages="$packages ca-certificates"

cat >"$root/etc/passwd" <<-'EOT'
	root:x:0:0:root:/:/nonexistent
	bascule:x:65532:65532:bascule:/nonexistent:/nonexistent
	nobody:x:65534:65534:nobody:/nonexistent:/nonexistent
EOT
cat >"$root/etc/group" <<-'EOT'
	root:x:0:
	bascule:x:65532:
	nogroup:x:65534:
EOT
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

# Also of what connectors hold inside: see the Makefile's CONNECTOR_static.
held="libcurl4-openssl-dev libcjson-dev libnghttp2-dev libssl-dev libzstd-dev libbrotli-dev zlib1g-dev
	libseccomp-dev libbsd-dev libmd-dev"
for p in $packages $held; do
	p=${p%%:*}
	[ ! -e "$root/var/lib/dpkg/status.d/$p" ] || continue
	dpkg-query -W -f='Package: ${Package}\nVersion: ${Version}\nArchitecture: ${Architecture}\nSource: ${source:Package}\n' \
	    "$p" 2>/dev/null | sed '/^$/,$d' >"$root/var/lib/dpkg/status.d/$p"
	mkdir -p "$root/usr/share/doc/$p"
	cp -L "/usr/share/doc/$p/copyright" "$root/usr/share/doc/$p/copyright"
done
mkdir -p "$root/usr/share/doc/bascule"
cp LICENSE "$root/usr/share/doc/bascule/copyright"
chmod -R go-w "$root"
chmod 1777 "$root/tmp"
