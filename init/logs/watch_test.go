package logs

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// watch attaches a stream with a watch for a pattern; over tells how it ended.
func watch(t *testing.T, s *Sink, pattern string, rate int64) (w *Watch, pipe *os.File, reader int, over chan bool) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	again, err := unix.FcntlInt(uintptr(p[0]), unix.F_DUPFD_CLOEXEC, 3) // as the keeper holds it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(again) })
	over = make(chan bool, 2)
	w = &Watch{Matches: regexp.MustCompile(pattern).Match, Over: func(found bool) { over <- found }}
	s.Attach(Stream{Name: "a", Run: 1, Source: Out, FD: p[0], Rate: rate, Watch: w})
	pipe = os.NewFile(uintptr(p[1]), "pipe")
	t.Cleanup(func() { pipe.Close() })
	return w, pipe, again, over
}

// looked waits until the sink has looked at what is in the pipe.
func looked(s *Sink, w *Watch) {
	done := make(chan struct{})
	s.Look(w, func() { close(done) })
	<-done
}

func content(t *testing.T, fd int) string {
	t.Helper()
	var buf [1 << 16]byte
	unix.SetNonblock(fd, true)
	n, err := unix.Read(fd, buf[:])
	if err != nil && err != unix.EAGAIN {
		t.Fatal(err)
	}
	return string(buf[:max(n, 0)])
}

// What is waited for, and what has only begun, is there for the next reader when this one dies.
func TestWatchLeavesTheLineInThePipe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, wrote, left string
		found             bool
	}{
		{"found", "one\nready now\ntwo\n", "one\nready now\ntwo\n", true},
		{"no line yet", "one\nready", "ready", false},
		{"another line", "one\ntwo\n", "", false},
		{"carriage return", "ready\r\n", "ready\r\n", true},
	} {
		s, _ := sink(t, 1<<20)
		w, pipe, reader, over := watch(t, s, "^ready( now)?$", 0)
		pipe.WriteString(c.wrote)
		looked(s, w)
		if found := len(over) == 1 && <-over; found != c.found {
			t.Errorf("%s: found %v", c.name, found)
		}
		if d := cmp.Diff(c.left, content(t, reader)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		s.Stop()
	}
}

// In pieces, in one line without an end, over the rate limit, behind more than a pipe holds: found once, and all is logged.
func TestWatchFinds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name  string
		wrote []string
		rate  int64
		want  bool
	}{
		{"in pieces", []string{"re", "ad", "y", "\n"}, 0, true},
		{"in many pieces", append(strings.Split(strings.Repeat(".", 20), ""), " ready", "\n"), 0, true},
		{"behind a long beginning", []string{long, "ready\n"}, 0, true},
		{"without an end", []string{"ready"}, 0, true},
		{"over the rate limit", []string{strings.Repeat(long+"\n", 10), "ready\n"}, 1, true},
		{"behind a flood", []string{strings.Repeat(long+"\n", 200), "ready\n"}, 0, true},
		{"never", []string{"red\n", long, "y"}, 0, false},
		{"nothing", nil, 0, false},
	} {
		s, dir := sink(t, 1<<30)
		w, pipe, _, over := watch(t, s, "ready$", c.rate)
		for _, text := range c.wrote {
			pipe.WriteString(text)
			looked(s, w)
		}
		pipe.Close()
		if found := <-over; found != c.want {
			t.Errorf("%s: found %v", c.name, found)
		}
		s.Release(w)
		s.Stop()
		if got := strings.Join(messages(t, dir), ""); c.rate == 0 && got != strings.ReplaceAll(strings.Join(c.wrote, ""), "\n", "") {
			t.Errorf("%s: logged %d bytes", c.name, len(got))
		}
		if len(over) > 0 {
			t.Errorf("%s: told twice", c.name)
		}
	}
}

func messages(t *testing.T, dir string) []string {
	t.Helper()
	lines, err := Read(Query{Dir: dir, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

// A writer never waits for a watch, not even one whose pipe holds few packets and who ends no line.
func TestWatchHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s, _ := sink(t, 1<<20)
	_, pipe, _, _ := watch(t, s, "ready$", 0)
	unix.FcntlInt(pipe.Fd(), unix.F_SETPIPE_SZ, 1<<16)
	unix.FcntlInt(pipe.Fd(), unix.F_SETFL, unix.O_DIRECT)
	done := make(chan struct{})
	go func() {
		for range 500 {
			pipe.WriteString(".")
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the writer waits")
	}
	s.Stop()
}
