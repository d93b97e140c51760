package logs

import (
	"bytes"
	"time"
)

// Stream is one pipe that a component writes into.
type Stream struct {
	Name   string
	Run    uint32
	Source Source
	FD     int    // reading end; the sink owns and closes it
	Rate   int64  // bytes per second that are kept; 0 is all
	Watch  *Watch // a line that is waited for; nil is none
	Closed func() // called by the sink's goroutine once the last writer is gone
}

// stream is a Stream being read: the unfinished line and the rate.
type stream struct {
	Stream
	rest    []byte
	budget  int64
	filled  time.Duration
	dropped int64 // bytes over the rate since the last line that was kept
	found   bool  // the line that is waited for is in the pipe, and is not to be read yet
	looks   int   // at the beginning of a line in the pipe
	crowded bool  // the pipe was nearly full since it was last empty
}

// burst is how many seconds of its rate a stream may keep at once.
const burst = 4

// feed takes what was read and calls line for each whole line, newline removed.
func (s *stream) feed(b []byte, line func([]byte)) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		room := MaxLine - len(s.rest)
		switch {
		case i >= 0 && i <= room:
			line(s.join(b[:i]))
			b = b[i+1:]
		case len(b) > room:
			line(s.join(b[:room]))
			b = b[room:]
		default:
			s.rest = append(s.rest, b...)
			return
		}
	}
}

// join ends the unfinished line with b.
func (s *stream) join(b []byte) []byte {
	if len(s.rest) == 0 {
		return b
	}
	b = append(s.rest, b...)
	s.rest = s.rest[:0]
	return b
}

// admit says whether n more bytes are within the rate.
func (s *stream) admit(n int, now time.Duration) bool {
	if s.Rate <= 0 {
		return true
	}
	if gain := int64((now - s.filled).Seconds() * float64(s.Rate)); gain > 0 || s.filled == 0 {
		s.budget = min(s.budget+gain, s.Rate*burst)
		if s.filled == 0 {
			s.budget = s.Rate * burst
		}
		s.filled = now
	}
	if s.budget < int64(n) {
		s.dropped += int64(n)
		return false
	}
	s.budget -= int64(n)
	return true
}
