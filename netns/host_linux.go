package netns

import (
	"errors"
	"fmt"
	"os"
	goruntime "runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Host is the network namespace in which networks are made. The zero value is that of the process.
type Host struct {
	Namespace *os.File // stays the caller's
}

// links calls f with the links of the Host.
func (h Host) links(f func(*netlink.Handle) error) error {
	return h.inside(func() error { return withLinks(f) })
}

// inside calls f on a thread that is in the Host's namespace.
func (h Host) inside(f func() error) error {
	if h.Namespace == nil {
		return f()
	}
	return Inside(h.Namespace, f)
}

func withLinks(f func(*netlink.Handle) error) error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open rtnetlink: %w", err)
	}
	defer h.Close()
	return f(h)
}

// Inside calls f on a thread that is in a network namespace. The thread ends with it: no other goroutine ever runs
// on a thread that has been elsewhere.
func Inside(namespace *os.File, f func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace: %w", os.NewSyscallError("setns", err))
		}
		return f()
	})
}

// apart calls f on a thread of its own, which ends with it. The main thread never ends, and /proc/self is about it:
// when a goroutine finds itself there, it stays while another takes a second thread.
func apart(f func() error) error {
	done := make(chan error, 1)
	go func() {
		goruntime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- apart(f)
			goruntime.UnlockOSThread()
			return
		}
		done <- f() // the thread is never unlocked, so it ends with the goroutine (runtime.LockOSThread)
	}()
	return <-done
}

// New makes a network namespace with nothing in it but the loopback, which is up. The descriptor is the caller's.
func New() (*os.File, error) {
	var namespace *os.File
	err := apart(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", os.NewSyscallError("unshare", err))
		}
		if err := withLinks(bringUp); err != nil {
			return err
		}
		settle()
		namespace, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return namespace, err
}

func bringUp(h *netlink.Handle) error {
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.LinkSetUp(lo)
	}
	return failed("link", "lo", err)
}

// settle makes up for that a user namespace of a member has no power over the namespace: low ports and ping are
// for everybody in it (ip-sysctl.rst).
func settle() {
	_ = sysctl("net/ipv4/ip_unprivileged_port_start", "0")
	_ = sysctl("net/ipv4/ping_group_range", "0 2147483647")
}

// failed says what a step was about. Where the kernel does not know of a thing at all, a module may be missing.
func failed(step, object string, err error, modules ...string) error {
	if err == nil {
		return nil
	}
	hint := ""
	if unsupported(err) && len(modules) > 0 {
		hint = " (module " + modules[0]
		for _, m := range modules[1:] {
			hint += ", " + m
		}
		hint += "?)"
	}
	return fmt.Errorf("%s %s: %w%s", step, object, err, hint)
}

// unsupported are the answers of rtnetlink and nf_tables for kinds of objects that they do not know.
func unsupported(err error) bool {
	for _, e := range []error{unix.EOPNOTSUPP, unix.ENOENT, unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// whole repeats a list call that another change cut short (netlink.ErrDumpInterrupted), a few times.
func whole[T any](list func() (T, error)) (T, error) {
	for range 8 {
		if got, err := list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return got, err
		}
	}
	return list()
}
