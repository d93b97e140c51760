package ready

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Context ids of vsock(7).
const (
	cidAny   = math.MaxUint32
	cidLocal = 1
	cidHost  = 2
)

// ParseVsock reads CID:PORT. A CID is a number from 1 on, "local" (this machine), "host", or "any" or -1: whichever. A port has 32 bits,
// of which the highest number is none (VMADDR_PORT_ANY).
func ParseVsock(address string) (cid, port uint32, err error) {
	name, number, ok := strings.Cut(address, ":")
	if !ok {
		return 0, 0, fmt.Errorf("vsock %q: not CID:PORT", address)
	}
	switch name {
	case "any", "-1":
		cid = cidAny
	case "local":
		cid = cidLocal
	case "host":
		cid = cidHost
	default:
		n, err := strconv.ParseUint(name, 10, 32)
		if err != nil || n == 0 || n == cidAny {
			return 0, 0, fmt.Errorf("vsock %q: no context id", name)
		}
		cid = uint32(n)
	}
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n == 0 || n == math.MaxUint32 {
		return 0, 0, fmt.Errorf("vsock %q: no port", number)
	}
	return cid, uint32(n), nil
}

// ErrNotTold is that the kernel does not tell of a vsock socket: it has no vsock_diag, or the socket is on another machine. Then
// there is only ConnectVsock.
var ErrNotTold = errors.New("the kernel does not tell of it")

// ErrNoVsock is a kernel without vsock.
var ErrNoVsock = errors.New("the kernel has no vsock")

// Vsock reports whether something listens on a vsock address CID:PORT of this machine; nothing connects to it. A socket that is bound
// to any context id listens on every one.
func (s *Sockets) Vsock(address string) (bool, error) {
	cid, port, err := ParseVsock(address)
	if err != nil {
		return false, err
	}
	if !ownCID(cid) {
		return false, ErrNotTold
	}
	req := make([]byte, 24) // struct vsock_diag_req: family, protocol, pad, states, ino, show, cookie
	req[0] = unix.AF_VSOCK
	binary.NativeEndian.PutUint32(req[4:], 1<<tcpListen)
	found := false
	err = s.ask(req, unix.NLM_F_DUMP, func(msg []byte) { found = found || vsockMatches(msg, cid, port) })
	if errors.Is(err, unix.ENOENT) || unsupported(err) { // ENOENT: no module vsock_diag
		return false, ErrNotTold
	}
	return found, err
}

// vsockMatches reads a struct vsock_diag_msg: family, type, state, shutdown, then context id and port of its own side
// (linux/vm_sockets_diag.h).
func vsockMatches(msg []byte, cid, port uint32) bool {
	if len(msg) < 12 || msg[0] != unix.AF_VSOCK || msg[2] != tcpListen || binary.NativeEndian.Uint32(msg[8:]) != port {
		return false
	}
	bound := binary.NativeEndian.Uint32(msg[4:])
	return cid == cidAny || bound == cidAny || bound == cid
}

// getLocalCID is IOCTL_VM_SOCKETS_GET_LOCAL_CID (linux/vm_sockets.h).
const getLocalCID = 0x7b9

// ownCID says whether a context id means this machine. As a host it has 2, as a guest that of /dev/vsock.
func ownCID(cid uint32) bool {
	if cid == cidAny || cid == cidLocal {
		return true
	}
	fd, err := unix.Open("/dev/vsock", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	own, err := unix.IoctlGetUint32(fd, getLocalCID)
	return err == nil && own == cid
}

// ConnectVsock reports whether a connection to a vsock address can be made within a time; it is closed at once. For any context id
// it is made to this machine, for which the kernel needs vsock_loopback. ErrNoVsock is a kernel without vsock. It waits, so it
// is not for an event loop.
func ConnectVsock(address string, limit time.Duration) (bool, error) {
	cid, port, err := ParseVsock(address)
	if err != nil {
		return false, err
	}
	if cid == cidAny {
		cid = cidLocal
	}
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == unix.EAFNOSUPPORT {
		return false, ErrNoVsock
	}
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err = unix.Connect(fd, &unix.SockaddrVM{CID: cid, Port: port}); err == unix.EINPROGRESS {
		err = connected(fd, limit)
	}
	switch err {
	case nil:
		return true, nil
	case unix.ECONNRESET, unix.ECONNREFUSED, unix.ETIMEDOUT: // nobody listens
		return false, nil
	}
	return false, os.NewSyscallError("connect", err)
}

// connected waits for a connection that is being made (connect(2), EINPROGRESS).
func connected(fd int, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		left := time.Until(end)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(max(left, 0)/time.Millisecond))
		if err == unix.EINTR {
			continue
		}
		if n == 0 || err != nil {
			return unix.ETIMEDOUT
		}
		number, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil || number == 0 {
			return err
		}
		return unix.Errno(number)
	}
}
