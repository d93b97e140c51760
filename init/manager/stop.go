package manager

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// signalUnit carries out a Signal.
func (m *Manager) signalUnit(e supervisor.Signal) {
	u := m.units[e.Component]
	m.melt(u)
	switch state, _ := m.machine.StateOf(e.Component); {
	case state == supervisor.Starting && e.Signal == int(unix.SIGCONT):
		m.unhold(u, e.Run)
	case m.unqueue(e.Component, e.Run):
	case e.Group:
		for _, pid := range m.processes(u) {
			unix.Kill(pid, unix.Signal(e.Signal))
		}
		m.thaw(u)
	case u.main != nil && u.main.gate.closed():
		u.main.fault = &stepError{"hooks", errors.New("stopped before they had run")}
		m.signal(u.main, int(unix.SIGKILL))
	case u.main != nil && u.main.run == e.Run:
		m.tellUnheard(u, e.Signal)
		m.signal(u.main, e.Signal)
		m.thaw(u)
	}
}

// unhold lets a start go on that is held before its exec, or is to be. Its process may not have come to where it stops: it is told again then.
func (m *Manager) unhold(u *unit, run uint32) {
	p := u.main
	if p == nil || p.run != run {
		u.onward = run // it is not made yet
		return
	}
	if m.signal(p, int(unix.SIGCONT)); !p.slot.Ended() {
		m.in(10*time.Millisecond, func() {
			if u.main == p && !p.slot.Ended() {
				m.unhold(u, run)
			}
		})
	}
}

// melt lets a component take its stop signal, or have its stop_command run in its group, that the cgroup freezer holds. SIGKILL alone
// needs no thaw.
func (m *Manager) melt(u *unit) {
	if state, _ := m.machine.StateOf(u.number); m.tree == nil || state != supervisor.Stopping {
		return
	}
	if err := m.tree.Thaw(u.name); err != nil {
		m.complain(u, err.Error())
	}
}

// thaw lets a stopped or frozen process take its signal.
func (m *Manager) thaw(u *unit) {
	if u.main != nil && u.main.pid != 0 {
		m.signal(u.main, int(unix.SIGCONT))
	}
}

// unqueue takes a launch back that has not been made: there is nothing to signal or to kill.
func (m *Manager) unqueue(component int, run uint32) bool {
	if m.units[component].unfurnish(run) {
		m.post(supervisor.Lost{Component: component, Run: run})
		return true
	}
	for i, l := range m.queue {
		if l.Component == component && l.Run == run {
			m.queue = append(m.queue[:i], m.queue[i+1:]...)
			m.post(supervisor.Lost{Component: component, Run: run})
			return true
		}
	}
	return false
}

// signal sends a signal to one process, now or when it has landed. A pidfd is opened for it, and then the ring is
// asked: a pid whose exit is not there cannot have been given to another process.
func (m *Manager) signal(p *process, sig int) {
	if p.pid == 0 && (sig == int(unix.SIGKILL) || sig == int(unix.SIGCONT)) {
		p.signalEarly(unix.Signal(sig))
		return
	}
	if p.pid == 0 {
		p.pending = sig
		return
	}
	if p.pidfd != 0 {
		unix.PidfdSendSignal(p.pidfd, unix.Signal(sig), nil, 0)
		return
	}
	alive := func() bool { return !m.ring.Has(p.pid, max(p.after, m.seen)) }
	runtime.Signal(int(p.pid), unix.Signal(sig), alive)
}

// signalEarly kills or continues a child that has not executed yet: it hangs in a step, or is held there. The
// intermediate has not ended, so the child has not been reaped, and its pid is its own. One that executes before it is killed
// may have started others.
func (p *process) signalEarly(sig unix.Signal) {
	pid := p.slot.Started()
	there := pid != 0 && !p.slot.Ended()
	if there {
		unix.Kill(pid, sig)
	}
	if !there || sig == unix.SIGKILL {
		p.pending = int(sig)
	}
}

// killUnit carries out a Kill: everything that the component has started, at once.
func (m *Manager) killUnit(e supervisor.Kill) {
	u := m.units[e.Component]
	if m.unqueue(e.Component, e.Run) {
		return
	}
	if u.main != nil {
		m.signal(u.main, int(unix.SIGKILL))
	}
	m.callOffHooks(u)
	m.killGroup(u)
}

// runCommand carries out a RunCommand.
func (m *Manager) runCommand(e supervisor.RunCommand) {
	u := m.units[e.Component]
	m.melt(u)
	w, r := work{argv: u.def.StopCommand, action: u.def.StopAction}, stopRole
	if e.Command == supervisor.ReloadCommand {
		w, r = work{argv: u.def.ReloadCommand}, reloadRole
	}
	err := errUnknown
	if w.argv != nil || w.action != nil {
		err = m.startCommand(u, w, r, e.Run)
	}
	if err != nil {
		m.post(supervisor.CommandEnded{Component: e.Component, Run: e.Run, Command: e.Command, Why: err.Error()})
	}
}

// errUnknown is of a command that an earlier manager has begun, and an apply has taken away.
var errUnknown = errors.New("it is not in the configuration any more")

// startCommand starts a helper program of a component in the component's group.
func (m *Manager) startCommand(u *unit, w work, r role, run uint32) error {
	p, err := m.errand(u, w, r, run)
	if err == nil {
		u.command = p
	}
	return err
}

// errand starts a program other than the main one. Its output goes to the log of the component, and MAINPID tells it whom it is about.
func (m *Manager) errand(u *unit, w work, r role, run uint32) (*process, error) {
	s := &start{process: &process{unit: u, role: r, run: run}, ready: -1, beat: -1}
	var err error
	defer func() {
		if err != nil {
			m.undo(s)
		}
	}()
	if s.spec, err = m.spec(u, w, run); err != nil {
		return nil, err
	}
	if pid := u.mainPID(); pid != 0 {
		s.spec.Env = append(s.spec.Env, "MAINPID="+itoa(pid))
	}
	if furnished(u.def) && !w.outside {
		if err = errors.Join(m.asBundled(u, &s.spec), m.inContainer(u, s)); err != nil {
			return nil, err
		}
	}
	if err = m.attachCommand(s); err != nil {
		return nil, err
	}
	if err = m.enter(s.process, &s.spec); err != nil {
		return nil, err
	}
	m.hold(s.held)
	if err = m.take(s.process, s.spec); err != nil {
		return nil, err
	}
	for _, l := range s.logs {
		m.sink.Attach(l)
	}
	return s.process, nil
}

func (m *Manager) commandEnded(p *process, st supervisor.Status) {
	u := p.unit
	if p.role == hookRole {
		m.hookEnded(p, st, "")
		return
	}
	if p.role == inquiryRole {
		m.inquired(p, st, "")
		return
	}
	if u.command == p {
		u.command = nil
		if u.group == groupGone && m.tree != nil { // the group was empty before this exit was seen
			m.clean(u.name, 0)
		}
	}
	if u.main == nil && u.group == groupThere {
		m.killGroup(u) // what a stop_command leaves behind is nobody's
		m.emptied(u)
	}
	m.tellCommand(p, st, "")
}

// tellCommand tells the machine, or who waits for a tool, how a command ended.
func (m *Manager) tellCommand(p *process, st supervisor.Status, why string) {
	if p.role == toolRole {
		m.killGroup(p.unit) // what a tool leaves behind is nobody's
		p.unit.ended(st, why)
		return
	}
	m.post(supervisor.CommandEnded{Component: p.unit.number, Run: p.run, Command: p.role.command(), Status: st, Why: why})
}

// cancelCommand carries out a CancelCommand. The command's own children are in the component's group, which is
// emptied when the component is down.
func (m *Manager) cancelCommand(e supervisor.CancelCommand) {
	u := m.units[e.Component]
	if u.command == nil || u.command.run != e.Run {
		return
	}
	m.signal(u.command, int(unix.SIGKILL))
}
