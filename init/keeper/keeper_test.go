package keeper

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (a, b *Link) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = NewLink(fds[0]), NewLink(fds[1])
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestMessagesCarryDescriptors(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sent := Message{Kind: Hold, Value: 7, Tags: []Tag{{Output, 3, 0xfeed}, {Notify, 0, 1}}}
	withFiles := sent
	withFiles.Files = []int{int(w.Fd()), int(r.Fd())}
	if err := a.Send(withFiles); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if m, err := b.Peek(); err != nil || m.Kind != Hold {
		t.Fatalf("%+v, %v", m, err)
	} else {
		closeAll(m.Files)
	}
	got, err := b.Receive(true)
	if err != nil || len(got.Files) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	defer closeAll(got.Files)
	if _, err := unix.Write(got.Files[0], []byte("x")); err != nil {
		t.Errorf("the descriptor that came does not write: %v", err)
	}
	got.Files = nil
	if d := cmp.Diff(sent, got); d != "" {
		t.Error(d)
	}
	if _, err := b.Receive(false); err != unix.EAGAIN {
		t.Errorf("%v; want EAGAIN", err)
	}
	a.Close()
	if _, err := b.Receive(true); err != ErrClosed {
		t.Errorf("%v; want ErrClosed", err)
	}
}

// The keeper hands over what it holds, however much that is; a tag that is used again replaces, and drop closes.
func TestHeld(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	h := held{}
	const n = 3*MaxTags + 5
	for i := range n {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		h.hold(Message{Tags: []Tag{{Use: Readiness, Name: uint64(i)}}, Files: []int{fd}})
	}
	again, err := unix.Open("/dev/zero", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.hold(Message{Tags: []Tag{{Use: Readiness, Name: 1}}, Files: []int{again}})
	h.drop([]Tag{{Use: Readiness, Name: 0}, {Use: Output, Name: 1}})
	sent := make(chan error)
	go func() { sent <- h.send(a) }()
	got := map[uint64]bool{}
	for {
		m, err := b.Receive(true)
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == HeldEnd {
			break
		}
		for _, tag := range m.Tags {
			got[tag.Name] = true
		}
		if len(m.Tags) != len(m.Files) {
			t.Errorf("%d tags with %d descriptors", len(m.Tags), len(m.Files))
		}
		closeAll(m.Files)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if len(got) != n-1 || got[0] {
		t.Errorf("%d came; want %d without the dropped one", len(got), n-1)
	}
	for tag := range h {
		h.drop([]Tag{tag})
	}
}

func ring(t *testing.T) *Ring {
	t.Helper()
	fd, err := NewRing()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	r, err := MapRing(fd)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRing(t *testing.T) {
	t.Parallel()
	r := ring(t)
	if _, ok := r.After(0); ok {
		t.Error("an empty ring has an exit")
	}
	for pid := range int32(ringSize) {
		r.append(Exit{PID: pid + 10})
	}
	if !r.full() {
		t.Error("a full ring says that it has room")
	}
	if e, ok := r.After(0); !ok || e.Seq != 1 || e.PID != 10 {
		t.Errorf("the first: %+v, %v", e, ok)
	}
	if !r.Has(12, 2) || r.Has(12, 3) || r.Has(5, 0) {
		t.Error("Has is wrong about what is behind a number")
	}
	r.Apply(5)
	if r.full() {
		t.Error("what has been applied leaves no room")
	}
	r.append(Exit{PID: 99})
	if e, ok := r.After(ringSize); !ok || e.PID != 99 || e.Seq != ringSize+1 {
		t.Errorf("the newest: %+v, %v", e, ok)
	}
	if e, ok := r.After(0); !ok || e.Seq != 2 {
		t.Errorf("the oldest that is left: %+v, %v", e, ok)
	}
}

func TestDeaths(t *testing.T) {
	t.Parallel()
	var d deaths
	for i, row := range []struct {
		at   time.Duration
		want int
	}{{0, 1}, {time.Second, 2}, {59 * time.Second, 3}, {60 * time.Second, 3}, {61 * time.Second, 3}, {10 * time.Minute, 1}} {
		if got := d.add(row.at); got != row.want {
			t.Errorf("%d. at %v: %d; want %d", i, row.at, got, row.want)
		}
	}
	for range 20 {
		d.add(11 * time.Minute)
	}
	if got := d.add(11 * time.Minute); got < giveUpAfter {
		t.Errorf("many at once count as %d", got)
	}
}

func TestFinishValue(t *testing.T) {
	t.Parallel()
	v := FinishValue(3, 1, true)
	if uint8(v) != 3 || v>>8&0xff != 1 || v>>16&1 != 1 {
		t.Errorf("%x", v)
	}
}

func FuzzDecode(f *testing.F) {
	m := Message{Kind: Hold, Value: 1, Tags: []Tag{{Output, 2, 3}}}
	f.Add(m.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b, nil)
		if err != nil {
			return
		}
		if d := cmp.Diff(b, m.Append(nil)); d != "" {
			t.Fatal(d)
		}
	})
}
