package watchdog

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is an open watchdog: it resets the machine when it is not fed within its time-out.
type Device struct {
	Path     string
	Identity string // as the driver calls it
	NoWayOut bool   // cannot be disarmed
	Reset    bool   // the machine was last reset by it (WDIOF_CARDRESET)
	Timeout  time.Duration

	calls calls
	fd    int
}

// calls are what is asked of the kernel; a test has others.
type calls struct {
	open       func(path string) (fd int, err error)
	info       func(fd int) (*unix.WatchdogInfo, error)
	bootStatus func(fd int) (int, error)
	timeout    func(fd int) (seconds int, err error)
	setTimeout func(fd, seconds int) (taken int, err error)
	feed       func(fd int) error
	write      func(fd int, b []byte) (int, error)
	close      func(fd int) error
}

func kernel() calls {
	return calls{
		open: func(path string) (int, error) {
			return unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		},
		info:       unix.IoctlGetWatchdogInfo,
		bootStatus: func(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.WDIOC_GETBOOTSTATUS) },
		timeout:    func(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.WDIOC_GETTIMEOUT) },
		setTimeout: func(fd, seconds int) (int, error) {
			// WDIOC_SETTIMEOUT is _IOWR('W', 6, int): what was taken is written back
			taken := int32(seconds)
			_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.WDIOC_SETTIMEOUT, uintptr(unsafe.Pointer(&taken)))
			if errno != 0 {
				return 0, errno
			}
			return int(taken), nil
		},
		feed:  unix.IoctlWatchdogKeepalive,
		write: unix.Write,
		close: unix.Close,
	}
}

// Open opens a watchdog, which arms it, and feeds it at once with the time-out that it has. unix.ENOENT wrapped is a
// device that is not there yet, unix.EBUSY one that somebody else has open.
func Open(path string) (*Device, error) { return open(path, kernel()) }

func open(path string, k calls) (*Device, error) {
	fd, err := k.open(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return take(path, fd, k)
}

// Take is Open of a device that this process has open already, under a descriptor that it owns.
func Take(path string, fd int) (*Device, error) { return take(path, fd, kernel()) }

func take(path string, fd int, k calls) (*Device, error) {
	d := &Device{Path: path, calls: k, fd: fd, NoWayOut: readNumber(path, "nowayout") != 0}
	if err := d.Feed(); err != nil {
		k.close(fd)
		return nil, err
	}
	if info, err := k.info(fd); err == nil {
		d.Identity = unix.ByteSliceToString(info.Identity[:])
	}
	if status, err := k.bootStatus(fd); err == nil {
		d.Reset = status&unix.WDIOF_CARDRESET != 0
	}
	if seconds, err := k.timeout(fd); err == nil {
		d.Timeout = time.Duration(seconds) * time.Second
	}
	return d, nil
}

// Above is the watchdog of a service manager above us, which feed tells that all is well.
func Above(timeout time.Duration, feed func() error) *Device {
	return &Device{
		Path: "service manager", Identity: "WATCHDOG_USEC", Timeout: timeout, fd: -1,
		calls: calls{
			feed:  func(int) error { return feed() },
			write: func(_ int, b []byte) (int, error) { return len(b), nil },
			close: func(int) error { return nil },
		},
	}
}

// FD is the open device; -1 is a service manager.
func (d *Device) FD() int { return d.fd }

// Feed tells the watchdog that all is well.
func (d *Device) Feed() error {
	err := d.calls.feed(d.fd)
	if err == unix.ENOTTY || err == unix.EOPNOTSUPP { // an old driver: any byte but V feeds it too
		_, err = d.calls.write(d.fd, []byte{0})
	}
	return wrap("feed "+d.Path, err)
}

// SetTimeout asks for a time-out; Timeout is then what the driver took. One that the driver refuses is brought to the
// nearest that it allows, as far as sysfs tells.
func (d *Device) SetTimeout(want time.Duration) error {
	seconds := int(want / time.Second)
	taken, err := d.calls.setTimeout(d.fd, seconds)
	if errors.Is(err, unix.EINVAL) {
		if near := d.nearest(seconds); near != seconds {
			taken, err = d.calls.setTimeout(d.fd, near)
		}
	}
	if err != nil {
		return wrap(fmt.Sprintf("set the time-out of %s to %v", d.Path, want), err)
	}
	d.Timeout = time.Duration(taken) * time.Second
	return nil
}

// nearest is the time-out next to one that was refused.
func (d *Device) nearest(seconds int) int {
	low, high := readNumber(d.Path, "min_timeout"), readNumber(d.Path, "max_timeout")
	switch {
	case low > 0 && seconds < low:
		return low
	case high > 0 && seconds > high:
		return high
	}
	return seconds
}

// Disarm switches the watchdog off and closes it. One with nowayout stays armed, and must be fed by somebody else.
func (d *Device) Disarm() error {
	_, err := d.calls.write(d.fd, []byte("V")) // the magic character
	return wrap("disarm "+d.Path, errors.Join(err, d.calls.close(d.fd)))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
