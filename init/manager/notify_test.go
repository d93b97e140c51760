package manager

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

// What waits for several components that speak without end goes on after their budgets, wherever in its own each of them is.
func TestFloodsAreWaitedForOnce(t *testing.T) {
	t.Parallel()
	m := &Manager{}
	var units []*unit
	var writers []int
	for range 2 {
		u, writer := speaking(t)
		units, writers = append(units, u), append(writers, writer)
	}
	waits := func(units ...*unit) (any bool) {
		for i, u := range units {
			unix.Write(writers[i], []byte("WATCHDOG=1"))
			any = m.unheard(u) || any
		}
		for _, f := range m.stored {
			f()
		}
		m.stored = m.stored[:0]
		return any
	}
	for range notifyBudget / 2 { // its window has ended before that of the other
		waits(units[0])
	}
	for range notifyBudget {
		if !waits(units...) {
			t.Fatal("it is not waited for the second one")
		}
	}
	if waits(units...) {
		t.Error("it is waited for ever")
	}
}

// An exit asks for what is on the socket, and epoll tells of it, in one round: it is heard once.
func TestHeardOnceInARound(t *testing.T) {
	t.Parallel()
	m := &Manager{}
	u, writer := speaking(t)
	u.group, u.def.Heartbeat.Via = groupThere, targets.ViaNotify
	unix.Write(writer, []byte("WATCHDOG=1"))
	if !m.unheard(u) {
		t.Error("it is not heard")
	}
	m.onNotify(u)
	if u.beat.notified != 1 {
		t.Errorf("one beat counts as %d", u.beat.notified)
	}
}

// speaking is a component with a notify socket, and the end that it writes to.
func speaking(t *testing.T) (*unit, int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(ends[:]) })
	u := newUnit(0, &targets.Component{Name: "a"})
	u.notify = ends[0]
	return u, ends[1]
}
