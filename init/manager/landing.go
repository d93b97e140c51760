package manager

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// landed looks at the starts in flight: which have executed, and which have failed at which step.
func (m *Manager) landed() {
	m.flight = slices.DeleteFunc(m.flight, func(p *process) bool {
		if !p.slot.Ended() {
			return false
		}
		m.land(p)
		return true
	})
}

// land takes one start out of flight.
func (m *Manager) land(p *process) {
	err := p.failure()
	if p.fault == nil && p.gate.closed() && p.slot.Errno == int32(unix.ECANCELED) {
		p.fault = &stepError{"hooks", errors.New("killed before they had run")}
	}
	if p.fault != nil {
		err = p.fault
	}
	m.unload(p)
	if err != nil {
		m.crashed(p, err)
		return
	}
	m.tellMisses(p)
	p.pid = int32(p.slot.Started())
	if p.role == mainRole {
		p.unit.leader = p.pid
	}
	if p.pidfd == 0 { // else it is one that a manager which is dead has put in the place of the first
		m.byPID[p.pid] = p
	}
	if p.role == mainRole {
		m.post(supervisor.Launched{Component: p.unit.number, Run: p.run})
		m.await(p.unit)
		m.afterExec(p)
		m.inherit(p.unit)
	}
	if p.pending != 0 {
		m.signal(p, p.pending)
	}
	if p.pending == int(unix.SIGKILL) && p.role == mainRole {
		m.killGroup(p.unit)
	}
}

// unload gives back what a start needed until it landed.
func (m *Manager) unload(p *process) {
	m.leaveGate(p)
	if p.program != nil {
		m.spare = append(m.spare, p.program)
		p.program = nil
	}
	closeAll(p.close)
	p.close = nil
}

// leaveFlight takes a start out of flight whose run is let go: it has spoken before it was seen to land, here or by a manager that is dead.
// Its record is another's from then on, so nobody may write into it any more: the intermediate is about to, and is killed when it does
// not come to it.
func (m *Manager) leaveFlight(p *process) {
	i := slices.Index(m.flight, p)
	if i < 0 && p.unit.main == p {
		return // it was seen to
	}
	mid := p.slot.Intermediate()
	for n := 0; n < 250 && mid != 0 && !p.slot.Ended() && !runtime.Dead(mid); n++ {
		if n >= 50 {
			m.killStarting(mid, p.after)
		}
		time.Sleep(time.Millisecond)
	}
	if i >= 0 {
		m.flight = slices.Delete(m.flight, i, i+1)
		m.tellMisses(p)
	}
	if !p.slot.Ended() {
		p.program = nil // its memory is marked as in use for ever
	}
	m.unload(p)
	p.pid = int32(p.slot.Started())
	m.afterExec(p)
}

// failure is the step that failed, nil where none did. Of a start by a dead manager only the errno is known: the
// list was in its memory.
func (p *process) failure() error {
	errno := p.slot.Errno
	switch {
	case errno == 0:
		return nil
	case p.program != nil:
		return runtime.Failure(p.program.Steps(), p.slot)
	}
	if unix.Errno(errno) == unix.ECANCELED { // see Slot.Fail and Slot.Bar
		return &stepError{"start", errors.New("ended before its exec, and the manager that knew why has died")}
	}
	return &runtime.StepError{Step: "start", Errno: unix.Errno(errno)}
}

// crashed tells that a step between clone and exec failed. The child is gone or going; its exit means nothing more.
func (m *Manager) crashed(p *process, err error) {
	delete(m.byPID, p.pid) // where its pid is known already: it has been taken over, or its intermediate has fallen
	p.pid = 0
	u, step, why := p.unit, "start", err.Error()
	var s *runtime.StepError
	if errors.As(err, &s) {
		step, why = s.Step, s.Why()
	}
	var before *stepError
	if errors.As(err, &before) {
		step, why = before.step, before.err.Error()
	}
	m.release(p)
	if p.role == mainRole {
		p.slot.Fail()
		m.forget(u)
		failed := func() { m.post(supervisor.LaunchFailed{Component: u.number, Run: p.run, Step: step, Why: why}) }
		if !m.afterEnd(u, failed) {
			failed()
		}
		return
	}
	if p.role == hookRole {
		m.hookEnded(p, supervisor.Status{}, step+": "+why)
		return
	}
	if p.role == inquiryRole {
		m.inquired(p, supervisor.Status{}, step+": "+why)
		return
	}
	u.command = nil
	m.tellCommand(p, supervisor.Status{}, step+": "+why)
}

// forget ends what was watched for a run, and the run's main process with it.
func (m *Manager) forget(u *unit) {
	u.main = nil
	m.unwatch(u)
	if u.group == groupThere {
		u.group = groupDeserted
		m.deserted = append(m.deserted, u)
	}
}

// onLand is the handler of the eventfd that starts write to when they land.
func (m *Manager) onLand() {
	poll.Calm(keeper.LandFD)
	m.landed()
}

// fallen takes the exit of an intermediate that ended before it could say what became of its child: something
// killed it. A child that there is goes on, wherever it is by then, and tells into the record: it is killed, and the start is over with
// its exit.
func (m *Manager) fallen(pid int32) {
	i := slices.IndexFunc(m.flight, func(p *process) bool { return p.slot.Intermediate() == int(pid) && !p.slot.Ended() })
	if i < 0 {
		return
	}
	p := m.flight[i]
	child := p.slot.Started()
	if child == 0 || m.ring.Has(int32(child), p.after) {
		m.fell(p)
		return
	}
	p.pid = int32(child)
	m.byPID[p.pid] = p
	m.signal(p, int(unix.SIGKILL))
}

// fell takes the end of a start whose intermediate has ended before, and whose child is gone. What the child may have started by then
// is killed too; what a command may have, as what any command leaves.
func (m *Manager) fell(p *process) {
	m.flight = slices.DeleteFunc(m.flight, func(q *process) bool { return p == q })
	p.program = nil // its memory is marked as in use for ever
	m.unload(p)
	closeLeft(p.slot.Intermediate())
	if p.fault == nil {
		p.fault = errFallen
	}
	if p.role == mainRole {
		p.unit.leader = int32(p.slot.Started())
		if m.populated(p.unit) {
			m.killGroup(p.unit)
			m.awaitEmpty(p.unit)
		}
	}
	m.crashed(p, p.fault)
}

// closeLeft closes what an intermediate had open of its own files in /proc when it was killed: it shares our descriptors.
func closeLeft(pid int) { closeAll(leadingTo("self", "/proc/"+itoa(pid)+"/")) }

var errFallen = errors.New("the process that starts it was killed")

// endStart kills a start that a dead manager has begun, and waits a moment until nobody writes into its record any more: not its child,
// nor the intermediate, which may be about to make that.
func (m *Manager) endStart(slot *runtime.Slot) {
	for range 200 {
		if mid := slot.Intermediate(); !slot.Ended() && !runtime.Dead(mid) {
			m.killStarting(mid, 0)
		} else if pid := slot.Started(); pid == 0 || runtime.Dead(pid) {
			return
		} else if m.killStarting(pid, m.ring.Applied()); slot.Ended() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// killStarting kills a process of a start, unless an exit behind the given one is its own.
func (m *Manager) killStarting(pid int, after uint64) {
	runtime.Signal(pid, unix.SIGKILL, func() bool { return !m.ring.Has(int32(pid), after) })
}
