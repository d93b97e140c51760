package netns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// The bounds of the name service: of a message, of what it works on at once, and how long a client may take.
const (
	maxMessage = 4096
	maxAsking  = 64
	maxClients = 32
	clientTime = 5 * time.Second
)

// server answers names on the gateways of one network. It only listens on the bridge, so nobody else can ask, and
// only answers members, so nobody else can be answered.
type server struct {
	subnets []Subnet
	names   atomic.Pointer[names]
	ask     func(query []byte, stream bool) []byte // somebody else; nil is nobody
	asking  chan struct{}
	clients chan struct{}
	sockets []syscall.Conn
	pace    pace

	mu      sync.Mutex // guards what is open
	open    map[io.Closer]bool
	closed  bool
	running sync.WaitGroup
}

// serve starts a server, on the sockets of an earlier process where those are what it needs, else on new ones in the
// Host's namespace.
func (h Host) serve(d *Definition, n *names, ask func([]byte, bool) []byte, held []*os.File) (*server, error) {
	s := &server{
		subnets: d.Subnets, ask: ask, open: map[io.Closer]bool{},
		asking: make(chan struct{}, maxAsking), clients: make(chan struct{}, maxClients),
	}
	s.names.Store(n)
	err := h.inside(func() error {
		for i, subnet := range d.Subnets {
			at := netip.AddrPortFrom(subnet.Gateway, 53)
			var pair []*os.File
			if len(held) == 2*len(d.Subnets) {
				pair = held[2*i : 2*i+2]
			}
			if err := s.take(pair, at); err != nil {
				if err := s.listen(d.Bridge, at); err != nil {
					return failed("name service", at.String(), err)
				}
			}
		}
		return nil
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// errOther says that a socket is not the one that is needed.
var errOther = errors.New("another socket")

// take goes on with a pair of sockets that another process has opened.
func (s *server) take(pair []*os.File, at netip.AddrPort) error {
	if len(pair) != 2 {
		return errOther
	}
	packets, err := net.FilePacketConn(pair[0])
	if err != nil {
		return err
	}
	streams, err := net.FileListener(pair[1])
	if err != nil {
		packets.Close()
		return err
	}
	udp, isUDP := packets.(*net.UDPConn)
	tcp, isTCP := streams.(*net.TCPListener)
	if !isUDP || !isTCP || packets.LocalAddr().String() != at.String() || streams.Addr().String() != at.String() {
		packets.Close()
		streams.Close()
		return errOther
	}
	s.begin(udp, tcp)
	return nil
}

// listen opens both sockets of an address. They are bound to the bridge (socket(7), SO_BINDTODEVICE).
func (s *server) listen(bridge string, at netip.AddrPort) error {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		e := c.Control(func(fd uintptr) {
			err = errors.Join(unix.BindToDevice(int(fd), bridge), unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1))
		})
		return errors.Join(e, err)
	}}
	packets, err := config.ListenPacket(context.Background(), "udp", at.String())
	if err != nil {
		return err
	}
	streams, err := config.Listen(context.Background(), "tcp", at.String())
	if err != nil {
		packets.Close()
		return err
	}
	s.begin(packets.(*net.UDPConn), streams.(*net.TCPListener))
	return nil
}

func (s *server) begin(packets *net.UDPConn, streams *net.TCPListener) {
	s.sockets = append(s.sockets, packets, streams)
	s.run(packets, func() { s.datagrams(packets) })
	s.run(streams, func() { s.streams(streams) })
}

// copies are descriptors of the sockets: of each gateway that for datagrams and that for streams. No os.File is made of
// them: its Fd would make the sockets blocking, for everybody who has them.
func (s *server) copies() (all []int, err error) {
	for _, socket := range s.sockets {
		raw, err := socket.SyscallConn()
		if err != nil {
			return all, err
		}
		var copied int
		var failed error
		err = raw.Control(func(fd uintptr) { copied, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
		if err = errors.Join(err, os.NewSyscallError("fcntl", failed)); err != nil {
			return all, err
		}
		all = append(all, copied)
	}
	return all, nil
}

// run has f run on something until that is closed.
func (s *server) run(c io.Closer, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return
	}
	s.open[c] = true
	s.running.Go(func() {
		f()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
		c.Close()
	})
}

// close ends the server and waits for all that it does.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// datagrams answers by UDP.
func (s *server) datagrams(c *net.UDPConn) {
	buf := make([]byte, maxMessage)
	for {
		n, client, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		time.Sleep(s.pace.next(time.Now()))
		if err != nil || !s.member(client.Addr()) {
			continue // of one packet: one that was not let through says so here
		}
		q, ok := parseQuery(buf[:n])
		if !ok {
			continue
		}
		if answer := s.names.Load().answer(q); answer != nil {
			_, _ = c.WriteToUDPAddrPort(answer, client)
			continue
		}
		s.elsewhere(q, append([]byte(nil), buf[:n]...), func(answer []byte) { _, _ = c.WriteToUDPAddrPort(answer, client) })
	}
}

// elsewhere asks others without anybody waiting for it. Where nobody can be asked the name is unknown; where too much
// is being asked already the client is told to come back.
func (s *server) elsewhere(q query, b []byte, answer func([]byte)) {
	if s.ask == nil {
		answer(replyTo(q, dnsmessage.RCodeNameError, nil))
		return
	}
	select {
	case s.asking <- struct{}{}:
	default:
		answer(replyTo(q, dnsmessage.RCodeServerFailure, nil))
		return
	}
	s.running.Go(func() {
		defer func() { <-s.asking }()
		answer(s.orFailure(q, s.ask(b, false)))
	})
}

func (s *server) orFailure(q query, answer []byte) []byte {
	if answer == nil {
		return replyTo(q, dnsmessage.RCodeServerFailure, nil)
	}
	return answer
}

// streams answers by TCP.
func (s *server) streams(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(100 * time.Millisecond) // no descriptors are left; UDP goes on
			continue
		}
		select {
		case s.clients <- struct{}{}:
			s.run(c, func() {
				defer func() { <-s.clients }()
				s.stream(c)
			})
		default:
			c.Close()
		}
	}
}

// stream answers one client, whose messages have their length before them (RFC 1035, 4.2.2).
func (s *server) stream(c net.Conn) {
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || !s.member(from.Addr()) {
		return
	}
	for {
		_ = c.SetDeadline(time.Now().Add(clientTime))
		b, err := readMessage(c, maxMessage)
		if err != nil {
			return
		}
		time.Sleep(s.pace.next(time.Now()))
		q, ok := parseQuery(b)
		if !ok {
			return
		}
		answer := s.names.Load().answer(q)
		switch {
		case answer != nil:
		case s.ask == nil:
			answer = replyTo(q, dnsmessage.RCodeNameError, nil)
		default:
			answer = s.orFailure(q, s.ask(b, true))
		}
		if writeMessage(c, answer) != nil {
			return
		}
	}
}

// member says whether an address is one of the network.
func (s *server) member(a netip.Addr) bool {
	a = a.Unmap()
	for _, subnet := range s.subnets {
		if subnet.Prefix.Contains(a) {
			return true
		}
	}
	return false
}

func readMessage(r io.Reader, most int) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n > most {
		return nil, errors.New("message too long")
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeMessage(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}
