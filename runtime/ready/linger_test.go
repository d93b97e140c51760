package ready

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whoever may speak on a notify socket may send descriptors along. One was a socket that lingers: its last close held the
// manager's loop up for as long as the sender had said.
func TestLingeringDescriptor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n")
	fd, err := Listen(path, -1, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	full, other := stuffed(t)
	defer unix.Close(other)
	must(t, unix.SetsockoptLinger(full, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 20}))
	from, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(from)
	must(t, unix.Sendmsg(from, []byte("READY=1"), unix.UnixRights(full), &unix.SockaddrUnix{Name: path}, 0))
	unix.Close(full)
	begin := time.Now()
	if m, _, err := Receive(fd); err != nil || !m.Ready {
		t.Fatalf("received %+v, %v", m, err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// stuffed is a connection whose other end reads nothing, with all sent that can be.
func stuffed(t *testing.T) (full, other int) {
	t.Helper()
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(listener)
	must(t, unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, unix.Listen(listener, 1))
	at, err := unix.Getsockname(listener)
	must(t, err)
	full, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Connect(full, at))
	other, _, err = unix.Accept(listener)
	must(t, err)
	must(t, unix.SetNonblock(full, true))
	for b := make([]byte, 1<<16); err == nil; {
		_, err = unix.Write(full, b)
	}
	must(t, unix.SetNonblock(full, false))
	return full, other
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
