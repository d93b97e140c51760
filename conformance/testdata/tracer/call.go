package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime/calls"
)

// info is a system call, as ptrace(2) tells of it (PTRACE_GET_SYSCALL_INFO).
type info struct {
	op     byte
	nr     uint64
	args   [6]uint64
	result int64
}

const (
	opEntry = 1
	opExit  = 2
)

func ask(tid int) info {
	var raw struct {
		op   byte
		_    [3]byte
		_    uint32
		_    [2]uint64
		data [8]uint64
	}
	const getSyscallInfo = 0x420e
	if ptrace(getSyscallInfo, tid, unsafe.Sizeof(raw), uintptr(unsafe.Pointer(&raw))) != nil {
		return info{}
	}
	i := info{op: raw.op, nr: raw.data[0], result: int64(raw.data[0])}
	copy(i.args[:], raw.data[1:])
	return i
}

func (i *info) name() string {
	arch, _ := calls.Of(runtime.GOARCH)
	for name, n := range calls.Numbers(arch) {
		if uint64(n) == i.nr {
			return name
		}
	}
	return fmt.Sprint("call ", i.nr)
}

// makesThread says whether it is a clone(2) within the process.
func (i *info) makesThread() bool {
	return i.nr == unix.SYS_CLONE && i.args[0]&unix.CLONE_THREAD != 0
}

// executes says whether it is an execve(2).
func (i *info) executes() bool { return i.nr == unix.SYS_EXECVE || i.nr == unix.SYS_EXECVEAT }

// silent are calls of the Go runtime that nobody else notices, and clocks.
var silent = silentCalls()

func silentCalls() map[uint64]bool {
	arch, _ := calls.Of(runtime.GOARCH)
	numbers, set := calls.Numbers(arch), map[uint64]bool{}
	for _, name := range strings.Fields(`futex nanosleep clock_nanosleep sched_yield rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack tgkill
		epoll_pwait mmap munmap madvise mprotect gettid getpid getppid clock_gettime timer_create timer_settime timer_delete restart_syscall
		sched_getaffinity`) {
		if n, ok := numbers[name]; ok {
			set[uint64(n)] = true
		}
	}
	return set
}

func (i *info) counts() bool { return !silent[i.nr] && !i.makesThread() }

// story is the call in words.
func (i *info) story(tid int) string {
	name := i.name()
	switch {
	case strings.HasPrefix(name, "clone"):
		return name
	case slices.Contains(strings.Fields("openat newfstatat readlinkat mkdirat unlinkat faccessat faccessat2 inotify_add_watch"), name):
		return fmt.Sprintf("%s %s", name, text(tid, i.args[1]))
	case slices.Contains(strings.Fields("mkdir rmdir unlink chmod stat lstat readlink execve"), name):
		return fmt.Sprintf("%s %s", name, text(tid, i.args[0]))
	}
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(i.args[0])))
	if err != nil {
		return fmt.Sprintf("%s(%#x, %#x, %#x)", name, i.args[0], i.args[1], i.args[2])
	}
	return fmt.Sprintf("%s %d %s", name, i.args[0], to)
}

// text is a C string of the traced.
func text(tid int, at uint64) string {
	b := make([]byte, 256)
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(len(b))
	n, err := unix.ProcessVMReadv(tid, []unix.Iovec{local}, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err != nil {
		return "?"
	}
	s, _, _ := strings.Cut(string(b[:n]), "\x00")
	return s
}
