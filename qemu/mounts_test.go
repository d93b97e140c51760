package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
)

// unwilling has a mount for each way not to come about, between two that do.
const unwilling = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console"]
mounts = [
	{ source = "/dev/loop0", target = "/first", type = "ext4", fsck = true },
	{ source = "/dev/mapper/held", target = "/held", type = "ext4" },
	{ source = "/dev/mapper/held", target = "/unchecked", type = "ext4", fsck = true },
	{ source = "/dev/loop1", target = "/asks", type = "ext4", fsck = true },
	{ source = "/dev/loop2", target = "/console", type = "ext4", fsck = true },
	{ source = "/dev/loop3", target = "/broken", type = "ext4", fsck = true },
	{ source = "/dev/loop4", target = "/last", type = "ext4", fsck = true },
]
[component.agent]
command = ["/sbin/agent"]
[target.main]
depends_on = ["agent"]
`

// disksFirst makes the disks, one of which lets nothing through.
const disksFirst = `
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
busybox modprobe loop
busybox modprobe dm_mod
for n in 0 1 2 3 4 5; do
	dd if=/dev/zero of=/image$n bs=1M count=1 2>/dev/null
	busybox losetup /dev/loop$n /image$n
	busybox mke2fs /dev/loop$n > /dev/null
done
mkdir -p /dev/mapper
test -e /dev/mapper/control || mknod /dev/mapper/control c 10 $(sed -n 's/ device-mapper//p' /proc/misc)
trouble map held /dev/loop5
trouble suspend held
exec /sbin/init
`

// checker is a fsck that asks, and does not take no answer for one.
const checker = `#!/bin/sh
case $2 in
/dev/loop1) until read answer; do sleep 1; done ;;
/dev/loop2) read answer < /dev/console ;;
/dev/loop3) exit 4 ;;
/dev/mapper/held) dd if=$2 of=/dev/null bs=4k count=1 ;;
esac
`

// A disk that does not answer, to mount(2) or to fsck; a fsck that asks, whoever it asks; and one that could not correct all: each has its
// time, is told and not mounted, nobody has to press a key, and all else is mounted. The manager
// can be replaced, and the machine ends, though the disk goes on to hang. Idle time of the guest is skipped.
func TestMountsThatDoNotComeAbout(t *testing.T) {
	fsck := []cpio.Entry{cpio.File("sbin/fsck.ext4", 0o755, []byte(checker))}
	o := troubledWith(t, systems()[0], "unwilling", disksFirst, unwilling, []string{"loop", "dm_mod"}, fsck, "rdinit=/early")
	o.Clock = guest.CountSkipping
	m := boot(t, o)
	m.reaches("main")
	for _, told := range []string{
		"mount /held: /dev/mapper/held, ext4: no answer within 1m30s",
		"mount /unchecked: /sbin/fsck.ext4 /dev/mapper/held: not done within 5m0s: killed; not mounted",
		"mount /asks: /sbin/fsck.ext4 /dev/loop1: not done within 5m0s: killed; not mounted",
		"mount /console: /sbin/fsck.ext4 /dev/loop2: not done within 5m0s: killed; not mounted",
		"mount /broken: /sbin/fsck.ext4 /dev/loop3: exit 4: errors are left; not mounted",
	} {
		m.noted(told)
		if !strings.Contains(m.Console(), told) {
			t.Errorf("the console says nothing of %q", told)
		}
	}
	if got := m.sh("sed -n 's/.* \\(.*\\) ext4 .*/\\1/p' /proc/mounts"); got != "/first\n/last\n" {
		t.Errorf("mounted is %q", got)
	}
	settled := m.await("main", func(e event) bool { return e.Target == "main" && e.To == "settled" })
	if s := settled.TimeMS / 1000; s < 990 || s > 1020 {
		t.Errorf("main came up after %.1f s of the guest's time", s)
	}
	m.sh("kill -9 $(pidof orderly-manager)")
	m.expect("the manager was started again")
	m.run("orderly", "upgrade", "/sbin/init")
	m.expect("upgrade: the keeper is the new program too")
	m.powerOff()
}
