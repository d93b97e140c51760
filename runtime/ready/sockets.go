package ready

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Sockets asks the kernel who listens, without connecting (sock_diag(7)): a question costs about a microsecond and
// no service notices. Where the kernel has no sock_diag it reads /proc/net.
type Sockets struct {
	fd    int    // -1: not to be had
	proc  string // the directory of proc(5) that tells the same
	root  string // in which the files of unix sockets are; "" is our own
	seq   uint32
	knows map[[2]byte]bool // by family and protocol: the kernel can answer
}

// NewSockets opens the netlink socket; a kernel without it is no error.
func NewSockets() *Sockets {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return &Sockets{fd: -1, proc: "/proc/net"}
	}
	// the answer of the kernel is there when sendto(2) returns; the limit is for a kernel that does not answer
	tv := unix.NsecToTimeval(int64(100 * time.Millisecond))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
	return &Sockets{fd: fd, proc: "/proc/net"}
}

// Close closes the netlink socket.
func (s *Sockets) Close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
	}
}

// Listening reports whether something listens on an address: tcp and udp HOST:PORT with a numeric host or localhost, unix a
// path or, behind "@", an abstract name. A unix socket file that its owner left behind does not count.
func (s *Sockets) Listening(network, address string) (bool, error) {
	switch network {
	case "unix":
		return s.unix(address)
	case "tcp", "udp":
		if port, ok := strings.CutPrefix(address, "localhost:"); ok {
			yes, err := s.Listening(network, "127.0.0.1:"+port)
			if yes || err != nil {
				return yes, err
			}
			address = "[::1]:" + port
		}
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return false, fmt.Errorf("%s:%s: %w", network, address, err)
		}
		return s.inet(network, ap)
	}
	return false, fmt.Errorf("%s:%s: unknown network", network, address)
}

// inet asks for the one socket that a packet to the address would reach.
func (s *Sockets) inet(network string, ap netip.AddrPort) (bool, error) {
	family, protocol := byte(unix.AF_INET), byte(unix.IPPROTO_TCP)
	if ap.Addr().Is6() {
		family = unix.AF_INET6
	}
	if network == "udp" {
		protocol = unix.IPPROTO_UDP
	}
	// struct inet_diag_req_v2: family, protocol, ext, pad, states, then inet_diag_sockid
	req := make([]byte, 56)
	req[0], req[1] = family, protocol
	binary.NativeEndian.PutUint32(req[4:], ^uint32(0))
	port, addr := 8, 12 // source; for UDP the kernel has source and destination swapped "for historical reasons"
	if network == "udp" {
		port, addr = 10, 28
	}
	binary.BigEndian.PutUint16(req[port:], ap.Port())
	copy(req[addr:], ap.Addr().AsSlice())
	binary.NativeEndian.PutUint64(req[48:], ^uint64(0)) // INET_DIAG_NOCOOKIE
	found := false
	err := s.ask(req, 0, func(msg []byte) {
		// struct inet_diag_msg: family, state, …; a UDP socket that is bound is in state close
		found = found || len(msg) > 1 && (network == "udp" || msg[1] == tcpListen)
	})
	if errors.Is(err, unix.ENOENT) && s.answers(family, protocol) {
		return false, nil
	}
	if errors.Is(err, unix.ENOENT) || unsupported(err) {
		return procInet(s.proc, network, ap)
	}
	return found, err
}

// answers tells "there is no such socket" from "there is no such question": a kernel whose diag modules cannot be
// loaded says ENOENT to both. A dump of no state at all is answered with nothing by one that can.
func (s *Sockets) answers(family, protocol byte) bool {
	key := [2]byte{family, protocol}
	can, asked := s.knows[key]
	if !asked {
		req := make([]byte, 56)
		req[0], req[1] = family, protocol
		can = s.ask(req, unix.NLM_F_DUMP, func([]byte) {}) == nil
		if s.knows == nil {
			s.knows = map[[2]byte]bool{}
		}
		s.knows[key] = can
	}
	return can
}

const tcpListen = 10

// Attributes of unix_diag (linux/unix_diag.h).
const (
	showName, showVFS = 1, 2
	attrName, attrVFS = 0, 1
)

// unix looks through the listening and bound unix sockets for the one behind this very inode.
func (s *Sockets) unix(address string) (bool, error) {
	var want unix.Stat_t
	if address[0] != '@' && statIn(s.root, address, &want) != nil {
		return false, nil
	}
	req := make([]byte, 24) // struct unix_diag_req: family, protocol, pad, states, ino, show, cookie
	req[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(req[4:], 1<<tcpListen|1<<7)
	binary.NativeEndian.PutUint32(req[12:], showName|showVFS)
	found := false
	err := s.ask(req, unix.NLM_F_DUMP, func(msg []byte) {
		found = found || matches(msg, address, &want)
	})
	if errors.Is(err, unix.ENOENT) || unsupported(err) {
		return procUnix(s.proc, address)
	}
	return found, err
}

// matches reads a struct unix_diag_msg (family, type, state, pad, ino, cookie) and its attributes.
func matches(msg []byte, address string, want *unix.Stat_t) bool {
	const size = 16
	if len(msg) < size || msg[1] == unix.SOCK_STREAM && msg[2] != tcpListen {
		return false
	}
	for b := msg[size:]; len(b) >= 4; {
		n, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if n < 4 || n > len(b) {
			return false
		}
		value := b[4:n]
		switch {
		case kind == attrVFS && len(value) >= 8 && address[0] != '@':
			ino, dev := binary.NativeEndian.Uint32(value), binary.NativeEndian.Uint32(value[4:])
			// the kernel's own form of a device number: major above 20 bits of minor
			if ino == uint32(want.Ino) && dev>>20 == unix.Major(uint64(want.Dev)) && dev&0xfffff == unix.Minor(uint64(want.Dev)) {
				return true
			}
		case kind == attrName && address[0] == '@' && string(value) == "\x00"+address[1:]:
			return true
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return false
}

func unsupported(err error) bool {
	return errors.Is(err, errNoDiag) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT)
}

var errNoDiag = errors.New("no sock_diag")

// sockDiagByFamily is SOCK_DIAG_BY_FAMILY (linux/sock_diag.h).
const sockDiagByFamily = 20

// ask sends one request and hands over each answer.
func (s *Sockets) ask(req []byte, flags uint16, each func([]byte)) error {
	if s.fd < 0 {
		return errNoDiag
	}
	s.seq++
	msg := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(req))
	binary.NativeEndian.PutUint32(msg, uint32(cap(msg)))
	binary.NativeEndian.PutUint16(msg[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(msg[6:], unix.NLM_F_REQUEST|flags)
	binary.NativeEndian.PutUint32(msg[8:], s.seq)
	if err := unix.Sendto(s.fd, append(msg, req...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto sock_diag", err)
	}
	for {
		more, err := s.answer(flags != 0, each)
		if err != nil || !more {
			return err
		}
	}
}

// answer reads one datagram of answers; more tells that the dump goes on.
func (s *Sockets) answer(dump bool, each func([]byte)) (more bool, err error) {
	var buf [32 << 10]byte
	n, _, err := unix.Recvfrom(s.fd, buf[:], 0)
	if err == unix.EINTR {
		return true, nil
	}
	if err != nil {
		return false, os.NewSyscallError("recv sock_diag", err)
	}
	return split(buf[:n], s.seq, dump, each)
}

// split takes a datagram apart into the answers to request seq.
func split(b []byte, seq uint32, dump bool, each func([]byte)) (more bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size, kind := int(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint16(b[4:])
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return false, os.NewSyscallError("sock_diag", unix.EBADMSG)
		}
		body, of := b[unix.SizeofNlMsghdr:size], binary.NativeEndian.Uint32(b[8:])
		b = b[min((size+3)&^3, len(b)):]
		switch {
		case of != seq: // the rest of an answer that came too late
		case kind == unix.NLMSG_DONE:
			return false, nil
		case kind == unix.NLMSG_ERROR && len(body) >= 4:
			if code := int32(binary.NativeEndian.Uint32(body)); code != 0 {
				return false, os.NewSyscallError("sock_diag", unix.Errno(-code))
			}
			return false, nil
		default:
			each(body)
			if !dump {
				return false, nil
			}
		}
	}
	return true, nil
}
