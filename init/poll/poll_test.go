package poll

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLoop(t *testing.T) {
	t.Parallel()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	var order []string
	rounds := 0
	l.Before = func() (time.Duration, bool) { rounds++; return 0, false }
	if err := l.Add(p[0], func() {
		order = append(order, "readable")
		l.Remove(p[0])
		l.Post(func() { order = append(order, "posted by a handler"); l.Stop() })
	}); err != nil {
		t.Fatal(err)
	}
	l.Post(func() { order = append(order, "first") })
	l.Post(func() { order = append(order, "second"); unix.Write(p[1], []byte("x")) })
	done := make(chan struct{})
	go func() { defer close(done); l.Run() }()
	<-done
	want := []string{"first", "second", "readable", "posted by a handler"}
	if !slices.Equal(order, want) {
		t.Errorf("%q; want %q", order, want)
	}
	if l.Post(func() {}) || l.Call(func() {}) {
		t.Error("a loop that has ended takes work")
	}
	if rounds < 3 {
		t.Errorf("Before was called %d times", rounds)
	}
}

// A Stop from Before ends the loop without another wait.
func TestStopInBefore(t *testing.T) {
	t.Parallel()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	l.Before = func() (time.Duration, bool) { l.Stop(); return 0, false }
	l.Run()
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	at := Now() + 20*time.Millisecond
	l.Before = func() (time.Duration, bool) {
		if Now() >= at {
			l.Stop()
		}
		return at, true
	}
	l.Run()
	if late := Now() - at; late < 0 {
		t.Errorf("woken %v too early", -late)
	}
}

// What is in a pipe of packets is seen whole, and nothing of it is left for who looks into another pipe.
func TestPeekSeesAllPackets(t *testing.T) {
	t.Parallel()
	var scratch, packets, other [2]int
	for _, p := range []*[2]int{&scratch, &packets, &other} {
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(p[0])
		defer unix.Close(p[1])
	}
	if _, err := unix.FcntlInt(uintptr(packets[1]), unix.F_SETFL, unix.O_DIRECT|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two\n"} {
		unix.Write(packets[1], []byte(text))
	}
	unix.Write(other[1], []byte("other"))
	b := make([]byte, 64)
	if n, reads, err := Peek(packets[0], scratch, b); string(b[:n]) != "onetwo\n" || reads != 2 || err != nil {
		t.Errorf("%q in %d reads, %v", b[:n], reads, err)
	}
	if n, _, err := Peek(other[0], scratch, b); string(b[:n]) != "other" || err != nil {
		t.Errorf("in another pipe: %q, %v", b[:n], err)
	}
	if _, err := Take(packets[0], b[:7]); err != nil || Waiting(packets[0]) != 0 {
		t.Errorf("%v, %d bytes are left", err, Waiting(packets[0]))
	}
}
