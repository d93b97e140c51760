package runtime

import (
	"syscall"
	"unsafe"

	"github.com/orderly-init/orderly/runtime/internal/nofile"
	"golang.org/x/sys/unix"
)

// signals is the number of signals, _NSIG: the same on all our architectures.
const signals = 64

// Probe looks at the kernel and the calling process. It is cheap, but once is
// enough.
func Probe() Host {
	soft, hard := nofile.Original()
	return Host{
		Flavour:   flavour(),
		Ignored:   ignored(),
		OpenFiles: Limit{Resource: unix.RLIMIT_NOFILE, Soft: soft, Hard: hard},

		LastCapability: lastCapability(),
		Admin:          hasAdmin(),
		Landlock:       landlockVersion(),
		NoKeyrings:     noKeyrings(),
		Personality:    personality(),
	}
}

func flavour() Flavour {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Cow
	}
	major, minor, err := version(unix.ByteSliceToString(u.Release[:]))
	if err != nil || major < 5 || major == 5 && minor < 16 {
		return Cow
	}
	// A size of 0 is EINVAL where clone3 is there; filters say ENOSYS or EPERM.
	if _, _, e := syscall.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); e != syscall.EINVAL {
		return Cow
	}
	// Of a range that nothing is in nothing is closed. A filter from before Linux 5.9 does not know the call.
	if _, _, e := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, lastFD, lastFD, 0); e != 0 {
		return Cow
	}
	return Nested
}

// ignored asks for the disposition of every signal. CLONE_CLEAR_SIGHAND and
// exec reset handlers, but let SIG_IGN stand (clone(2), execve(2)).
func ignored() []int {
	const sigIgn = 1
	var list []int
	for sig := 1; sig <= signals; sig++ {
		var act sigaction
		_, _, e := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0,
			uintptr(unsafe.Pointer(&act)), sigsetSize, 0, 0)
		if e == 0 && act.handler == sigIgn {
			list = append(list, sig)
		}
	}
	return list
}

// sigaction is the kernel's struct, which begins with the handler everywhere;
// zeros are SIG_DFL.
type sigaction struct {
	handler uintptr
	_       [28]byte
}

// sigactionWords of 64 bits are enough for it on every architecture.
const sigactionWords = 4

// sigsetSize is the size of the kernel's sigset_t.
const sigsetSize = signals / 8
