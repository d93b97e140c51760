package ready

import (
	"encoding/binary"
	"errors"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseVsock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text      string
		cid, port uint32
		ok        bool
	}{
		{"any:80", cidAny, 80, true},
		{"-1:80", cidAny, 80, true},
		{"local:4294967294", cidLocal, 4294967294, true},
		{"host:1024", cidHost, 1024, true},
		{"3:1", 3, 1, true},
		{"3", 0, 0, false},
		{"0:80", 0, 0, false},
		{"4294967295:80", 0, 0, false},
		{"guest:80", 0, 0, false},
		{"3:0", 0, 0, false},
		{"3:4294967295", 0, 0, false},
	} {
		cid, port, err := ParseVsock(c.text)
		if cid != c.cid || port != c.port || (err == nil) != c.ok {
			t.Errorf("%s: %d, %d, %v", c.text, cid, port, err)
		}
	}
}

func vsockMessage(state byte, cid, port uint32) []byte {
	msg := make([]byte, 32)
	msg[0], msg[1], msg[2] = unix.AF_VSOCK, unix.SOCK_STREAM, state
	binary.NativeEndian.PutUint32(msg[4:], cid)
	binary.NativeEndian.PutUint32(msg[8:], port)
	return msg
}

func TestVsockMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		msg  []byte
		cid  uint32
		want bool
	}{
		{"its own", vsockMessage(tcpListen, 3, 80), 3, true},
		{"bound to any", vsockMessage(tcpListen, cidAny, 80), cidLocal, true},
		{"whichever", vsockMessage(tcpListen, 3, 80), cidAny, true},
		{"another context", vsockMessage(tcpListen, 3, 80), cidLocal, false},
		{"another port", vsockMessage(tcpListen, 3, 81), 3, false},
		{"connected", vsockMessage(1, 3, 80), 3, false},
		{"cut", vsockMessage(tcpListen, 3, 80)[:11], 3, false},
	} {
		if got := vsockMatches(c.msg, c.cid, 80); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// The two ways must agree, where the kernel has both.
func TestVsock(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT {
		if _, err := ConnectVsock("local:1", time.Second); !errors.Is(err, ErrNoVsock) {
			t.Errorf("%v; want that the kernel has no vsock", err)
		}
		t.Skip("no vsock in this kernel")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrVM{CID: cidLocal, Port: cidAny}); err != nil {
		t.Skipf("no vsock_loopback: bind: %v", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := "local:" + strconv.FormatUint(uint64(name.(*unix.SockaddrVM).Port), 10)
	s := NewSockets()
	defer s.Close()
	for _, want := range []bool{false, true} {
		if want {
			if err := unix.Listen(fd, 1); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := ConnectVsock(address, time.Second); got != want || err != nil {
			t.Errorf("connect %s: %v, %v; want %v", address, got, err, want)
		}
		if got, err := s.Vsock(address); !errors.Is(err, ErrNotTold) && (got != want || err != nil) {
			t.Errorf("vsock_diag %s: %v, %v; want %v", address, got, err, want)
		}
	}
}

func FuzzVsock(f *testing.F) {
	f.Add("any:80", vsockMessage(tcpListen, 3, 80))
	f.Fuzz(func(t *testing.T, address string, msg []byte) {
		cid, port, err := ParseVsock(address)
		if err == nil && (cid == 0 || port == 0) {
			t.Fatalf("%s is %d:%d", address, cid, port)
		}
		vsockMatches(msg, cid, port)
	})
}
