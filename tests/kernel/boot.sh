#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command on another kernel: boots KERNEL_ROOT (where a Debian linux-image package was
# extracted) in qemu without KVM, with this machine's root file system over 9p, read-only but for
# a tmpfs on /run, where TMPDIR is. Prints what the command prints; exits as it does (124: no answer
# in time).
#
#     KERNEL_ROOT=build/kernel tests/kernel/boot.sh COMMAND [ARGUMENT]...
set -eu

root=${KERNEL_ROOT:?where a linux-image package was extracted}
limit=${KERNEL_TIMEOUT:-600}
modules=$(echo "$root"/lib/modules/*)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In an order in which each finds what it needs.
wanted='virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
	netfs fscache 9pnet 9pnet_virtio 9p
	llc stp bridge veth tun sch_ingress cls_bpf'

mkdir -p "$work/fs/bin" "$work/fs/modules" "$work/fs/root"
cp "$(command -v busybox)" "$work/fs/bin/busybox"
for name in $wanted; do
	file=$(find "$modules" -name "$name.ko" | head -n 1)
	[ -z "$file" ] || cp "$file" "$work/fs/modules/"
done

quoted=
for word in "$@"; do
	quoted="$quoted '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"
done
cat >"$work/fs/init" <<INIT
#!/bin/busybox sh
b=/bin/busybox
\$b mkdir -p /proc /dev
\$b mount -t proc proc /proc
\$b mount -t devtmpfs dev /dev
for name in $(echo $wanted); do
	[ ! -f /modules/\$name.ko ] || \$b insmod /modules/\$name.ko
done
\$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro root /root || exec \$b poweroff -f
cd /root
\$b mount -t proc proc proc
\$b mount -t sysfs sys sys
\$b mount -t devtmpfs dev dev
\$b mount -t bpf bpf sys/fs/bpf
\$b mount -t tmpfs tmp run
\$b mkdir -p run/netns run/tmp
\$b ip link set lo up
\$b chroot /root /bin/sh -c 'cd "\$0" && exec "\$@"' '$PWD' /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/tmp TMPDIR=/run/tmp $quoted </dev/null
echo "boot.sh: exit \$?"
exec \$b poweroff -f
INIT
chmod +x "$work/fs/init"
(cd "$work/fs" && find . | cpio -o -H newc --quiet) >"$work/initrd"

timeout "$limit" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
	-machine accel=tcg -cpu max -smp 2 -m 2G -serial stdio -monitor none \
	-kernel "$(echo "$root"/boot/vmlinuz-*)" -initrd "$work/initrd" \
	-append 'console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off' \
	-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=root,mount_tag=root \
	</dev/null 2>&1 | tr -d '\r' >"$work/out" || true
grep -v '^boot.sh: exit ' "$work/out" || true
status=$(sed -n 's/^boot.sh: exit //p' "$work/out")
exit "${status:-124}"
