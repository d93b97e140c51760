package ready

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// await polls the inotify descriptor until held, at most ten seconds.
func await(t *testing.T, p *Paths, held *int) {
	t.Helper()
	for *held == 0 {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n == 0 {
			t.Fatal("the kernel told nothing in 10 s")
		}
		if err := p.Changed(); err != nil {
			t.Fatal(err)
		}
	}
	if *held != 1 {
		t.Fatalf("held %d times; want once", *held)
	}
}

func TestPathThroughParentsThatAppear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := NewPaths()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	held := 0
	if err := p.Add(&Path{Name: filepath.Join(dir, "a/b/c"), Holds: func() { held++ }}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Changed(); err != nil || held != 0 {
		t.Fatalf("held %d times before the file was there; %v", held, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a/b/c"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, p, &held)
	if len(p.waiting) != 0 || len(p.byWatch) != 0 {
		t.Fatalf("left over: %v %v", p.waiting, p.byWatch)
	}
}

func TestPathAbsent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := NewPaths()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	held := 0
	if err := p.Add(&Path{Name: path, Absent: true, Holds: func() { held++ }}); err != nil || held != 0 {
		t.Fatalf("held %d times while the file was there; %v", held, err)
	}
	os.Remove(path)
	await(t, p, &held)
}

// A file that was there before the start does not make ready (scenario 84).
func TestPathStale(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pid")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := NewPaths()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	held := 0
	if err := p.Add(&Path{Name: path, Stale: MarkOf(path), Holds: func() { held++ }}); err != nil || held != 0 {
		t.Fatalf("held %d times by the old file; %v", held, err)
	}
	if err := os.WriteFile(path+".new", []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	await(t, p, &held)
}

func TestPathRemoved(t *testing.T) {
	t.Parallel()
	p, err := NewPaths()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	w := &Path{Name: filepath.Join(t.TempDir(), "x"), Holds: func() { t.Error("held after it was removed") }}
	if err := p.Add(w); err != nil {
		t.Fatal(err)
	}
	p.Remove(w)
	if err := os.WriteFile(w.Name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.Changed(); err != nil {
		t.Fatal(err)
	}
}

func TestListening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcpAddr := tcp.Addr().String()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udpAddr := udp.LocalAddr().String()
	path := filepath.Join(dir, "s")
	stream, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stream.SetUnlinkOnClose(false)
	gram, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "g"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer gram.Close()
	abstract, err := net.Listen("unix", "@orderly-test-"+filepath.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	s := NewSockets()
	defer s.Close()
	check := func(network, address string, want bool) {
		t.Helper()
		if got, err := s.Listening(network, address); got != want || err != nil {
			t.Errorf("%s:%s: %v, %v; want %v", network, address, got, err, want)
		}
	}
	check("tcp", tcpAddr, true)
	check("udp", udpAddr, true)
	check("tcp", "localhost:"+tcpAddr[len("127.0.0.1:"):], true)
	check("unix", path, true)
	check("unix", filepath.Join(dir, "g"), true)
	check("unix", filepath.Join(dir, "none"), false)
	check("unix", abstract.Addr().String(), true)
	check("unix", "@orderly-none", false)
	tcp.Close()
	udp.Close()
	stream.Close()
	check("tcp", tcpAddr, false)
	check("udp", udpAddr, false)
	check("unix", path, false) // the file is left: scenario 85
}

// The slow way must agree with sock_diag.
func TestProcAgrees(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	for _, host := range []string{"127.0.0.1", "::1"} {
		want := netip.AddrPortFrom(netip.MustParseAddr(host), port)
		if got, err := procInet("/proc/net", "tcp", want); !got || err != nil {
			t.Errorf("%v: %v, %v; want true", want, got, err)
		}
	}
	path := filepath.Join(t.TempDir(), "s")
	if got, err := procUnix("/proc/net", path); got || err != nil {
		t.Errorf("%s: %v, %v; want false", path, got, err)
	}
	u, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if got, err := procUnix("/proc/net", path); !got || err != nil {
		t.Errorf("%s: %v, %v; want true", path, got, err)
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "n")
	fd, err := Listen(path, os.Getuid(), os.Getgid())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("READY=1\nSTATUS=up \x1b[2J\nX=\n\nMAINPID=1\nEXTEND_TIMEOUT_USEC=2000000\nX_ORDERLY_CONDITION=a\nX_ORDERLY_CONDITION=!b")
	if err := unix.Sendmsg(c, text, unix.UnixRights(int(r.Fd())), &unix.SockaddrUnix{Name: path}, 0); err != nil {
		t.Fatal(err)
	}
	unix.Close(c)
	r.Close()
	m, from, err := Receive(fd)
	if err != nil {
		t.Fatal(err)
	}
	want := Message{Ready: true, Status: "up ?[2J", HasStatus: true, Extend: 2 * time.Second, Raises: []Raise{{"a", false}, {"b", true}}}
	if d := cmp.Diff(want, m); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Sender{os.Getpid(), os.Getuid()}, from); d != "" {
		t.Error(d)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("the descriptor that came along is still open")
	}
	if _, _, err := Receive(fd); err != unix.EAGAIN {
		t.Errorf("%v; want EAGAIN", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"READY=1", "MAINPID=1\nSTATUS=", "=\n==\n", "EXTEND_TIMEOUT_USEC=18446744073709551616", "X_ORDERLY_STATE=degraded", "WATCHDOG=1\nWATCHDOG=trigger",
		"X_ORDERLY_CONDITION=a\nX_ORDERLY_CONDITION=!a\nX_ORDERLY_CONDITION=!"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Parse(b)
		if m.Extend < 0 || m.MainPID < 0 || m.MainPID == 1 {
			t.Fatalf("%+v", m)
		}
	})
}

// What lies above the directory is replaced, and a link on the way is pointed elsewhere: the directory itself hears nothing.
func TestPathBehindWhatMoves(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(dir string) error{
		"directory": func(dir string) error { return os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "way")) },
		"link":      func(dir string) error { return os.Symlink("new", filepath.Join(dir, "way")) },
	} {
		dir := t.TempDir()
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "old/a/b"), 0o755), os.MkdirAll(filepath.Join(dir, "new/a/b"), 0o755),
			os.WriteFile(filepath.Join(dir, "new/a/b/c"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		way := filepath.Join(dir, "way")
		first := os.Rename
		if name == "link" {
			first = func(_, to string) error { return os.Symlink("old", to) }
		}
		if err := first(filepath.Join(dir, "old"), way); err != nil {
			t.Fatal(err)
		}
		p, err := NewPaths()
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		held := 0
		if err := p.Add(&Path{Name: filepath.Join(way, "a/b/c"), Holds: func() { held++ }}); err != nil || held != 0 {
			t.Fatalf("%s: held %d times before; %v", name, held, err)
		}
		if err := errors.Join(os.Rename(way, way+".gone"), replace(dir)); err != nil {
			t.Fatal(err)
		}
		await(t, p, &held)
		if len(p.waiting) != 0 || len(p.byWatch) != 0 {
			t.Fatalf("%s: left over: %v %v", name, p.waiting, p.byWatch)
		}
	}
}

// TestListenLeavesNothing: a socket that cannot be bound is closed, as often as that is tried.
func TestListenLeavesNothing(t *testing.T) {
	descriptors := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(entries)
	}
	before := descriptors()
	for range 100 {
		if _, err := Listen("/there/is/no/such/place", 0, 0); err == nil {
			t.Fatal("it listens nowhere")
		}
	}
	if now := descriptors(); now > before+50 { // tests beside it have some too
		t.Errorf("%d descriptors, and %d before", now, before)
	}
}
