package ready

import (
	"os"

	"golang.org/x/sys/unix"
)

// WatchLinks returns a descriptor that becomes readable when a network interface comes, goes or changes (rtnetlink(7),
// RTMGRP_LINK); then call DrainLinks and look again. The caller closes it.
func WatchLinks() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

// linksBudget bounds the messages that are read at a time.
const linksBudget = 64

// DrainLinks throws away what the kernel told. What it says is of no interest: some of it may have been lost (ENOBUFS), so the
// interfaces are looked at anyway.
func DrainLinks(fd int) {
	var buf [4096]byte
	for range linksBudget {
		if _, err := unix.Read(fd, buf[:]); err != nil && err != unix.EINTR && err != unix.ENOBUFS {
			return
		}
	}
}

// LinkUp says whether a network interface exists and is up, as by `ip link set up` (netdevice(7), IFF_UP). Where it does not, the
// error says why; unix.ENODEV is that there is none.
func LinkUp(name string) (bool, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return false, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT { // a kernel without IPv4
		fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return false, err
	}
	return ifr.Uint16()&unix.IFF_UP != 0, nil
}
