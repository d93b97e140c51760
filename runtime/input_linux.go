package runtime

import "golang.org/x/sys/unix"

// input keeps the process, and all that it starts, from putting characters into
// the terminal that it has from the caller, as if they were typed: who types
// there next is a shell of the caller's, see TIOCSTI(2const). It is a filter of
// system calls of its own, while the child has the right to that.
func (l *list) input() {
	if l.spec.NoInput {
		l.do("terminal", "no input", "seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, inputFilter())
	}
}

// inputFilter refuses ioctl(2) with TIOCSTI and TIOCLINUX, by the numbers that
// the call has on all our architectures, 32-bit programs included, and allows
// all else.
func inputFilter() Code {
	const (
		load, equal, result = 0x20, 0x15, 0x06 // BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
		number, request     = 0, 24            // in struct seccomp_data, little-endian
		tioclinux           = 0x541c
		ioctl32, ioctlX32   = 54, 0x40000000 + 514
	)
	instruction := func(code, yes, no, k uint64) uint64 { return code | yes<<16 | no<<24 | k<<32 }
	return Code{
		instruction(load, 0, 0, request),
		instruction(equal, 1, 0, unix.TIOCSTI),
		instruction(equal, 0, 4, tioclinux),
		instruction(load, 0, 0, number),
		instruction(equal, 3, 0, unix.SYS_IOCTL),
		instruction(equal, 2, 0, ioctl32),
		instruction(equal, 1, 0, ioctlX32),
		instruction(result, 0, 0, unix.SECCOMP_RET_ALLOW),
		instruction(result, 0, 0, unix.SECCOMP_RET_ERRNO|uint64(unix.EPERM)),
	}
}
