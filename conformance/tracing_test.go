package conformance

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tracing is a tracer at work: it stops the manager, or what that starts, at one system call.
type tracing struct {
	w     *world
	input io.Closer
	lines chan string
}

// trace attaches to the manager that there is.
func (w *world) trace(args ...string) *tracing {
	w.Helper()
	if w.watching != nil {
		w.watching.answers.Held.Store(true)
	}
	c := w.Command(append(append([]string{filepath.Join(programs, "tracer")}, args...), strconv.Itoa(w.Manager()))...)
	in, err := c.StdinPipe()
	w.must(err)
	out, err := c.StdoutPipe()
	w.must(err)
	c.Stderr = c.Stdout
	w.must(c.Start())
	w.Cleanup(func() { in.Close() }) // it lets go, whatever has become of the test
	k := &tracing{w: w, input: in, lines: make(chan string, 8)}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.HasPrefix(s.Text(), "did freeze") {
				unix.Kill(w.Keeper, unix.SIGUSR1) // means nothing, but is to be answered: what owes nothing is not missed
			}
			k.lines <- s.Text()
		}
		close(k.lines)
		c.Wait()
	}()
	if line, _ := k.next(); line != "ready" {
		w.Fatalf("the tracer says %q", line)
	}
	return k
}

// next is what the tracer says next; ok is false when it has ended.
func (k *tracing) next() (line string, ok bool) {
	k.w.Helper()
	select {
	case line, ok = <-k.lines:
	case <-time.After(3 * patience):
		k.w.Fatalf("the tracer says nothing for %v", 3*patience)
	}
	return line, ok
}

// did waits until the tracer has done what it was told, and returns what it says of it.
func (k *tracing) did() string {
	k.w.Helper()
	line, ok := k.next()
	if !ok || !strings.HasPrefix(line, "did ") {
		k.w.Fatalf("the tracer says %q", line)
	}
	return line
}

// end has the tracer let go of everything. It returns how many calls there were, and what the tracer did, if it did.
func (k *tracing) end() (count int, story string) {
	k.w.Helper()
	k.input.Close()
	for line, ok := k.next(); ok; line, ok = k.next() {
		if strings.HasPrefix(line, "did ") {
			story += line + " "
		} else if _, err := fmt.Sscanf(line, "count %d", &count); err != nil {
			k.w.Errorf("the tracer says %q", line)
		}
	}
	return count, story
}
