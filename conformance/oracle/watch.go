package oracle

import (
	"fmt"
	"os"
	"time"
)

const (
	pause      = 8 * time.Millisecond
	lastZombie = 4 * time.Second // the oldest that may be: one second, and what a loaded machine adds
	lastAsleep = 10              // how often in a row the manager is seen to sleep and not to be woken by a signal
	longAsleep = time.Second / 4 // and how long
	busyAsleep = 2 * time.Second // the same on a busy machine, where it waits longer for the exec of a child
)

// Watch looks at the processes below a keeper, again and again. One goroutine has it.
type Watch struct {
	proc    string
	keeper  int
	finds   func(format string, args ...any)
	seen    Known
	zombies map[[2]uint64]time.Time // when each was seen first
	asleep  int                     // looks in a row
	since   time.Time               // the first of them
}

// NewWatch is a watch of one keeper. What a look finds is told as it is found, so more than once.
func NewWatch(proc string, keeper int, finds func(format string, args ...any)) *Watch {
	return &Watch{proc: proc, keeper: keeper, finds: finds, seen: Known{}, zombies: map[[2]uint64]time.Time{}}
}

// Run looks again and again until over is closed, every 8 ms and in one part of the parts of a processor at most: what is looked at needs it
// more. What each look saw is given to saw.
func (w *Watch) Run(over <-chan struct{}, parts int, saw func([]Process)) {
	for {
		begin := time.Now()
		saw(w.Look())
		select {
		case <-over:
			return
		case <-time.After(max(pause, time.Since(begin)*time.Duration(parts-1))):
		}
	}
}

// Look is one look: two runs of a component are not alive at once, no child of the keeper stays dead for long, and the
// manager does not sleep in the kernel. All processes that it saw are returned.
func (w *Watch) Look() []Process {
	list := Tree(w.proc, w.keeper, w.seen)
	w.oneRun(list)
	w.noZombie(list)
	w.awake(list)
	return list
}

// awake finds a manager whose first thread, which does everything that must not wait, waits in the kernel for long (state D in proc(5)).
func (w *Watch) awake(list []Process) {
	manager := Manager(w.proc, w.keeper)
	for _, p := range list {
		if p.PID == manager && p.State == 'D' {
			if w.asleep == 0 {
				w.since = time.Now()
			}
			if w.asleep++; w.asleep >= lastAsleep && (time.Since(w.since) > busyAsleep || time.Since(w.since) > longAsleep && !Busy()) {
				w.finds("the manager sleeps and no signal wakes it")
			}
			return
		}
	}
	w.asleep = 0
}

// oneRun finds processes of two runs of one component that were alive at one instant: the second was seen between two
// looks at the first.
func (w *Watch) oneRun(list []Process) {
	for i := range list {
		for j := range list {
			p, q := &list[i], &list[j]
			if p.Component == "" || p.Component != q.Component || p.Run >= q.Run || !p.Alive() || !q.Alive() {
				continue
			}
			if p.Same(w.proc) && q.Same(w.proc) && p.Same(w.proc) {
				w.finds("%s: runs %d (process %d) and %d (process %d) at once", p.Component, p.Run, p.PID, q.Run, q.PID)
			}
		}
	}
}

// noZombie finds dead children of the keeper that nobody has reaped for long.
func (w *Watch) noZombie(list []Process) {
	for _, p := range list {
		key := p.key()
		switch at, ok := w.zombies[key]; {
		case p.Alive() || p.Parent != w.keeper:
			delete(w.zombies, key)
		case !ok:
			w.zombies[key] = time.Now()
		case time.Since(at) > lastZombie:
			w.finds("process %d is a zombie for more than %v", p.PID, lastZombie)
		}
	}
}

// Busy says whether somebody on this machine waited for a processor for half of the last 10 seconds (Documentation/accounting/psi.rst).
func Busy() bool {
	var percent float64
	b, _ := os.ReadFile("/proc/pressure/cpu")
	fmt.Sscanf(string(b), "some avg10=%f", &percent)
	return percent > 50
}
