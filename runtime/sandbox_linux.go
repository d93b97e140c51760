package runtime

import (
	"golang.org/x/sys/unix"
)

// labels say who the process is to the security module once it executes. They
// are for the one who writes only, and /proc may be read-only later.
func (l *list) labels() {
	if s := l.spec.AppArmor; s != "" {
		l.as(AppArmorPart, func() {
			l.write("apparmor label", s, unix.AT_FDCWD, "/proc/self/attr/apparmor/exec", "exec "+s)
		})
	}
	if s := l.spec.SELinux; s != "" {
		l.as(SELinuxPart, func() {
			l.write("selinux label", s, unix.AT_FDCWD, "/proc/self/attr/exec", s)
		})
	}
}

// mounts make a mount namespace of the child's own, into which mounts of the
// host come, and out of which none goes, see mount_namespaces(7).
func (l *list) mounts() {
	s := l.spec
	if len(s.ReadOnly) == 0 && !s.PrivateTmp && !s.PrivateDevices {
		return
	}
	l.as(MountNamespacePart, func() {
		l.do("mount namespace", "", "unshare", unix.SYS_UNSHARE, unix.CLONE_NEWNS)
		l.do("mount namespace", "", "mount", unix.SYS_MOUNT, 0, "/", 0, unix.MS_REC|unix.MS_SLAVE, 0)
	})
	l.as(ReadOnlyPart, func() {
		for _, p := range s.ReadOnly {
			l.readOnly(p)
		}
	})
	if s.PrivateTmp {
		l.as(TmpPart, func() {
			for _, p := range []string{"/tmp", "/var/tmp"} {
				l.tmpfs("private tmp", p, unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
			}
		})
	}
	if s.PrivateDevices {
		l.as(DevicesPart, l.devices)
	}
}

// readOnly binds a path onto itself to have a mount to set the attribute of,
// with all that is mounted below it. The root is a mount, and a second one
// over it would not be seen.
func (l *list) readOnly(path string) {
	if path != "/" {
		l.do("read only", path, "mount", unix.SYS_MOUNT, path, path, 0, unix.MS_BIND|unix.MS_REC, 0)
	}
	attr := []uint64{unix.MOUNT_ATTR_RDONLY, 0, 0, 0}
	l.do("read only", path, "mount_setattr", unix.SYS_MOUNT_SETATTR, unix.AT_FDCWD, path, unix.AT_RECURSIVE, attr, 8*len(attr))
}

func (l *list) tmpfs(verb, path string, flags int, data string) {
	l.do(verb, path, "mount", unix.SYS_MOUNT, "tmpfs", path, "tmpfs", flags, data)
}

// devices make a /dev with those that any program may use, the numbers as of
// null(4), random(4) and tty(4). The umask comes later and is not in the way.
func (l *list) devices() {
	const verb = "private devices"
	l.do(verb, "", "umask", unix.SYS_UMASK, 0)
	l.tmpfs(verb, "/dev", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755,size=1m")
	for _, d := range []struct {
		path         string
		major, minor uint32
	}{
		{"/dev/full", 1, 7}, {"/dev/null", 1, 3}, {"/dev/random", 1, 8}, {"/dev/tty", 5, 0}, {"/dev/urandom", 1, 9}, {"/dev/zero", 1, 5},
	} {
		l.do(verb, d.path, "mknodat", unix.SYS_MKNODAT, unix.AT_FDCWD, d.path, unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor)))
	}
	for _, path := range []string{"/dev/pts", "/dev/shm"} {
		l.do(verb, path, "mkdirat", unix.SYS_MKDIRAT, unix.AT_FDCWD, path, 0o755)
	}
	l.do(verb, "/dev/pts", "mount", unix.SYS_MOUNT, "devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC,
		"newinstance,ptmxmode=0666,mode=0620")
	l.do(verb, "/dev/ptmx", "symlinkat", unix.SYS_SYMLINKAT, "pts/ptmx", unix.AT_FDCWD, "/dev/ptmx")
	l.tmpfs(verb, "/dev/shm", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
}
