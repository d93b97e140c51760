// Command stage1 is the init of the initramfs, as boards have one: it loads the drivers of the root disk, waits for
// the disk, mounts it and hands over to /sbin/init there with the kernel's arguments. It knows nothing of Orderly.
//
//	kernel ─► stage1: /proc /sys /dev ─► modules ─► root= ─► switch root ─► /sbin/init ARGS
//
// Kernel arguments: root=/dev/NAME or root=LABEL=NAME (without one, the initramfs stays the root), rootfstype=, ro, rw, init=, and stage1.agent=PATH, a program of
// the root disk that is started beside init.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	err := boot()
	fmt.Fprintf(os.Stderr, "stage1: %v\n", err)
	unix.Sync()
	// leaving would be a kernel panic, which says less
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	os.Exit(1)
}

// boot ends with an error, or not at all.
func boot() error {
	if err := mounts(); err != nil {
		return err
	}
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	args := parse(string(text))
	if err := loadModules(); err != nil {
		return err
	}
	if args.root != "" {
		if err := diskRoot(args); err != nil {
			return err
		}
	}
	startAgent(args.agent)
	argv := append([]string{args.init}, os.Args[1:]...)
	fmt.Printf("stage1: switching to %s at %v\n", args.init, sinceBoot())
	return fmt.Errorf("exec %s: %w", args.init, unix.Exec(args.init, argv, os.Environ()))
}

// diskRoot makes the root disk the root.
func diskRoot(args arguments) error {
	device, err := waitFor(args.root, 20*time.Second)
	if err != nil {
		return err
	}
	flags := uintptr(unix.MS_RDONLY)
	if args.writable {
		flags = 0
	}
	if err := os.MkdirAll("/root", 0o755); err != nil {
		return err
	}
	if err := unix.Mount(device, "/root", args.fstype, flags, ""); err != nil {
		return fmt.Errorf("mount %s on /root: %w", device, err)
	}
	return switchRoot()
}

// sinceBoot is the clock by which boot times are compared.
func sinceBoot() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return time.Duration(t.Nano())
}

func mounts() error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}} {
		if err := os.MkdirAll(m[1], 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	return nil
}

// loadModules loads the files that /modules names, in its order.
func loadModules() error {
	list, err := os.ReadFile("/modules")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, file := range strings.Fields(string(list)) {
		if err := load(file); err != nil {
			return fmt.Errorf("load %s: %w", file, err)
		}
	}
	return nil
}

func load(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	err = unix.FinitModule(int(f.Fd()), "", 0)
	// ENODEV: a driver for hardware that this machine has not, one of several that offer the same
	if errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// switchRoot moves /root to /, with the mounts of the kernel's file systems (switch_root(8)).
func switchRoot() error {
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if err := unix.Mount(dir, "/root"+dir, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", dir, err)
		}
	}
	if err := unix.Chdir("/root"); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// startAgent starts a program that is no business of init: its only tie is that init reaps it.
func startAgent(path string) {
	if path == "" {
		return
	}
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err == nil {
		fd := null.Fd()
		_, err = syscall.ForkExec(path, []string{path}, &syscall.ProcAttr{
			Files: []uintptr{fd, fd, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
		})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "stage1: start %s: %v\n", path, err)
	}
}
