package manager

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/targets"
)

// voice writes lines to the console. A console can stop for ever (flow control, a hypervisor that does not read):
// lines go through a queue, and what does not fit is dropped and counted.
type voice struct {
	lines   chan string
	done    chan struct{}
	dropped int
	color   bool
}

func newVoice(fd int) *voice {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	v := &voice{lines: make(chan string, 512), done: make(chan struct{}), color: err == nil}
	go func() {
		defer close(v.done)
		for l := range v.lines {
			for b := []byte(l); len(b) > 0; {
				n, err := unix.Write(fd, b)
				if err == unix.EAGAIN {
					unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
				} else if err != nil && err != unix.EINTR {
					break
				}
				b = b[max(n, 0):]
			}
		}
	}()
	return v
}

// close writes what is queued, but does not wait longer than a person would.
func (v *voice) close() {
	close(v.lines)
	select {
	case <-v.done:
	case <-time.After(time.Second):
	}
}

// line prints one event, component name first.
func (v *voice) line(level targets.Level, name, text string) {
	if v.dropped > 0 {
		v.offer(fmt.Sprintf("orderly: %d lines dropped: the console was too slow\n", v.dropped))
	}
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

func (v *voice) offer(l string) {
	select {
	case v.lines <- l:
		v.dropped = 0
	default:
		v.dropped++
	}
}
