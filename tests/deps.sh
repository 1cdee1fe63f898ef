#!/bin/sh
# deps.sh build|check|all|vm|redmine|keystone -- installs the Debian packages that are missing, and nothing else.
# Quiet when there is nothing to do; root or sudo is needed only when there is.
set -eu

build="gcc make pkg-config libc6-dev libcurl4-openssl-dev libcjson-dev libbsd-dev libseccomp-dev
	libssl-dev libevent-dev libsqlite3-dev zlib1g-dev libzstd-dev libnghttp2-dev libbrotli-dev libmd-dev
	libarchive-dev dpkg-dev lld ca-certificates"
check="$build libcmocka-dev clang clang-format libclang-rt-14-dev mandoc jq curl perl procps python3
	util-linux openssl haproxy tinyproxy microsocks valgrind nodejs npm zip python3-jsonschema"
# For make check-all: podman with what it runs containers with (not crun, which refuses hybrid control groups), and
# systemd's own reading of units.  Go, for its example.
all="$check podman runc conmon golang-github-containers-common containernetworking-plugins binutils systemd golang-go"
# For make vm-check: emulators, and what makes a guest's disks.
vm="qemu-system-x86 qemu-system-arm debootstrap debian-archive-keyring e2fsprogs kmod cpio binutils zstd xz-utils"
# What the tests of two connectors ask for by themselves: real servers. Redmine's own package is only unpacked
# (tests/targets/redmine.sh): what it does when installed needs a database service.
redmine="ruby puma ruby-sqlite3 sqlite3 ruby-actionpack-action-caching ruby-actionpack-xml-parser ruby-addressable ruby-bundler
	ruby-coderay ruby-commonmarker ruby-csv ruby-html-pipeline ruby-i18n ruby-jquery-rails ruby-mail ruby-marcel
	ruby-mini-magick ruby-mini-mime ruby-mocha ruby-net-ldap ruby-nokogiri ruby-rack ruby-rack-test ruby-rails
	ruby-rails-dom-testing ruby-rails-observers ruby-rbpdf ruby-redcarpet ruby-request-store ruby-rmagick ruby-roadie
	ruby-roadie-rails ruby-rotp ruby-rouge ruby-rqrcode ruby-sanitize ruby-task-list ruby-zip"
keystone="python3-keystone uwsgi-core uwsgi-plugin-python3 sqlite3"

case "${1:-}" in
build)	want=$build ;;
check)	want=$check ;;
all)	want=$all ;;
vm)	want=$vm ;;
redmine)	want=$redmine ;;
keystone)	want=$keystone ;;
*)	echo "usage: deps.sh build|check|all|vm|redmine|keystone" >&2; exit 64 ;;
esac

has() {
	# Node may have come from elsewhere than Debian.
	case "$1" in
	nodejs)	command -v node >/dev/null && return 0 ;;
	npm)	command -v npm >/dev/null && return 0 ;;
	esac
	dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

missing=
for p in $want; do
	has "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps.sh: please install, as root: apt-get install$missing" >&2
		exit 77
	}
	sudo=sudo
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq >/dev/null
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
