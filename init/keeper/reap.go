package keeper

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// reaper waits for every child, known or not, for ever, and writes each exit into the ring. It runs on a thread
// of its own: a blocked wait4(2) notices an exit in half the time that SIGCHLD through the runtime takes.
type reaper struct {
	ring    *Ring
	wake    int          // eventfd of the manager
	nudge   int          // eventfd of the keeper's loop
	manager atomic.Int32 // pid of the manager; 0 is none
	ended   atomic.Int64 // wait status of the manager that ended, plus one; 0 is none
	seen    atomic.Int64 // when the loop was last told that there are exits, CLOCK_MONOTONIC
	child   chan struct{}

	starting sync.Mutex // held while a manager is started, until its pid is in manager

	rest           atomic.Int32  // working, toRest or resting
	parked, resume chan struct{} // it has come to rest; it may go on
}

// The states of reaper.rest.
const (
	working int32 = iota
	toRest        // to come to rest before the next child
	resting
)

func newReaper(ring *Ring, wake, nudge int) *reaper {
	return &reaper{ring: ring, wake: wake, nudge: nudge, child: make(chan struct{}, 1), parked: make(chan struct{}, 1), resume: make(chan struct{})}
}

// glance is how often the loop looks whether the manager keeps up while exits come in: waking it at each would
// double the cost of an exit.
const glance = time.Second

// run never returns. Where there is no child it sleeps until one is started or SIGCHLD tells of an adopted one.
func (r *reaper) run() {
	for {
		if r.rest.CompareAndSwap(toRest, resting) {
			r.parked <- struct{}{}
			<-r.resume
		}
		if r.ring.full() {
			r.reapManager()
			unix.Poll(nil, 10) // the kernel keeps the exits meanwhile; the manager is behind or away
			continue
		}
		var status unix.WaitStatus
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WALL, &usage)
		switch err {
		case nil:
			r.take(pid, status, &usage)
		case unix.ECHILD:
			<-r.child
		}
	}
}

// comesToRest waits so many milliseconds for that.
func (r *reaper) comesToRest(ms int) bool {
	select {
	case <-r.parked:
		return true
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return false
	}
}

// goOn ends a rest, also one that has only been asked for.
func (r *reaper) goOn() {
	if r.rest.CompareAndSwap(toRest, working) {
		return
	}
	r.rest.Store(working)
	r.resume <- struct{}{}
	select {
	case <-r.parked: // nobody has waited for it
	default:
	}
}

// started tells the reaper that there is a child again.
func (r *reaper) started() {
	select {
	case r.child <- struct{}{}:
	default:
	}
}

// take records one exit. The manager's own goes to the keeper's loop, every other one into the ring.
func (r *reaper) take(pid int, status unix.WaitStatus, usage *unix.Rusage) {
	r.starting.Lock()
	isManager := r.manager.CompareAndSwap(int32(pid), 0)
	r.starting.Unlock()
	if isManager {
		r.lost(status)
		return
	}
	r.ring.append(Exit{
		PID:    int32(pid),
		Status: uint32(status),
		CPU:    usage.Utime.Nano() + usage.Stime.Nano(),
		MaxRSS: int64(usage.Maxrss),
		Time:   poll.Now().Nanoseconds(),
	})
	poll.Bump(r.wake)
	if at := poll.Now(); at-time.Duration(r.seen.Load()) > glance {
		r.seen.Store(int64(at))
		poll.Bump(r.nudge)
	}
}

// reapManager looks for the manager alone: while the ring is full nothing else may be reaped.
func (r *reaper) reapManager() {
	pid := r.manager.Load()
	if pid == 0 {
		return
	}
	var status unix.WaitStatus
	if got, _ := unix.Wait4(int(pid), &status, unix.WNOHANG|unix.WALL, nil); got == int(pid) && r.manager.CompareAndSwap(pid, 0) {
		r.lost(status)
	}
}

// lost tells the loop how the manager ended, by whoever has taken it out of r.manager.
func (r *reaper) lost(status unix.WaitStatus) {
	r.ended.Store(int64(status) + 1)
	poll.Bump(r.nudge)
}
