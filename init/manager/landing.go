package manager

import (
	"errors"
	"slices"

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
	m.leaveGate(p)
	if p.fault != nil {
		err = p.fault
	}
	if p.program != nil {
		m.spare = append(m.spare, p.program)
		p.program = nil
	}
	closeAll(p.close)
	p.close = nil
	if err != nil {
		m.crashed(p, err)
		return
	}
	m.tellMisses(p)
	p.pid = int32(p.slot.Started())
	if p.role == mainRole {
		p.unit.leader = p.pid
	}
	m.byPID[p.pid] = p
	if p.role == mainRole {
		m.post(supervisor.Launched{Component: p.unit.number, Run: p.run})
		m.await(p.unit)
		m.afterExec(p)
	}
	if p.pending != 0 {
		m.signal(p, p.pending)
	}
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
	return &runtime.StepError{Step: "start", Errno: unix.Errno(errno)}
}

// crashed tells that a step between clone and exec failed. The child is gone or going; its exit means nothing more.
func (m *Manager) crashed(p *process, err error) {
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
// killed it. What it may have started is killed with the component's group.
func (m *Manager) fallen(pid int32) {
	m.flight = slices.DeleteFunc(m.flight, func(p *process) bool {
		if p.slot.Intermediate() != int(pid) || p.slot.Ended() {
			return false
		}
		m.killGroup(p.unit)
		m.leaveGate(p)
		closeAll(p.close)
		p.close, p.program = nil, nil // the memory of the program may still be read: it is not used again
		m.crashed(p, errFallen)
		return true
	})
}

var errFallen = errors.New("the process that starts it was killed")
