package boot

import (
	"bytes"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// Voice writes to a console that may be stuck (flow control, a hypervisor that does not read): its Write never
// waits, and what does not fit is lost.
type Voice struct {
	lines chan line
}

// line is some text to write, or the question whether all before it is written.
type line struct {
	text    []byte
	written chan struct{}
}

// voiceRoom is how many lines wait for a slow console.
const voiceRoom = 256

// NewVoice starts the one goroutine that waits for w; it lives as long as the program.
func NewVoice(w io.Writer) *Voice {
	v := &Voice{lines: make(chan line, voiceRoom)}
	go func() {
		for l := range v.lines {
			if l.written != nil {
				close(l.written)
				continue
			}
			w.Write(l.text)
		}
	}()
	return v
}

// Write queues b. It always succeeds.
func (v *Voice) Write(b []byte) (int, error) {
	select {
	case v.lines <- line{text: bytes.Clone(b)}:
	default:
	}
	return len(b), nil
}

// Drain waits until all that was written before is on the console, or the limit is over.
func (v *Voice) Drain(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	written := make(chan struct{})
	select {
	case v.lines <- line{written: written}:
	case <-timer.C:
		return
	}
	select {
	case <-written:
	case <-timer.C:
	}
}

// kmsgHead is the priority of what goes to the kernel's log (kmsg, syslog(3)): facility daemon, level debug. It is
// kept, but at the usual console level not printed a second time.
const kmsgHead = "<31>orderly: "

// toKernel puts a line into the kernel's log. It does not wait (Documentation/ABI/testing/dev-kmsg).
func toKernel(text string) {
	fd, err := unix.Open("/dev/kmsg", unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	unix.Write(fd, []byte(kmsgHead+text))
}
