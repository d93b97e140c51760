package seccomp

import "golang.org/x/sys/unix"

// PlainTCP are rules that leave of TCP what Landlock looks at: bind(2) and
// connect(2) of a socket of plain TCP. Other ways to the same ports fail as on a
// kernel that does not have them, so that programs fall back: sockets of MPTCP
// and of SMC, or a TCP socket made one of SMC (TCP_ULP, which is kernel TLS
// too); TCP fast open, which connects in a send; and io_uring, which makes
// sockets past every filter.
func PlainTCP() []Rule {
	refuse := func(errno unix.Errno, name string, conditions ...Condition) Rule {
		return Rule{Names: []string{name}, Action: Errno(uint32(errno)), If: conditions}
	}
	fast := func(index int) Condition {
		return Condition{Index: index, Compare: Masked, Mask: unix.MSG_FASTOPEN, Value: unix.MSG_FASTOPEN}
	}
	return []Rule{
		refuse(unix.EPROTONOSUPPORT, "socket", is(0, unix.AF_INET), is(2, unix.IPPROTO_MPTCP)),
		refuse(unix.EPROTONOSUPPORT, "socket", is(0, unix.AF_INET6), is(2, unix.IPPROTO_MPTCP)),
		refuse(unix.EPROTONOSUPPORT, "socket", is(0, unix.AF_INET), is(2, unix.IPPROTO_SMC)),
		refuse(unix.EPROTONOSUPPORT, "socket", is(0, unix.AF_INET6), is(2, unix.IPPROTO_SMC)),
		refuse(unix.EAFNOSUPPORT, "socket", is(0, unix.AF_SMC)),
		refuse(unix.ENOENT, "setsockopt", is(1, unix.IPPROTO_TCP), is(2, unix.TCP_ULP)),
		refuse(unix.EOPNOTSUPP, "sendto", fast(3)),
		refuse(unix.EOPNOTSUPP, "sendmsg", fast(2)),
		refuse(unix.EOPNOTSUPP, "sendmmsg", fast(3)),
		refuse(unix.ENOSYS, "io_uring_setup"),
	}
}

// is compares an argument that is an int: the kernel does not look at its upper
// half, nor must a filter.
func is(index int, value uint64) Condition {
	return Condition{Index: index, Compare: Masked, Mask: 0xffffffff, Value: value}
}
