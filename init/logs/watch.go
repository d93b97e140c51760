package logs

import (
	"bytes"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// Watch waits for a line of a stream. The line stays in the pipe until Release, and so does one that has only begun: what has been
// read of a pipe is lost with its reader, and the next reader is to find the line as well.
//
//	pipe ──tee──► lines ──Matches──► Over ──► ... ──► Release ──read──► log
type Watch struct {
	Matches func(line []byte) bool // called by the sink's goroutine
	Over    func(found bool)       // called by it, once: a line has matched, or no line will come any more

	stream *stream // nil once it is over, or before Attach
}

// Look looks through what is in the pipe of a watch, and calls done when that has been done: Over was called before, if it was at all.
func (s *Sink) Look(w *Watch, done func()) {
	s.loop.Post(func() {
		if w.stream != nil {
			s.read(w.stream.FD)
		}
		done()
	})
}

// Release ends a watch; its stream goes on as any other.
func (s *Sink) Release(w *Watch) {
	s.loop.Post(func() {
		st := w.stream
		if st == nil {
			return
		}
		st.Watch, w.stream, st.found = nil, nil, false
		s.loop.Remove(st.FD)
		if err := s.loop.Add(st.FD, func() { s.read(st.FD) }); err != nil {
			s.close(st.FD)
		}
	})
}

// watch begins one. What has only begun stays in the pipe, so the kernel tells of what is new and not of what is there.
func (s *Sink) watch(st *stream) error {
	st.Watch.stream = st
	return s.loop.AddEdge(st.FD, func() { s.read(st.FD) })
}

// beginningRoom is how much of a line that has only begun is left in a pipe, in bytes: far less than the smallest pipe holds, two
// pages (pipe(7)), so that no writer waits. beginningLooks is how often it is looked at: a program that makes its pipe one of
// packets (O_DIRECT) fills the smallest one with a few writes however short.
const (
	beginningRoom  = 2048
	beginningLooks = 8
)

// readWatched reads a stream up to the line that is waited for, or to one that has only begun.
func (s *Sink) readWatched(st *stream) {
	for range readBudget {
		if st.found {
			return
		}
		n, reads, ended, err := s.peek(st.FD)
		if err == unix.EAGAIN {
			st.crowded = false
			return
		}
		st.crowded = st.crowded || poll.Crowded(st.FD)
		ended = ended && poll.Waiting(st.FD) == n
		st.looks += reads
		whole := st.whole(s.buffer[:n], ended)
		if whole == 0 && !ended {
			s.lookSoon(st)
			return
		}
		if st.found = st.matches(s.buffer[:whole], ended); st.found {
			st.Watch.Over(true)
			return
		}
		if whole == 0 {
			s.close(st.FD)
			return
		}
		if s.take(st, whole) != nil {
			return
		}
	}
	s.loop.Post(func() { s.again(st) }) // the kernel does not tell again of what is there already
}

func (s *Sink) again(st *stream) {
	if s.streams[st.FD] == st {
		s.read(st.FD)
	}
}

// soon is when a pipe is looked at again whose writer may wait: beginningLooks times at most, then nothing is left in it.
const soon = 5 * time.Millisecond

// lookSoon looks again at a pipe that was so full that a writer may have had to wait. When it goes on in the middle of one write(2), and
// a beginning is left in the pipe, the kernel tells nobody: it wakes readers only where the pipe was empty, or at the end of the write.
func (s *Sink) lookSoon(st *stream) {
	if st.crowded && !slices.Contains(s.late, st) {
		s.late = append(s.late, st)
		s.next = poll.Now() + soon
	}
}

// lookAgain looks at those, and says when the next look is due.
func (s *Sink) lookAgain() (time.Duration, bool) {
	if len(s.late) > 0 && poll.Now() >= s.next {
		late := s.late
		s.late = nil
		for _, st := range late {
			s.again(st)
		}
	}
	return s.next, len(s.late) > 0
}

// peek copies what is in a pipe, and says whether there was no writer any more (tee(2) into a pipe of the sink's own). Nothing and
// no writer is the end, and so is a pipe that cannot be looked into.
func (s *Sink) peek(fd int) (n, reads int, ended bool, err error) {
	state := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	unix.Poll(state, 0)
	n, reads, err = poll.Peek(fd, s.scratch, s.buffer)
	if err != nil || n == 0 {
		return 0, 0, true, err
	}
	return n, reads, state[0].Revents&unix.POLLHUP != 0, nil
}

// whole says how much is to be looked at, and read if it is not what is waited for: the whole lines, and where there is none the
// beginning of one that cannot be left there.
func (st *stream) whole(b []byte, ended bool) int {
	if ended {
		return len(b)
	}
	if lines := bytes.LastIndexByte(b, '\n') + 1; lines > 0 {
		st.looks = 0
		return lines
	}
	if poll.Waiting(st.FD) > len(b) || len(b) >= beginningRoom || st.looks >= beginningLooks {
		st.looks = 0
		return len(b)
	}
	return 0
}

// matches says whether one of the lines that end in b is the one.
func (st *stream) matches(b []byte, ended bool) bool {
	found := false
	look := func(line []byte) {
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		found = found || st.Watch.Matches(line)
	}
	try := stream{rest: slices.Clone(st.rest)}
	try.feed(b, look)
	if ended && len(try.rest) > 0 {
		look(try.rest)
	}
	return found
}
