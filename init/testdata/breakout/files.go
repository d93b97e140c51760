package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// files looks for the file systems of the machine.
func files() []attack {
	list := []attack{
		{"above", func() (string, error) { return hostBelow(unix.AT_FDCWD, "/..") }},
		{"chroot", chroot},
		{"links", links},
		{"handle", handle},
		{"descriptors", descriptors},
		{"null", null},
		{"binary", starter},
	}
	return append(list, writable("")...)
}

// writable tries the files by which the machine as a whole is changed; once more when the masks may be gone.
func writable(suffix string) (list []attack) {
	for name, path := range map[string]string{
		"core-pattern": "/proc/sys/kernel/core_pattern", "modprobe": "/proc/sys/kernel/modprobe", "sysrq": "/proc/sysrq-trigger",
		"uevent-helper": "/sys/kernel/uevent_helper", "binfmt": "/proc/sys/fs/binfmt_misc/register", "power": "/sys/power/state",
		"panic": "/proc/sys/kernel/panic", "oom-up": "/proc/sys/vm/panic_on_oom", "hotplug": "/proc/sys/kernel/hotplug",
		"irq": "/proc/irq/default_smp_affinity", "memory-file": "/dev/mem", "kernel-core": "/proc/kcore",
		"planted": "/planted", // a device file that whoever made the root has put there
	} {
		list = append(list, attack{name + suffix, func() (string, error) { return opens(path) }})
	}
	return list
}

// opens opens for writing, and writes nothing.
func opens(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3) {
		return "", fmt.Errorf("masked")
	}
	return "writable " + path, nil
}

// hostBelow looks for the machine's file below a directory.
func hostBelow(dir int, path string) (string, error) {
	name := os.Getenv("HOST_FILE")
	if name == "" {
		return "", errNothing
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dir, path+name, &st, 0); err != nil {
		return "", err
	}
	return path + name, nil
}

// chroot goes up from a directory that is outside of a new root.
func chroot() (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	back, err := unix.Open("/", unix.O_PATH, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(back)
	if err := unix.Chroot(dir); err != nil {
		return "", err
	}
	defer func() {
		unix.Fchdir(back)
		unix.Chroot(".")
	}()
	unix.Fchdir(fd)
	for range 64 {
		unix.Chdir("..")
	}
	return hostBelow(unix.AT_FDCWD, ".")
}

// scratch is a directory that can be written to.
func scratch() (string, error) {
	for _, dir := range []string{"", "/dev/shm", "/", "/tmp"} {
		if name, err := os.MkdirTemp(dir, "breakout"); err == nil {
			return name, nil
		}
	}
	return "", unix.EROFS
}

// links goes through what /proc says of every process.
func links() (string, error) {
	all, _ := filepath.Glob("/proc/[0-9]*/root")
	more, _ := filepath.Glob("/proc/[0-9]*/cwd")
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	last := error(errNothing)
	for _, p := range append(append(all, more...), fds...) {
		for up := "/"; len(up) < 40; up += "../" {
			how, err := hostBelow(unix.AT_FDCWD, p+up)
			if err == nil {
				return how, nil
			}
			last = err
		}
	}
	return "", last
}

// handle opens the root of the file system by its inode, which is 2 on ext4 (open_by_handle_at(2)).
func handle() (string, error) {
	at, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(at)
	inode := make([]byte, 8)
	binary.NativeEndian.PutUint32(inode, 2)
	fd, err := unix.OpenByHandleAt(at, unix.NewFileHandle(1, inode), unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return "opened the root by its inode", nil
}

// descriptors looks for one that leads out: a directory, or a file that is on none of its own mounts.
func descriptors() (string, error) {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return "", err
	}
	for _, n := range names {
		fd, _ := strconv.Atoi(n.Name())
		var st unix.Stat_t
		link, err := os.Readlink("/proc/self/fd/" + n.Name())
		if err != nil || unix.Fstat(fd, &st) != nil || link == "/proc/"+strconv.Itoa(os.Getpid())+"/fd" {
			continue
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR, unix.S_IFBLK:
			return n.Name() + " is " + link, nil
		case unix.S_IFSOCK, unix.S_IFREG:
			return n.Name() + " is " + link, nil
		}
	}
	return "", errNothing
}

// null changes the times of what it was given as its standard input, and of what hides files: on the machine they change too.
func null() (string, error) {
	var own, st unix.Stat_t
	if err := unix.Stat("/dev", &own); err != nil {
		return "", err
	}
	for fd := range 3 {
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Dev != own.Dev && unix.Fchmod(fd, st.Mode&0o777) == nil {
			return fmt.Sprintf("changed the mode of %d, which is the machine's", fd), nil
		}
	}
	for _, path := range []string{"/proc/timer_list", "/proc/keys", "/proc/interrupts", "/proc/kcore"} {
		if unix.Stat(path, &st) == nil && st.Rdev == unix.Mkdev(1, 3) && unix.Chmod(path, 0o666) == nil {
			return "changed the mode of what hides " + path, nil
		}
	}
	return "", errNothing
}

// starter looks for a second whether a program that comes is executed from a file that is not the container's, and can be changed, and
// until one comes where it is asked for by name: as the interpreter "/proc/self/exe" of a script that is what started the container.
func starter() (string, error) {
	refused := error(errNothing)
	var own, st unix.Stat_t
	if err := unix.Stat("/proc/self/exe", &own); err != nil {
		return "", err
	}
	last := time.Second
	if len(os.Args) > 1 {
		last = 15 * time.Second
	}
	for begin := time.Now(); time.Since(begin) < time.Second || refused == errNothing && time.Since(begin) < last; {
		all, _ := filepath.Glob("/proc/[0-9]*/exe")
		for _, exe := range all {
			fd, err := unix.Open(exe, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				continue
			}
			if unix.Fstat(fd, &st) == nil && st.Ino != own.Ino {
				if refused = unix.Fchmod(fd, st.Mode&0o7777); refused == nil {
					return "changed the mode of " + exe, nil
				}
			}
			unix.Close(fd)
		}
	}
	return "", refused
}
