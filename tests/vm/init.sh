#!/bin/busybox sh
# init.sh -- first program of a guest: its disks, then its system.
/bin/busybox --install -s /bin 2>/dev/null
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for m in /m/*.ko; do insmod "$m" 2>/dev/null; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	[ -b /dev/vdc ] && break
	sleep 0.5
done
mount -t ext4 /dev/vda /sysroot || exec sh
mkdir -p /sysroot/mnt/tree /sysroot/bascule
mount -t ext4 /dev/vdb /sysroot/mnt/tree || exec sh
mount -o bind /sysroot/mnt/tree/bascule /sysroot/bascule
mkdir -p /sysroot/usr/lib/modules
mount -o bind /sysroot/mnt/tree/modules /sysroot/usr/lib/modules
umount /proc
mount -o move /dev /sysroot/dev
[ -d /sysroot/debootstrap ] && {
	mount -t proc proc /sysroot/proc
	chroot /sysroot /debootstrap/debootstrap --second-stage >/sysroot/dev/hvc0 2>&1
	umount /sysroot/proc
}
exec switch_root /sysroot /sbin/init
