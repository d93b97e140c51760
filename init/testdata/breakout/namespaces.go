package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// namespaces leaves those that it is in, or makes others to have more rights there; and the groups.
func namespaces() []attack {
	list := []attack{
		{"join", join},
		{"user-namespace", func() (string, error) {
			return child("user-namespace", unix.CLONE_NEWUSER|unix.CLONE_NEWNS)
		}},
		{"mount-namespace", func() (string, error) { return child("mount-namespace", unix.CLONE_NEWNS) }},
		{"group-above", groupAbove},
		{"group-control", groupControl},
		{"release-agent", func() (string, error) {
			last := error(errNothing)
			for _, path := range glob("/sys/fs/cgroup", "release_agent") {
				how, err := opens(path)
				if err == nil {
					return how, nil
				}
				last = err
			}
			return "", last
		}},
		{"abstract-socket", abstract},
		{"type", typing},
	}
	return list
}

// join enters namespaces of the processes that it sees, where they are others.
func join() (string, error) {
	last := error(errNothing)
	all, _ := filepath.Glob("/proc/[0-9]*/ns/mnt")
	own, _ := os.Readlink("/proc/self/ns/mnt")
	for _, path := range all {
		if link, err := os.Readlink(path); err != nil || link == own {
			continue
		}
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			last = err
			continue
		}
		defer unix.Close(fd)
		return "opened " + path, nil
	}
	return "", last
}

// child makes namespaces in a process of its own, and there a mount.
func child(name string, kinds uintptr) (string, error) {
	c := exec.Command("/proc/self/exe", "idle")
	c.SysProcAttr = &unix.SysProcAttr{Unshareflags: kinds}
	if err := c.Run(); err != nil {
		return "", err
	}
	return "made one", nil
}

// groupAbove goes into a group above or beside its own.
func groupAbove() (string, error) {
	last := error(errNothing)
	b, _ := os.ReadFile("/proc/self/cgroup")
	for _, path := range glob("/sys/fs/cgroup", "cgroup.procs") {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			last = err
			continue
		}
		_, err = unix.Write(fd, []byte("0"))
		unix.Close(fd)
		if err != nil {
			last = err
			continue
		}
		if now, _ := os.ReadFile("/proc/self/cgroup"); string(now) != string(b) {
			return "entered " + path, nil
		}
	}
	return "", last
}

// groupControl finds a file by which groups are frozen, killed or limited.
func groupControl() (string, error) {
	last := error(errNothing)
	for _, name := range []string{"cgroup.freeze", "cgroup.kill", "memory.max", "pids.max", "cgroup.subtree_control", "tasks", "devices.allow"} {
		for _, path := range glob("/sys/fs/cgroup", name) {
			how, err := opens(path)
			if err == nil {
				return how, nil
			}
			last = err
		}
	}
	return "", last
}

// abstract connects to a socket of the machine that has no file.
func abstract() (string, error) {
	name := os.Getenv("HOST_NAME")
	if !strings.HasPrefix(name, "@") {
		return "", errNothing
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return "", err
	}
	return "connected", nil
}

// typing puts a character into the terminal that it was given, as if somebody had typed it (TIOCSTI(2const)).
func typing() (string, error) {
	x := byte('x')
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&x))); e != 0 {
		return "", e
	}
	return "typed", nil
}
