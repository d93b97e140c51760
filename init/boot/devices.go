package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// device is a character device that every program may count on (Documentation/admin-guide/devices.txt).
type device struct {
	name         string
	major, minor uint32
	mode         uint32
}

func (d device) String() string {
	return fmt.Sprintf("/dev/%s c %d:%d %04o", d.name, d.major, d.minor, d.mode)
}

// defaultDevices are made where the kernel has no devtmpfs.
func defaultDevices() []device {
	return []device{
		{"null", 1, 3, 0o666},
		{"zero", 1, 5, 0o666},
		{"full", 1, 7, 0o666},
		{"random", 1, 8, 0o666},
		{"urandom", 1, 9, 0o666},
		{"kmsg", 1, 11, 0o644},
		{"tty", 5, 0, 0o666},
		{"console", 5, 1, 0o600},
		{"ptmx", 5, 2, 0o666},
	}
}

// link is a symbolic link in /dev.
type link struct{ name, to string }

func (l link) String() string { return l.name + " -> " + l.to }

// defaultLinks are those that devtmpfs does not have.
func defaultLinks() []link {
	return []link{
		{"/dev/fd", "/proc/self/fd"},
		{"/dev/stdin", "/proc/self/fd/0"},
		{"/dev/stdout", "/proc/self/fd/1"},
		{"/dev/stderr", "/proc/self/fd/2"},
	}
}

// makeDevices fills a /dev for which there is no devtmpfs. An image that comes with device nodes keeps them. Where nothing can be
// mounted they are made in the directory itself: without /dev/null no component starts.
func makeDevices() error {
	if isDevice("/dev/null") {
		return nil
	}
	all := wrap("mount tmpfs on /dev", unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=0755"))
	if all != nil && unix.Mount("ramfs", "/dev", "ramfs", unix.MS_NOSUID, "") == nil {
		all = nil // every kernel has it
	}
	for _, d := range defaultDevices() {
		err := unix.Mknod("/dev/"+d.name, unix.S_IFCHR|d.mode, int(unix.Mkdev(d.major, d.minor)))
		if err != nil && err != unix.EEXIST {
			all = errors.Join(all, fmt.Errorf("make %v: %w", d, err))
		}
	}
	return all
}

func isDevice(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR
}

func linkDevices() error {
	var all error
	for _, l := range defaultLinks() {
		if err := os.Symlink(l.to, l.name); err != nil && !errors.Is(err, os.ErrExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// openStandard gives PID 1 its descriptors 0 to 2. The kernel leaves them closed where it has no /dev/console yet;
// Go's runtime has then put /dev/null there, or init/entry_*.s the root directory. In a container /dev/null is what was meant.
func openStandard(machine bool) error {
	missing := machine
	for fd := range 3 {
		missing = missing && !isOpen(fd)
	}
	if missing {
		return openConsole()
	}
	for fd := range 3 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			continue
		}
		if err := put("/dev/null", fd, unix.O_RDWR); err != nil {
			return err
		}
	}
	return nil
}

// isOpen reports whether a descriptor leads anywhere but to the null device or a directory.
func isOpen(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return false
	}
	return st.Mode&unix.S_IFMT != unix.S_IFCHR || uint64(st.Rdev) != unix.Mkdev(1, 3)
}

func openConsole() error {
	// a serial line may wait for a carrier at open; not to wait is O_NONBLOCK, which then goes (termios(3), CLOCAL)
	err := put("/dev/console", 0, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK)
	if err == nil {
		unix.FcntlInt(0, unix.F_SETFL, unix.O_RDWR)
	} else if null := put("/dev/null", 0, unix.O_RDWR); null != nil {
		return errors.Join(err, null)
	}
	return errors.Join(err, copyTo(0, 1), copyTo(0, 2))
}

// put opens a path as a certain descriptor.
func put(path string, fd, flags int) error {
	n, err := unix.Open(path, flags, 0)
	if err != nil {
		return wrap("open "+path, err)
	}
	if n == fd {
		return nil
	}
	defer unix.Close(n)
	return copyTo(n, fd)
}

func copyTo(from, to int) error {
	return wrap(fmt.Sprintf("descriptor %d", to), unix.Dup3(from, to, 0))
}
