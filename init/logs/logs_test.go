package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

func sink(t *testing.T, max int64) (*Sink, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log") // made when it is needed
	s, err := New(dir, max)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// pipe attaches a stream and returns its writing end and a channel that is closed with it.
func pipe(t *testing.T, s *Sink, st Stream) (*os.File, chan struct{}) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	st.FD, st.Closed = p[0], func() { close(done) }
	s.Attach(st)
	return os.NewFile(uintptr(p[1]), "pipe"), done
}

func texts(t *testing.T, q Query) []string {
	t.Helper()
	lines, err := Read(q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range lines {
		out = append(out, fmt.Sprintf("%s %d%c %s", l.Name, l.Run, l.Source, l.Text))
	}
	return out
}

func TestLinesComeBack(t *testing.T) {
	t.Parallel()
	s, dir := sink(t, 1<<20)
	w, closed := pipe(t, s, Stream{Name: "a", Run: 1, Source: Out})
	fmt.Fprint(w, "one\ntwo\x00\r\nno end")
	w.Close()
	<-closed
	s.Say("a", 1, "exit 1")
	s.Say(Name, 0, "target full: done in 3 ms")
	s.Stop()
	want := []string{"a 1o one", "a 1o two??", "a 1o no end", "a 1- exit 1"}
	if d := cmp.Diff(want, texts(t, Query{Dir: dir, Name: "a"})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(append(want, "orderly 0- target full: done in 3 ms"), texts(t, Query{Dir: dir})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[3:], texts(t, Query{Dir: dir, Name: "a", Last: 1})); d != "" {
		t.Error(d)
	}
	if got := texts(t, Query{Dir: dir, Since: time.Now().Add(time.Hour)}); got != nil {
		t.Error(got)
	}
}

func TestLongLineIsSplit(t *testing.T) {
	t.Parallel()
	s, dir := sink(t, 1<<20)
	w, closed := pipe(t, s, Stream{Name: "a", Source: Out})
	fmt.Fprint(w, strings.Repeat("x", 2*MaxLine+3)+"\nshort\n")
	w.Close()
	<-closed
	s.Stop()
	x := "a 0o " + strings.Repeat("x", MaxLine)
	if d := cmp.Diff([]string{x, x, "a 0o xxx", "a 0o short"}, texts(t, Query{Dir: dir, Name: "a"})); d != "" {
		t.Error(d)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	s, dir := sink(t, 10_000)
	w, closed := pipe(t, s, Stream{Name: "a", Source: Out})
	for i := range 2000 {
		fmt.Fprintf(w, "line %d\n", i)
		if i%20 == 0 {
			s.Sync() // more than one write
		}
	}
	w.Close()
	<-closed
	s.Stop()
	got := texts(t, Query{Dir: dir, Name: "a"})
	if len(got) == 0 || got[len(got)-1] != "a 0o line 1999" {
		t.Fatalf("%d lines, the last %q", len(got), got[len(got)-1:])
	}
	for i := 1; i < len(got); i++ {
		var a, b int
		fmt.Sscanf(got[i-1], "a 0o line %d", &a)
		fmt.Sscanf(got[i], "a 0o line %d", &b)
		if b != a+1 {
			t.Fatalf("line %d follows %d: lost or doubled", b, a)
		}
	}
	for _, f := range []string{"a.log", "a.log.1"} {
		if st, err := os.Stat(filepath.Join(dir, f)); err == nil && st.Size() > 100_000 {
			t.Errorf("%s has %d bytes", f, st.Size())
		}
	}
}

func TestRateLimitCountsWhatItDrops(t *testing.T) {
	t.Parallel()
	s := &stream{Stream: Stream{Rate: 100}}
	kept := 0
	for range 100 {
		if s.admit(10, time.Second) {
			kept++
		}
	}
	if kept != burst*10 || s.dropped != 600 {
		t.Fatalf("kept %d lines, dropped %d bytes; want %d and 600", kept, s.dropped, burst*10)
	}
	if !s.admit(10, 2*time.Second) || s.dropped != 600 {
		t.Fatal("a second later nothing is kept")
	}
}

// A directory that cannot be written: nothing waits, what is lost is counted, and it goes on when it can.
func TestLostIsCounted(t *testing.T) {
	t.Parallel()
	s, dir := sink(t, 1<<20)
	if err := os.WriteFile(dir, []byte("in the way"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, closed := pipe(t, s, Stream{Name: "a", Source: Out})
	for range 2 {
		fmt.Fprint(w, "lost\n")
		s.Sync()
	}
	os.Remove(dir)
	fmt.Fprint(w, "kept\n")
	w.Close()
	<-closed
	s.Stop()
	got := texts(t, Query{Dir: dir, Name: "a"})
	if len(got) != 2 || !strings.Contains(got[1], "bytes lost") || got[0] != "a 0o kept" {
		t.Fatalf("%q", got)
	}
	const line = len(wallForm) + len(" 0.000000 0o lost\n")
	if n, _ := strconv.Atoi(strings.Fields(got[1])[2]); n < 2*line || n > 2*line+20 {
		t.Errorf("%q; two lines of about %d bytes were lost", got[1], line)
	}
}

func TestSubscriberThatIsSlowIsTold(t *testing.T) {
	t.Parallel()
	s, _ := sink(t, 1<<20)
	sub := s.Subscribe()
	for i := range 1000 {
		s.Say("a", 0, fmt.Sprint(i))
	}
	s.Sync()
	for range cap(sub.Lines) {
		<-sub.Lines
	}
	s.Say("a", 0, "after")
	if l := <-sub.Lines; !strings.Contains(l.Text, "488 lines missed") {
		t.Errorf("%q", l.Text)
	}
	if l := <-sub.Lines; l.Text != "after" {
		t.Errorf("%q", l.Text)
	}
	s.Cancel(sub)
	s.Stop()
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte("2026-11-22T10:15:04.123456Z 12.345678 3o text"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := parseLine("a", b)
		if !ok {
			return
		}
		out := appendLine(nil, &l)
		if again, ok := parseLine("a", out[:len(out)-1]); !ok || again.Mono != l.Mono || again.Run != l.Run {
			t.Fatalf("%q: %+v, %+v", b, l, again)
		}
	})
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte("a\nb"), 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		s := &stream{}
		var out []byte
		line := func(l []byte) {
			if len(l) > MaxLine {
				t.Fatalf("a line of %d bytes", len(l))
			}
			out = append(append(out, l...), '\n')
		}
		n = min(max(n, 0), len(b))
		s.feed(b[:n], line)
		s.feed(b[n:], line)
		out = append(out, s.rest...)
		if len(b) < MaxLine && string(out) != string(b) {
			t.Fatalf("%q became %q", b, out)
		}
	})
}

// A line is taken out of its pipe only when it is in the file: whoever reads next finds what this one did not write.
func TestLineLeavesThePipeWhenItIsWritten(t *testing.T) {
	t.Parallel()
	s, _ := sink(t, 1<<20)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[1])
	seen := -1
	s.loop.Call(func() {
		st := &stream{Stream: Stream{Name: "a", FD: p[0]}}
		s.streams[p[0]] = st
		unix.Write(p[1], []byte("a line\n"))
		s.written = append(s.written, func() { seen = poll.Waiting(p[0]) })
		s.read(p[0])
	})
	if seen != len("a line\n") {
		t.Errorf("%d bytes were in the pipe when the file was written", seen)
	}
	if n := poll.Waiting(p[0]); n != 0 {
		t.Errorf("%d bytes are in the pipe afterwards", n)
	}
	s.Stop()
}
