// Package poll is one goroutine over one epoll: descriptors with what to do when they are readable, functions
// posted from other goroutines, and the next deadline. The manager's loop and the log's loop are each one.
//
//	epoll ──► handlers by descriptor ─┐
//	Post  ──► functions, in order ────┼──► one goroutine
//	Deadline ─► Due ──────────────────┘
//
// It must not know what it waits for.
package poll

import (
	"encoding/binary"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Loop waits and calls. Add, Remove and the handlers belong to the goroutine of Run; Post may come from anywhere.
type Loop struct {
	// Before is called before each wait and says when to wake at the latest; ok unset is never.
	Before func() (at time.Duration, ok bool)

	epoll, event int
	handlers     []func() // by descriptor

	mu     sync.Mutex
	posted []func()
	closed bool
	spare  []func()
	stop   bool
}

// New makes a loop.
func New() (*Loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	l := &Loop{epoll: epoll, event: event}
	return l, l.Add(event, func() { Calm(event) })
}

// Add has f called whenever fd is readable or hung up. The descriptor stays the caller's.
func (l *Loop) Add(fd int, f func()) error { return l.add(fd, unix.EPOLLIN, f) }

// AddEdge is Add for one who leaves there what it has seen: f is called when there is more than before (epoll(7), EPOLLET).
func (l *Loop) AddEdge(fd int, f func()) error { return l.add(fd, unix.EPOLLIN|unix.EPOLLET, f) }

// AddPriority is Add for a file that tells of changes by a priority event, such as /proc/self/mountinfo (poll(2), POLLPRI).
func (l *Loop) AddPriority(fd int, f func()) error { return l.add(fd, unix.EPOLLPRI, f) }

func (l *Loop) add(fd int, events uint32, f func()) error {
	for len(l.handlers) <= fd {
		l.handlers = append(l.handlers, nil)
	}
	l.handlers[fd] = f
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd,
		&unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// Remove forgets a descriptor; it comes before closing it.
func (l *Loop) Remove(fd int) {
	if fd < 0 || fd >= len(l.handlers) || l.handlers[fd] == nil {
		return
	}
	l.handlers[fd] = nil
	unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

// Post has f called by the loop's goroutine, in the order of posting. It reports false once the loop has ended.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.posted = append(l.posted, f)
	if len(l.posted) == 1 {
		Bump(l.event)
	}
	return true
}

// Call posts f and waits until it has run. It reports false, with f not run, once the loop has ended. It must not
// be called by the loop's own goroutine.
func (l *Loop) Call(f func()) bool {
	done := make(chan struct{})
	if !l.Post(func() { defer close(done); f() }) {
		return false
	}
	<-done
	return true
}

// Stop makes Run return after the present round; only the loop's own goroutine calls it.
func (l *Loop) Stop() { l.stop = true }

// Run waits and calls until Stop. What is posted by then is still called.
func (l *Loop) Run() {
	var events [64]unix.EpollEvent
	for {
		timeout := l.timeout()
		if l.stop {
			break
		}
		n, err := unix.EpollWait(l.epoll, events[:], timeout)
		if err != nil {
			n = 0 // EINTR; no other error is possible for a valid epoll
		}
		for _, e := range events[:n] {
			if f := l.handlers[e.Fd]; f != nil {
				f()
			}
		}
		l.runPosted()
	}
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.runPosted()
	unix.Close(l.epoll)
	unix.Close(l.event)
}

func (l *Loop) runPosted() {
	l.mu.Lock()
	work := l.posted
	l.posted, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	for i, f := range work {
		f()
		work[i] = nil
	}
	l.spare = work
}

// timeout is the time to the next deadline in milliseconds, rounded up so that it is not woken too early.
func (l *Loop) timeout() int {
	if l.Before == nil {
		return -1
	}
	at, ok := l.Before()
	if !ok {
		return -1
	}
	return int((max(at-Now(), 0) + time.Millisecond - 1) / time.Millisecond)
}

// Now is CLOCK_MONOTONIC, the time since boot without suspend (clock_gettime(2)).
func Now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}

// Bump adds one to an eventfd, which cannot block before 2^64 (eventfd(2)).
func Bump(fd int) {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	for {
		if _, err := unix.Write(fd, one[:]); err != unix.EINTR {
			return
		}
	}
}

// Calm empties an eventfd that does not block.
func Calm(fd int) {
	var b [8]byte
	for {
		if _, err := unix.Read(fd, b[:]); err != unix.EINTR {
			return
		}
	}
}
