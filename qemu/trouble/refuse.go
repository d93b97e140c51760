package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What is used of seccomp(2) and seccomp_unotify(2).
const (
	setModeFilter  = 1
	newListener    = 1 << 3
	retAllow       = 0x7fff0000
	retNotify      = 0x7fc00000
	notifyReceive  = 0xc0502100
	notifySend     = 0xc0182101
	notifyContinue = 1
)

// notification is struct seccomp_notif.
type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

// answerTo is struct seccomp_notif_resp.
type answerTo struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// refuse becomes a program for which, as for all that it starts, the kernel does not have some file systems: another process looks at each
// mount(2) before it is made.
func refuse(types string, argv []string) error {
	runtime.LockOSThread() // the filter is this thread's, which then executes
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	guard := exec.Command("/sbin/trouble", "guard", types)
	guard.Stdin, guard.Stdout, guard.Stderr = os.Stdin, os.Stdout, os.Stderr
	guard.ExtraFiles = []*os.File{os.NewFile(uintptr(pair[1]), "guard")}
	if err := guard.Start(); err != nil {
		return err
	}
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_MOUNT, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: retNotify},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, newListener, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return os.NewSyscallError("sendmsg", err)
	}
	return unix.Exec(argv[0], argv, os.Environ())
}

// guard says ENODEV to mounts of some types, and lets the others be made.
func guard(types []string) error {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(3, make([]byte, 1), control, 0)
	if err != nil {
		return os.NewSyscallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return errors.Join(errors.New("no descriptor came"), err)
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return err
	}
	for {
		var q notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(files[0]), notifyReceive, uintptr(unsafe.Pointer(&q))); errno == unix.EINTR || errno == unix.ENOENT {
			continue
		} else if errno != 0 {
			return os.NewSyscallError("receive", errno)
		}
		a := answerTo{id: q.id, flags: notifyContinue}
		if slices.Contains(types, textAt(int(q.pid), uintptr(q.args[2]))) {
			a.flags, a.errno = 0, -int32(unix.ENODEV)
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(files[0]), notifySend, uintptr(unsafe.Pointer(&a))) // who asked may be gone
	}
}

// textAt is a short string in the memory of another process, "" where there is none.
func textAt(pid int, at uintptr) string {
	b := make([]byte, 16)
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(len(b))
	n, err := unix.ProcessVMReadv(pid, []unix.Iovec{local}, []unix.RemoteIovec{{Base: at, Len: len(b)}}, 0)
	if err != nil {
		return ""
	}
	text, _, _ := strings.Cut(string(b[:n]), "\x00")
	return text
}
