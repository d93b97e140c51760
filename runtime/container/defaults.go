package container

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// usual are the mounts that every container has. What is of a namespace that it shares with the machine is the
// machine's, and cannot be changed.
func (k *kind) usual() []runtime.Mounting {
	const quiet = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV
	list := []runtime.Mounting{
		{Source: "proc", Target: "/proc", Type: "proc", Flags: quiet},
		{Source: "tmpfs", Target: "/dev", Type: "tmpfs", Flags: unix.MS_NOSUID | unix.MS_NOEXEC, Data: "mode=0755,size=64k"},
		{Source: "devpts", Target: "/dev/pts", Type: "devpts", Flags: unix.MS_NOSUID | unix.MS_NOEXEC, Data: k.ptsOptions()},
		{Source: "shm", Target: "/dev/shm", Type: "tmpfs", Flags: quiet, Data: "mode=1777,size=64m"},
	}
	if k.Kinds&unix.CLONE_NEWIPC != 0 {
		list = append(list, runtime.Mounting{Source: "mqueue", Target: "/dev/mqueue", Type: "mqueue", Flags: quiet})
	}
	return append(list, k.sys()...)
}

// ptsOptions leave the group of terminals out where a user namespace may not have it.
func (k *kind) ptsOptions() string {
	options := "newinstance,ptmxmode=0666,mode=0620"
	if inside(k.GIDs, ttyGroup) {
		options += ",gid=5"
	}
	return options
}

// ttyGroup is the group of terminals on every distribution.
const ttyGroup = 5

// inside reports whether a map has an id; none has all.
func inside(maps []runtime.IDMap, id uint32) bool {
	for _, m := range maps {
		if id >= m.Inside && id-m.Inside < m.Size {
			return true
		}
	}
	return maps == nil
}

// sys is /sys: a new one belongs to a network namespace, and only the owner of that may mount it. Who is not, in a user
// namespace with the machine's network, has the machine's, with all that is mounted there.
func (k *kind) sys() []runtime.Mounting {
	const quiet = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV | unix.MS_RDONLY
	list := []runtime.Mounting{{Source: "sysfs", Target: "/sys", Type: "sysfs", Flags: quiet}}
	if k.Kinds&unix.CLONE_NEWNET == 0 && k.Kinds&unix.CLONE_NEWUSER != 0 {
		list[0] = runtime.Mounting{
			Source: "/sys", Target: "/sys", Bind: true, Recursive: true,
			Set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
		}
	}
	if k.Kinds&unix.CLONE_NEWCGROUP != 0 && list[0].Type == "sysfs" {
		list = append(list, runtime.Mounting{Source: "cgroup2", Target: "/sys/fs/cgroup", Type: "cgroup2", Flags: quiet})
	}
	return list
}

// UsualLinks are those of a /dev.
func UsualLinks() []runtime.Link {
	return []runtime.Link{
		{Target: "pts/ptmx", Path: "/dev/ptmx"}, {Target: "/proc/self/fd", Path: "/dev/fd"}, {Target: "/proc/self/fd/0", Path: "/dev/stdin"},
		{Target: "/proc/self/fd/1", Path: "/dev/stdout"}, {Target: "/proc/self/fd/2", Path: "/dev/stderr"},
	}
}

// UsualDevices are the devices that any program may use: the numbers are those of null(4), random(4) and tty(4).
func UsualDevices() []runtime.Node {
	var list []runtime.Node
	for _, d := range []struct {
		path         string
		major, minor uint32
	}{
		{"/dev/full", 1, 7}, {"/dev/null", 1, 3}, {"/dev/random", 1, 8}, {"/dev/tty", 5, 0}, {"/dev/urandom", 1, 9}, {"/dev/zero", 1, 5},
	} {
		list = append(list, runtime.Node{Path: d.path, Mode: unix.S_IFCHR | 0o666, Major: d.major, Minor: d.minor})
	}
	return list
}

// UsualAccess lets a container use those, and its own terminals (pts(4)); and make them, once more.
func UsualAccess() []runtime.DeviceAccess {
	list := []runtime.DeviceAccess{{Type: 'c', Major: 5, Minor: 2, Access: "rwm"}, {Type: 'c', Major: 136, Minor: -1, Access: "rwm"}}
	for _, n := range UsualDevices() {
		list = append(list, accessOf(&n, "rwm"))
	}
	return list
}

// UsualMasked are the paths that show or do what is the machine's; UsualReadOnly those by which it could be changed. Both are
// what container engines agree on.
func UsualMasked() []string {
	return []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
}

// UsualReadOnly is told with UsualMasked.
func UsualReadOnly() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
