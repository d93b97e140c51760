package manager

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/targets"
)

// queued is how many lines wait for the console at most.
const queued = 512

// voice writes lines to the console. A console can stop for ever (flow control, a hypervisor that does not read): lines wait, the
// newest of them, and what does not fit is dropped and counted.
type voice struct {
	mu      sync.Mutex
	lines   []string
	dropped int // before the first of them
	closed  bool
	more    chan struct{} // there is something to write
	done    chan struct{}
	color   bool
}

func newVoice(fd int) *voice {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	v := &voice{more: make(chan struct{}, 1), done: make(chan struct{}), color: err == nil}
	go func() {
		defer close(v.done)
		for l, ok := v.next(); ok; l, ok = v.next() {
			writeAll(fd, l)
		}
	}()
	return v
}

func writeAll(fd int, l string) {
	for b := []byte(l); len(b) > 0; {
		n, err := unix.Write(fd, b)
		if err == unix.EAGAIN {
			unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		} else if err != nil && err != unix.EINTR {
			return
		}
		b = b[max(n, 0):]
	}
}

// next waits for what is to be written next; there is nothing any more when the voice is closed.
func (v *voice) next() (l string, ok bool) {
	for {
		v.mu.Lock()
		l, ok = v.take()
		over := v.closed
		v.mu.Unlock()
		if ok || over {
			return l, ok
		}
		<-v.more
	}
}

func (v *voice) take() (l string, ok bool) {
	switch {
	case v.dropped > 0:
		l = fmt.Sprintf("orderly: %d lines dropped: the console was too slow\n", v.dropped)
		v.dropped = 0
	case len(v.lines) > 0:
		l = v.lines[0]
		v.lines = v.lines[1:]
	default:
		return "", false
	}
	return l, true
}

// close writes what is queued, but does not wait longer than a person would.
func (v *voice) close() {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.wake()
	select {
	case <-v.done:
	case <-time.After(time.Second):
	}
}

func (v *voice) wake() {
	select {
	case v.more <- struct{}{}:
	default: // it has been woken already
	}
}

// line prints one event, component name first.
func (v *voice) line(level targets.Level, name, text string) {
	now := poll.Now()
	l := fmt.Sprintf("[%5d.%03d] %s: %s\n", now/time.Second, now%time.Second/time.Millisecond, name, text)
	if name == logs.Name {
		l = strings.Replace(l, logs.Name+": ", "", 1)
	}
	if v.color {
		l = tint(level, l)
	}
	v.offer(l)
}

func tint(level targets.Level, l string) string {
	switch {
	case level >= targets.Error:
		return "\x1b[31m" + strings.TrimSuffix(l, "\n") + "\x1b[0m\n"
	case level == targets.Warning:
		return "\x1b[33m" + strings.TrimSuffix(l, "\n") + "\x1b[0m\n"
	}
	return l
}

// offer adds a line, at the cost of the oldest one where there is no room.
func (v *voice) offer(l string) {
	v.mu.Lock()
	if len(v.lines) == queued {
		v.lines = v.lines[1:]
		v.dropped++
	}
	v.lines = append(v.lines, l)
	v.mu.Unlock()
	v.wake()
}
