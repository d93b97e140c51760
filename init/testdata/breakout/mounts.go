package main

import (
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mounts takes protections away, or makes file systems of its own.
func mounts() []attack {
	list := []attack{
		{"unmask", unmask},
		{"remount", remount},
		{"remount-root", func() (string, error) {
			if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, ""); err != nil {
				return "", err
			}
			return "the root is as it was, writable", nil
		}},
		{"bind", func() (string, error) { return mountOn("/", "", unix.MS_BIND) }},
		{"tree", func() (string, error) {
			fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
			if err != nil {
				return "", err
			}
			unix.Close(fd)
			return "took a copy of the root", nil
		}},
		{"fsopen", func() (string, error) {
			fd, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
			if err != nil {
				return "", err
			}
			unix.Close(fd)
			return "opened a file system", nil
		}},
		{"attributes", func() (string, error) {
			attr := unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
			if err := unix.MountSetattr(unix.AT_FDCWD, "/proc/sys", 0, &attr); err != nil {
				return "", err
			}
			return "/proc/sys is writable", nil
		}},
		{"pivot", func() (string, error) {
			_, _, e := unix.RawSyscall(unix.SYS_PIVOT_ROOT, text("/"), text("/"), 0)
			return refused(e)
		}},
	}
	for _, kind := range []string{"proc", "sysfs", "cgroup2", "tmpfs", "devpts", "overlay", "debugfs", "tracefs", "securityfs", "mqueue", "bpf", "devtmpfs", "binfmt_misc"} {
		list = append(list, attack{"mount-" + kind, func() (string, error) { return mountOn(kind, kind, 0) }})
	}
	return list
}

func text(s string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(s + "\x00"))) }

// mountOn mounts on a directory of its own, and takes it away.
func mountOn(source, kind string, flags uintptr) (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	data := ""
	if kind == "overlay" {
		data = "lowerdir=/dev/shm:/dev"
	}
	if err := unix.Mount(source, dir, kind, flags, data); err != nil {
		return "", err
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	return "mounted on " + dir, nil
}

// unmask takes away what hides a file or a directory.
func unmask() (string, error) {
	last := error(errNothing)
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/acpi", "/proc/scsi", "/sys/firmware", "/proc/sys", "/proc/sysrq-trigger"} {
		if err := unix.Unmount(path, unix.MNT_DETACH); err == nil {
			return "unmounted from " + path, nil
		} else if err != unix.ENOENT && err != unix.EINVAL {
			last = err
		}
	}
	return "", last
}

// remount makes what is read-only writable.
func remount() (string, error) {
	last := error(errNothing)
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[3], "ro") {
			continue
		}
		if err := unix.Mount("", words[1], "", unix.MS_REMOUNT|unix.MS_BIND, ""); err != nil {
			last = err
			continue
		}
		return words[1] + " is writable", nil
	}
	return "", last
}

// glob is every file of a name below a directory, as far as one may look.
func glob(dir, name string) []string {
	var list []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == name {
			list = append(list, path)
		}
		return nil
	})
	return list
}
