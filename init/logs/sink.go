package logs

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// Name is the file of Orderly's own lines.
const Name = "orderly"

// Sink reads the pipes and writes the files. Its methods may be called from any goroutine and never wait.
type Sink struct {
	loop    *poll.Loop
	done    chan struct{}
	files   files
	streams map[int]*stream // by descriptor
	batch   map[string][]byte
	lost    map[string]int64 // bytes that could not be written, by name
	waits   time.Duration    // when a batch that could not be written for want of a descriptor is tried again; 0 is none
	written []func()         // to be called when the batch has been
	subs    []*Subscription
	buffer  []byte
	scratch [2]int        // a pipe to look into others with
	late    []*stream     // to be looked at again
	next    time.Duration // when
}

// Subscription receives lines as they come; a slow receiver misses lines and is told how many.
type Subscription struct {
	Lines  chan Line
	missed int
}

// New starts a sink that writes into dir and rotates a file above max bytes.
func New(dir string, max int64) (*Sink, error) {
	loop, err := poll.New()
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	s := &Sink{
		loop: loop, done: make(chan struct{}), files: files{dir: dir, max: max}, streams: map[int]*stream{},
		batch: map[string][]byte{}, lost: map[string]int64{}, buffer: make([]byte, 64<<10),
	}
	if err := unix.Pipe2(s.scratch[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("log: %w", os.NewSyscallError("pipe2", err))
	}
	loop.Before = func() (time.Duration, bool) {
		at, again := s.lookAgain()
		s.flush()
		if s.waits != 0 && (!again || s.waits < at) {
			return s.waits, true
		}
		return at, again
	}
	go func() {
		defer close(s.done)
		loop.Run()
		s.flush()
		for _, fd := range s.scratch {
			unix.Close(fd)
		}
	}()
	return s, nil
}

// Configure changes the directory and the size for what comes.
func (s *Sink) Configure(dir string, max int64) {
	s.loop.Post(func() { s.files = files{dir: dir, max: max} })
}

// Attach reads a stream from now on.
func (s *Sink) Attach(st Stream) {
	s.loop.Post(func() {
		unix.SetNonblock(st.FD, true)
		to := &stream{Stream: st}
		s.streams[st.FD] = to
		add := func() error { return s.loop.Add(st.FD, func() { s.read(st.FD) }) }
		if st.Watch != nil {
			add = func() error { return s.watch(to) }
		}
		if err := add(); err != nil {
			s.close(st.FD)
		}
	})
}

// Say writes a line of Orderly's own about a component, or about itself when name is Name. All such lines are in
// one file: a thousand components that start are one write, not a thousand.
func (s *Sink) Say(name string, run uint32, text string) {
	s.Tell(Line{Name: name, Run: run, Text: text}, nil)
}

// Tell is Say of a line that may be of another time, and has a function called when it has been written.
func (s *Sink) Tell(l Line, written func()) {
	l.Source = Orderly
	if l.Mono == 0 {
		l.Wall, l.Mono = time.Now(), poll.Now()
	}
	s.loop.Post(func() {
		s.put(&l)
		if written != nil {
			s.written = append(s.written, written)
		}
	})
}

// Subscribe sends lines to a receiver from now on, until Cancel.
func (s *Sink) Subscribe() *Subscription {
	sub := &Subscription{Lines: make(chan Line, 512)}
	s.loop.Post(func() { s.subs = append(s.subs, sub) })
	return sub
}

// Cancel ends a subscription and closes its channel.
func (s *Sink) Cancel(sub *Subscription) {
	s.loop.Post(func() {
		for i := range s.subs {
			if s.subs[i] == sub {
				s.subs = append(s.subs[:i], s.subs[i+1:]...)
				close(sub.Lines)
				return
			}
		}
	})
}

// Sync waits until what was written into the pipes so far is in the files.
func (s *Sink) Sync() {
	s.loop.Call(func() {
		for _, fd := range s.descriptors() {
			s.read(fd)
		}
		s.flush()
	})
}

// Stop reads what is there, writes it and ends the sink.
func (s *Sink) Stop() {
	s.Sync()
	s.loop.Post(s.loop.Stop)
	<-s.done
}

func (s *Sink) descriptors() []int {
	fds := make([]int, 0, len(s.streams))
	for fd := range s.streams {
		fds = append(fds, fd)
	}
	sort.Ints(fds)
	return fds
}

// readBudget bounds what is taken from one pipe at a time, so that a flood does not hold up the others.
const readBudget = 4

// read takes lines out of a pipe when they are in the file: what has been read of a pipe is lost with its reader. One who dies in
// between leaves them for the next to write again.
func (s *Sink) read(fd int) {
	st := s.streams[fd]
	if st != nil && st.Watch != nil {
		s.readWatched(st)
		return
	}
	for range readBudget {
		if st == nil {
			return
		}
		n, _, err := poll.Peek(fd, s.scratch, s.buffer)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return
		case err != nil || n == 0:
			s.close(fd)
			return
		}
		if s.take(st, n) != nil || n < len(s.buffer) {
			return
		}
	}
}

// take writes what is in the buffer into the file, and takes it out of the pipe.
func (s *Sink) take(st *stream, n int) error {
	st.feed(s.buffer[:n], func(line []byte) { s.line(st, line) })
	s.flush()
	_, err := poll.Take(st.FD, s.buffer[:n])
	return err
}

// close ends a stream: what is left of a line is a line.
func (s *Sink) close(fd int) {
	st := s.streams[fd]
	if len(st.rest) > 0 {
		s.line(st, st.rest)
	}
	delete(s.streams, fd)
	s.loop.Remove(fd)
	unix.Close(fd)
	if w := st.Watch; w != nil {
		w.stream = nil
		w.Over(false)
	}
	if st.Closed != nil {
		st.Closed()
	}
}

// line keeps one line of a component within its rate.
func (s *Sink) line(st *stream, text []byte) {
	mono := poll.Now()
	if !st.admit(len(text)+linePrefix, mono) {
		return
	}
	if st.dropped > 0 {
		s.note(st, strconv.FormatInt(st.dropped, 10)+" bytes dropped: over the rate limit of "+
			strconv.FormatInt(st.Rate, 10)+" bytes per second", mono)
		st.dropped = 0
	}
	s.put(&Line{Name: st.Name, Wall: time.Now(), Mono: mono, Run: st.Run, Source: st.Source, Text: string(text)})
}

func (s *Sink) note(st *stream, text string, mono time.Duration) {
	s.put(&Line{Name: st.Name, Wall: time.Now(), Mono: mono, Run: st.Run, Source: Orderly, Text: text})
}

// put adds a line to the batch and tells the subscribers.
func (s *Sink) put(l *Line) {
	file, onDisk := l.Name, *l
	if l.Source == Orderly {
		file, onDisk.Text = Name, l.Name+": "+l.Text
	}
	s.batch[file] = appendLine(s.batch[file], &onDisk)
	for _, sub := range s.subs {
		sub.offer(*l)
	}
}

func (sub *Subscription) offer(l Line) {
	if sub.missed > 0 {
		gap := l
		gap.Source, gap.Text = Orderly, strconv.Itoa(sub.missed)+" lines missed: the reader was too slow"
		select {
		case sub.Lines <- gap:
			sub.missed = 0
		default:
			sub.missed++
			return
		}
	}
	select {
	case sub.Lines <- l:
	default:
		sub.missed++
	}
}

// What could not be written for want of a descriptor waits so long, as far as it is no more than this: there may be one again soon.
const (
	waitLimit = 64 << 10
	waitEvery = 100 * time.Millisecond
)

// flush writes the batch. What cannot be written is counted, and the count is written first as soon as that works.
func (s *Sink) flush() {
	s.waits = 0
	for name, b := range s.batch {
		size := int64(len(b))
		if n := s.lost[name]; n > 0 {
			l := Line{Wall: time.Now(), Mono: poll.Now(), Source: Orderly, Text: fmt.Sprintf("%d bytes lost: the log could not be written", n)}
			b = append(appendLine([]byte{'\n'}, &l), b...) // what a full disk cut off is a line of its own
		}
		err := s.files.write(name, b)
		if (errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)) && size < waitLimit {
			s.waits = poll.Now() + waitEvery
			continue
		}
		delete(s.batch, name)
		if err != nil {
			s.lost[name] += size
			continue
		}
		delete(s.lost, name)
	}
	if s.waits != 0 {
		return
	}
	for _, f := range s.written {
		f()
	}
	s.written = s.written[:0]
}
