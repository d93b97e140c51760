package ready

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MaxNotify bounds one datagram; a longer one is cut, and what is cut is not read.
const MaxNotify = 4096

// Listen makes the notify socket of one component at a path: owned by its user and private to it, so that what
// comes in is from that user or root (sd_notify(3)).
func Listen(path string, uid, gid int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	ok := false
	defer func() {
		if !ok {
			unix.Close(fd)
		}
	}()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return -1, os.NewSyscallError("setsockopt SO_PASSCRED", err)
	}
	if err := unix.Unlink(path); err != nil && err != unix.ENOENT {
		return -1, &os.PathError{Op: "unlink", Path: path, Err: err}
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return -1, &os.PathError{Op: "bind", Path: path, Err: err}
	}
	if err := unix.Chmod(path, 0o600); err != nil {
		return -1, &os.PathError{Op: "chmod", Path: path, Err: err}
	}
	if err := unix.Chown(path, uid, gid); err != nil {
		return -1, &os.PathError{Op: "chown", Path: path, Err: err}
	}
	ok = true
	return fd, nil
}

// Sender is who sent a datagram, as the kernel vouches (SCM_CREDENTIALS, unix(7)).
type Sender struct{ PID, UID int }

// Receive takes one datagram; unix.EAGAIN is none. Descriptors that came along are closed.
func Receive(fd int) (Message, Sender, error) { return receive(fd, 0) }

// Peek is Receive that leaves the datagram there: for what must not be lost before it has been acted on.
func Peek(fd int) (Message, Sender, error) { return receive(fd, unix.MSG_PEEK) }

func receive(fd, flags int) (Message, Sender, error) {
	var buf [MaxNotify]byte
	var oob [2048]byte // credentials and SCM_MAX_FD descriptors
	for {
		n, oobn, _, _, err := unix.Recvmsg(fd, buf[:], oob[:], unix.MSG_CMSG_CLOEXEC|flags)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Message{}, Sender{}, err
		}
		return Parse(buf[:n]), senderOf(oob[:oobn]), nil
	}
}

func senderOf(oob []byte) Sender {
	s := Sender{UID: -1}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return s
	}
	for i := range msgs {
		if cred, err := unix.ParseUnixCredentials(&msgs[i]); err == nil {
			s = Sender{PID: int(cred.Pid), UID: int(cred.Uid)}
		}
		if fds, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			for _, fd := range fds {
				giveBack(fd)
			}
		}
	}
	return s
}

// giveBack closes a descriptor that nobody asked for. A socket with SO_LINGER would hold us up while it has something to
// send, and perhaps for hours (socket(7)): who sent it says for how long.
func giveBack(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{}) // most are no sockets
	unix.Close(fd)
}

// Message is what a component said. Unknown lines are left out.
type Message struct {
	Ready     bool
	Stopping  bool
	Status    string
	HasStatus bool
	MainPID   int
	Extend    time.Duration
	Degraded  bool // X_ORDERLY_STATE=degraded
	Beat      bool // WATCHDOG=1
	Trigger   bool // WATCHDOG=trigger
	Healthy   bool // X_ORDERLY_STATE=ok
	Raises    []Raise
}

// Raise is one line X_ORDERLY_CONDITION=name, or !name, which takes it back.
type Raise struct {
	Name string
	Off  bool
}

// Parse reads the lines of a datagram (sd_notify(3)). A line that is not understood changes nothing.
func Parse(b []byte) Message {
	var m Message
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte{'\n'})
		key, value, ok := bytes.Cut(line, []byte{'='})
		if ok {
			m.set(string(key), string(value))
		}
	}
	return m
}

func (m *Message) set(key, value string) {
	switch key {
	case "READY":
		m.Ready = m.Ready || value == "1"
	case "STOPPING":
		m.Stopping = m.Stopping || value == "1"
	case "WATCHDOG":
		m.Beat, m.Trigger = m.Beat || value == "1", m.Trigger || value == "trigger"
	case "STATUS":
		m.Status, m.HasStatus = printable(value), true
	case "MAINPID":
		if pid, err := strconv.ParseInt(value, 10, 32); err == nil && pid > 1 {
			m.MainPID = int(pid)
		}
	case "EXTEND_TIMEOUT_USEC":
		const most = uint64(24 * time.Hour / time.Microsecond)
		if us, err := strconv.ParseUint(value, 10, 64); err == nil {
			m.Extend = time.Duration(min(us, most)) * time.Microsecond
		}
	case "X_ORDERLY_CONDITION":
		name, off := strings.CutPrefix(value, "!")
		m.Raises = append(m.Raises, Raise{name, off})
	case "X_ORDERLY_STATE":
		m.Degraded, m.Healthy = value == "degraded", value == "ok"
	}
}

// printable keeps a status text from doing anything to a terminal.
func printable(s string) string {
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd {
			return '?'
		}
		return r
	}, []byte(s)))
}
