#!/bin/sh
# run.sh [GUEST [SUITE...]] -- boots other machines than this one and runs tests inside; TAP, one point a suite.
# Guests and their suites are rows of tests/vm/guests.  Needs root (file systems of a guest are made), and packages:
# tests/deps.sh vm.  What was downloaded stays in ~/.cache/bascule/vm (BASCULE_VM), about 2 GB with all of them.
set -eu
cd "$(dirname "$0")/../.."
b=${B:-build}
cache=${BASCULE_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/bascule/vm}
mirror=${BASCULE_VM_MIRROR:-http://deb.debian.org/debian}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
memory_mb=2048
root_mb=1800			# of the guest's root, as a file with holes
boot_s=240			# a guest of the host's own kind says something within so many
foreign_boot_s=1800		# one that is emulated
kvm=			# yes or no, once tried
kvm_s=10
idle=			# others may measure beside us
command -v chrt >/dev/null && idle="chrt --idle 0"

[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP machine: needs root"; exit 0; }
tests/deps.sh vm
work=$(mktemp -d)
pid=
trap 'status=$?; [ "$status" = 0 ] || echo "Bail out! status $status"; [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$cache"

# apt SUITE ARCH COMMAND...: apt of that suite and architecture, with a memory of its own.
apt() {
	suite=$1 arch=$2
	shift 2
	d=$cache/apt-$suite-$arch
	mkdir -p "$d/state/lists/partial" "$d/cache/archives/partial"
	echo "deb [signed-by=$keys] $mirror $suite main" >"$d/sources.list"
	command=$1
	shift
	"$command" -qq -o Dir::Etc::SourceList="$d/sources.list" -o Dir::Etc::SourceParts=/nonexistent -o Dir::State="$d/state" \
	    -o Dir::Cache="$d/cache" -o Dir::State::status=/dev/null -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
	    -o APT::Sandbox::User=root "$@"
}

# kernel SUITE ARCH: unpacked into $cache/kernel-SUITE-ARCH.
kernel() {
	k=$cache/kernel-$1-$2
	[ -e "$k/done" ] && return
	rm -rf "$k"
	mkdir -p "$k"
	apt "$1" "$2" apt-get update
	p=$(apt "$1" "$2" apt-cache depends "linux-image-cloud-$2" | sed -n 's/^  Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
	[ -n "$p" ] || { echo "# no kernel in $1 for $2" >&2; return 1; }
	at=$PWD
	cd "$k"
	apt "$1" "$2" apt-get download "$p"
	dpkg-deb -x ./*.deb .
	cd "$at"
	rm -f "$k"/*.deb "$k"/boot/System.map*
	[ -d "$k/lib" ] || ln -s usr/lib "$k/lib"
	depmod -b "$k" "$(ls "$k/lib/modules")"
	touch "$k/done"
}

# root SUITE ARCH: a file system image.  The foreign half of debootstrap is done by the guest itself, at its first start.
root() {
	image=$cache/root-$1-$2.ext4
	# Later ones have other names for libraries whose time grew to 64 bits.
	packages=$(case $1 in
	    bookworm) cat tests/vm/packages ;;
	    *) sed -E 's/(libevent(-core|-openssl)?-2\.1-7|libcurl4|libarchive13)/\1t64/g' tests/vm/packages ;;
	    esac | tr -s ' \n' ,)
	sum=$( (cat tests/vm/packages tests/vm/guest.service; sed -n '/^root()/,/^}/p' tests/vm/run.sh) | sha256sum | cut -c 1-16)
	[ -e "$image" ] && [ "$(cat "$image.sum" 2>/dev/null)" = "$sum" ] && return
	d=$work/root
	foreign=
	[ "$2" = "$(dpkg --print-architecture)" ] || foreign=--foreign
	$idle debootstrap $foreign --arch="$2" --variant=minbase --include="${packages%,}" "$1" "$d" "$mirror" >"$work/debootstrap.log" 2>&1 || {
		tail -n 5 "$work/debootstrap.log" | sed 's/^/# /'
		return 1
	}
	umount "$d/proc" "$d/sys" 2>/dev/null || true
	rm -rf "$d"/var/cache/apt/archives/*.deb "$d"/var/lib/apt/lists/* "$d"/usr/share/doc "$d"/usr/share/locale
	# Its dependencies are a service's; wanted is a file of it.
	(to=$d && cd "$work" && apt "$1" "$2" apt-get update && apt "$1" "$2" apt-get download golang-github-containers-common &&
	    dpkg-deb -x golang-github-containers-common_*.deb "$to" && rm -f golang-github-containers-common_*.deb)
	install -m 644 tests/vm/guest.service "$d/etc/systemd/system/bascule-vm.service"
	mkdir -p "$d/etc/systemd/system/multi-user.target.wants" "$d/bascule"
	ln -s ../bascule-vm.service "$d/etc/systemd/system/multi-user.target.wants/"
	ln -sf /dev/null "$d/etc/systemd/system/serial-getty@.service"
	ln -sf /dev/null "$d/etc/systemd/system/getty@.service"
	echo bascule-vm >"$d/etc/hostname"
	echo "127.0.0.1 localhost bascule-vm" >"$d/etc/hosts"
	echo "someone:x:1000:1000::/home/someone:/bin/bash" >>"$d/etc/passwd"
	echo "someone:x:1000:" >>"$d/etc/group"
	echo "someone:*:19000::::::" >>"$d/etc/shadow"
	mkdir -p "$d/home/someone"
	chown 1000:1000 "$d/home/someone"
	mke2fs -q -t ext4 -d "$d" "$image.new" "${root_mb}m" >/dev/null
	rm -rf "$d"
	echo "$sum" >"$image.sum"
	mv "$image.new" "$image"
}

# tree KERNEL: what was built here, and the kernel's modules, as the guest's second disk.
tree() {
	d=$work/tree
	mkdir -p "$d/bascule" "$d/modules"
	git ls-files -z -c -o --exclude-standard | xargs -0 cp -a --parents -t "$d/bascule"
	(cd "$b" && find . -type f -perm -u+x ! -name '*.o' ! -path './static/*' ! -path './deploy/*' -print0 &&
	    find . -type f \( -name '*.json' -o -name '*.js' \) ! -path './deploy/*' -print0) |
	    (mkdir -p "$d/bascule/build" && cd "$b" && xargs -0 cp -a --parents -t "$d/bascule/build")
	(cd "$b" && find . -type l ! -path './deploy/*' -print0 | xargs -0 -r cp -a --parents -t "$d/bascule/build")
	find "$d/bascule/build" -type f -perm -u+x -exec "${STRIP:-strip}" --strip-debug {} + 2>/dev/null || true
	make -s B="$b" DESTDIR="$d/bascule/installed" install >/dev/null
	cp -a "$1"/lib/modules/. "$d/modules/"
	mke2fs -q -t ext4 -O ^has_journal -d "$d" "$work/tree.ext4" "$(($(du -sm "$d" | cut -f 1) * 5 / 4 + 64))m" >/dev/null
	rm -rf "$d"
}

# initrd KERNEL ARCH: busybox and what disks need.
initrd() {
	d=$work/ram
	v=$(ls "$1/lib/modules")
	mkdir -p "$d/bin" "$d/m" "$d/sysroot" "$d/dev" "$d/proc"
	debugfs -R "dump /bin/busybox $d/bin/busybox" "$image" 2>/dev/null
	[ -s "$d/bin/busybox" ] || debugfs -R "dump /usr/bin/busybox $d/bin/busybox" "$image" 2>/dev/null
	chmod 755 "$d/bin/busybox"
	i=10
	for m in virtio_pci virtio_blk virtio_console virtio_rng ext4; do
		modprobe -d "$1" -S "$v" --show-depends "$m" 2>/dev/null | sed -n 's/^insmod //p'
	done | awk '!seen[$1]++ {print $1}' | while read -r f; do
		case $f in
		*.xz) xz -dc "$f" ;;
		*.zst) zstd -qdc "$f" ;;
		*) cat "$f" ;;
		esac >"$d/m/$i.ko"
		i=$((i + 1))
	done
	cp tests/vm/init.sh "$d/init"
	(cd "$d" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/initrd"
	rm -rf "$d"
}

# boot ARCH KERNEL APPEND SUITES: what it said is in $work/said and $work/console.
boot() {
	echo "$4" >"$work/suites"
	limit=$boot_s
	case $1 in
	amd64)	machine="qemu-system-x86_64 -M q35" serial=ttyS0
		if kvm_works "$2"; then machine="$machine -enable-kvm -cpu host"; else machine="$machine -accel tcg,thread=multi -cpu max"; fi ;;
	arm64)	machine="qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on" serial=ttyAMA0 limit=$foreign_boot_s ;;
	*)	echo "# no such machine: $1"; return 1 ;;
	esac
	: >"$work/said"
	# shellcheck disable=SC2086
	timeout "${BASCULE_VM_SECONDS:-7200}" $idle $machine -smp 2 -m $memory_mb -nodefaults -no-reboot -display none \
	    -kernel "$(ls "$2"/boot/vmlinuz-*)" -initrd "$work/initrd" \
	    -append "console=$serial quiet panic=-1 systemd.unified_cgroup_hierarchy=1 systemd.show_status=0 ${BASCULE_VM_APPEND:-} $3" \
	    -drive "file=$image,format=raw,if=virtio,snapshot=on" -drive "file=$work/tree.ext4,format=raw,if=virtio,snapshot=on" \
	    -drive "file=$work/suites,format=raw,if=virtio,readonly=on" \
	    -device virtio-serial-pci -chardev "file,id=said,path=$work/said" -device virtconsole,chardev=said \
	    -device virtio-rng-pci -serial "file:$work/console" >"$work/qemu" 2>&1 &
	pid=$!
	waited=0
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		waited=$((waited + 1))
		if [ "$waited" -gt "$limit" ] && [ ! -s "$work/said" ]; then
			echo "# it did not start in $limit s"
			kill "$pid" 2>/dev/null
		fi
	done
	wait "$pid" || true
	pid=
}

# The device may be there and of no use: does this kernel come as far as to miss its root?
kvm_works() {	# kvm_works KERNEL
	[ -w /dev/kvm ] || return 1
	[ -n "$kvm" ] || {
		timeout "$kvm_s" qemu-system-x86_64 -M q35 -enable-kvm -cpu host -m 512 -nodefaults -no-reboot -display none \
		    -kernel "$(ls "$1"/boot/vmlinuz-*)" -append "console=ttyS0 panic=-1" -serial "file:$work/kvm" >/dev/null 2>&1 || true
		kvm=no
		grep -q 'Kernel panic' "$work/kvm" 2>/dev/null && kvm=yes
	}
	[ "$kvm" = yes ]
}

# TAP of one guest's said, with our own numbers.
report() {
	awk -v guest="$1" -v n="$points" -v file="$work/points" '
		{ sub(/\r$/, "") }
		/^ok / || /^not ok / { n++; sub(/^(not )?ok /, "&" n " - " guest ": "); print; fflush(); next }
		/^end$/ { ended = 1; next }
		{ print "# " $0 }
		END {
			if (!ended) print "not ok " ++n " - " guest ": it came to its end"
			print n >file
		}' "$work/said"
	points=$(cat "$work/points")
	grep -q '^end' "$work/said" || tail -n "${BASCULE_VM_LINES:-15}" "$work/console" "$work/qemu" | sed 's/^/# /'
}

only=${1:-}
[ $# = 0 ] || shift
asked=$*
points=0
sed 's/#.*//' tests/vm/guests | grep -v '^[[:space:]]*$' >"$work/guests"
while IFS='|' read -r name arch system kern append suites; do
	name=$(echo "$name" | tr -d '[:space:]') arch=$(echo "$arch" | tr -d '[:space:]')
	system=$(echo "$system" | tr -d '[:space:]') kern=$(echo "$kern" | tr -d '[:space:]')
	[ -z "$only" ] || [ "$only" = "$name" ] || continue
	kernel "$kern" "$arch" </dev/null
	root "$system" "$arch" </dev/null
	tree "$cache/kernel-$kern-$arch" </dev/null
	initrd "$cache/kernel-$kern-$arch" "$arch" </dev/null
	boot "$arch" "$cache/kernel-$kern-$arch" "$append" "${asked:-$suites}" </dev/null
	report "$name"
	rm -f "$work/tree.ext4"
done <"$work/guests"
echo "1..$points"
