package conformance

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asked is a system call that waits for an answer.
type asked struct {
	pid  int // of the thread
	nr   int
	args [6]uint64
}

// refuser answers system calls of a supervisor and of all below it, as seccomp_unotify(2) has it: those that nobody
// objects to are carried out.
type refuser struct {
	socket, notify int
	done           chan struct{}

	mu     sync.Mutex
	object func(asked) unix.Errno
	n      int // refused so far
}

// refuse listens for the program trap, which is started with what is returned in front.
func refuse(dir string, calls []uintptr) (*refuser, []string, error) {
	sum := hex.EncodeToString([]byte(filepath.Base(filepath.Dir(dir)) + fmt.Sprint(os.Getpid())))
	name := "orderly-" + sum[max(0, len(sum)-90):]
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + name})
	}
	if err == nil {
		err = unix.Listen(fd, 1)
	}
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(calls), " ", ","), "[]")
	r := &refuser{socket: fd, done: make(chan struct{}), object: func(asked) unix.Errno { return 0 }}
	return r, []string{filepath.Join(programs, "trap"), name, list}, err
}

// serve answers until the last process that asks has ended.
func (r *refuser) serve() {
	defer close(r.done)
	defer unix.Close(r.socket)
	if r.notify = r.accept(); r.notify < 0 {
		return
	}
	defer unix.Close(r.notify)
	for {
		fds := []unix.PollFd{{Fd: int32(r.notify), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR || fds[0].Revents&unix.POLLIN == 0 && fds[0].Revents&unix.POLLHUP != 0 {
			return
		}
		if fds[0].Revents&unix.POLLIN != 0 {
			r.answer()
		}
	}
}

// accept takes the descriptor that trap sends.
func (r *refuser) accept() int {
	fd, _, err := unix.Accept4(r.socket, unix.SOCK_CLOEXEC)
	if err != nil {
		return -1
	}
	defer unix.Close(fd)
	oob := make([]byte, 64)
	_, n, _, _, err := unix.Recvmsg(fd, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return -1
	}
	if list, err := unix.ParseUnixRights(&messages[0]); err == nil && len(list) == 1 {
		return list[0]
	}
	return -1
}

// answer answers one call.
func (r *refuser) answer() {
	var question struct { // struct seccomp_notif
		id         uint64
		pid, flags uint32
		nr         int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(r.notify), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&question))); errno != 0 {
		return // it has been killed meanwhile
	}
	reply := struct { // struct seccomp_notif_resp
		id    uint64
		value int64
		errno int32
		flags uint32
	}{id: question.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	r.mu.Lock()
	if errno := r.object(asked{int(question.pid), int(question.nr), question.args}); errno != 0 {
		reply.errno, reply.flags = -int32(errno), 0
		r.n++
	}
	r.mu.Unlock()
	unix.Syscall(unix.SYS_IOCTL, uintptr(r.notify), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&reply)))
}

// object has calls refused from now on, as f says; 0 lets one go. It returns how many were refused before.
func (w *world) object(f func(asked) unix.Errno) int {
	w.refuser.mu.Lock()
	defer w.refuser.mu.Unlock()
	n := w.refuser.n
	w.refuser.object, w.refuser.n = f, 0
	return n
}

// agree has no call refused any more.
func (w *world) agree() int { return w.object(func(asked) unix.Errno { return 0 }) }

func (w *world) refused() int {
	w.refuser.mu.Lock()
	defer w.refuser.mu.Unlock()
	return w.refuser.n
}

// text is the string that an argument of a call points to.
func (a asked) text(n int) string {
	b, _, _ := bytes.Cut(a.memory(n, 4096), []byte{0})
	return string(b)
}

// memory is what an argument of a call points to, at most so many bytes.
func (a asked) memory(n, size int) []byte {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", a.pid))
	if err != nil {
		return nil
	}
	defer mem.Close()
	b := make([]byte, size)
	got, _ := mem.ReadAt(b, int64(a.args[n]))
	return b[:got]
}

// flags are those of clone(2), wherever they are.
func (a asked) flags() uint64 {
	if a.nr == unix.SYS_CLONE {
		return a.args[0]
	}
	if b := a.memory(0, 8); len(b) == 8 {
		return binary.NativeEndian.Uint64(b)
	}
	return 0
}

// thread says whether a call of clone(2) is for a thread and not for a process.
func (a asked) thread() bool { return a.nr == unix.SYS_CLONE && a.args[0]&unix.CLONE_THREAD != 0 }

// by says whether a program with this name (argv[0]) asks.
func (a asked) by(name string) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", a.pid))
	first, _, _ := bytes.Cut(line, []byte{0})
	return filepath.Base(string(first)) == name
}
