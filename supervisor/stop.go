package supervisor

import (
	"iter"
	"slices"
	"time"
)

// killGrace is how long a killed component may take to be gone before it is reported as one that cannot die.
const killGrace = 5 * time.Second

// stopHolds yields the dependents of c that have to be gone first (rule 2): those that go as well, and those that are
// stopping already. One that cannot be killed holds nobody, and a oneshot that ended well does not go when its dependency
// restarts (R10).
func (m *Machine) stopHolds(c int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, list := range [4][]int{m.edges.neededBy[c], m.edges.anyOfBy[c], m.edges.wantedBy[c], m.edges.beforeOf[c]} {
			for _, d := range list {
				if v := m.units[d].view; v.has(viewGoes|viewMoving) && !v.has(viewStuck) && !yield(d) {
					return
				}
			}
		}
	}
}

func (m *Machine) mayStop(c int) bool {
	for range m.stopHolds(c) {
		return false
	}
	return true
}

// whyStop is the cause of a stop in order.
func (m *Machine) whyStop(c int) Cause {
	u := &m.units[c]
	switch {
	case m.ending.end != GoOn:
		return Cause{Code: EndOfAll, Text: m.ending.end.String()}
	case u.leaver:
		return Cause{Code: Removed}
	case u.stopped:
		return Cause{Code: StoppedByHand}
	case !u.wanted:
		return Cause{Code: NotWanted, Text: m.targetName(m.target)}
	case u.cycle:
		return Cause{Code: u.cycleCode()}
	}
	n := m.needed(c, func(n int) bool { return m.units[n].view.has(viewGoes) })
	if n == None { // it has died in its turn
		n = m.needed(c, func(n int) bool { return !m.serves(n) })
	}
	if n == None {
		return Cause{Code: DependencyStops}
	}
	return Cause{Code: DependencyStops, Text: m.name(n)}
}

// needed is the first dependency of c of which something is so, or None.
func (m *Machine) needed(c int, is func(n int) bool) int {
	for _, list := range [2][]int{m.edges.needs[c], m.edges.anyOf[c]} {
		if i := slices.IndexFunc(list, is); i >= 0 {
			return list[i]
		}
	}
	return None
}

func (u *unit) cycleCode() Code {
	if u.redefined {
		return Redefined
	}
	return RestartedByHand
}

// stop begins to end the run by the stop rule.
func (m *Machine) stop(c int, why Cause) {
	u := &m.units[c]
	served := u.state == Ready || u.state == Done
	m.cancel(c)
	command := served && u.def.HasStopCommand() && u.def.StopTimeout > 0
	if !u.main && !u.group && !command {
		u.cause = why
		m.ended(c)
		return
	}
	m.move(c, Stopping, why)
	if !command {
		m.press(c)
		return
	}
	u.command = StopCommand
	m.setDue(c, m.after(u.def.StopTimeout))
	m.emit(RunCommand{Component: c, Run: u.run, Command: StopCommand})
}

// press sends the stop signal, with the limit after which Kill follows; stop_timeout 0 kills at once.
func (m *Machine) press(c int) {
	u := &m.units[c]
	if u.def.StopTimeout <= 0 || u.hold { // what is held has not executed anything that could end in order
		m.kill(c)
		return
	}
	m.setDue(c, m.after(u.def.StopTimeout))
	m.emit(Signal{Component: c, Run: u.run, Signal: u.stopSignal(), Group: !u.main})
}

// kill ends every process of c, and whatever stop command still runs.
func (m *Machine) kill(c int) {
	u := &m.units[c]
	m.cancel(c)
	u.killed = true
	m.setDue(c, m.now+killGrace)
	m.changed(c)
	m.emit(Kill{Component: c, Run: u.run})
}

// killAgain kills what the main process of a killed component leaves: the first Kill may have come before that had made it.
func (m *Machine) killAgain(c int) bool {
	u := &m.units[c]
	if u.killed {
		m.emit(Kill{Component: c, Run: u.run})
	}
	return u.killed
}

func (m *Machine) cancel(c int) {
	u := &m.units[c]
	if u.command == 0 {
		return
	}
	m.emit(CancelCommand{Component: c, Run: u.run, Command: u.command})
	u.command = 0
	m.table.mark(c)
}

// stopTimedOut ends the patience: Kill, and when even that does not help, a report; the others go on.
func (m *Machine) stopTimedOut(c int) {
	u := &m.units[c]
	if !u.main && !u.group {
		m.cancel(c)
		m.ended(c)
		return
	}
	if !u.killed {
		m.emit(Changed{Component: c, Run: u.run, From: u.state, To: u.state, Reason: "not down within " + u.def.StopTimeout.String() + ": killed"})
		m.kill(c)
		return
	}
	u.stuck = true
	m.remark(c, Cause{Code: Unkillable})
}

// remark tells something about a component that stays in its state.
func (m *Machine) remark(c int, why Cause) {
	u := &m.units[c]
	m.emit(Changed{Component: c, Run: u.run, From: u.state, To: u.state, Reason: why.String()})
	m.changed(c)
}

// commandEnded goes on with the stop: a command that failed is replaced by the signal, and so is one that leaves
// processes behind without a main process.
func (m *Machine) commandEnded(c int, e CommandEnded) {
	u := &m.units[c]
	m.answerReload(c, e)
	if u.command != e.Command {
		return
	}
	u.command = 0
	if u.state == Ready {
		m.setDue(c, 0)
	}
	m.changed(c)
	failed := e.Why != "" || e.Status != (Status{})
	if failed {
		m.remark(c, Cause{Code: CommandFailed, Status: e.Status, Text: e.Why})
	}
	if u.state != Stopping {
		return
	}
	if !u.main && !u.group {
		m.ended(c)
		return
	}
	if failed || !u.main {
		m.emit(Signal{Component: c, Run: u.run, Signal: u.def.StopSignal, Group: !u.main})
		return
	}
	u.drains = true
}

// ended notes that no process is left: the component is down, unless its run failed and recovery says otherwise.
func (m *Machine) ended(c int) {
	u := &m.units[c]
	recovers := u.failing && u.wanted && !u.cycle && !u.along && m.ending.end == GoOn
	u.main, u.group, u.killed, u.stuck, u.drains = false, false, false, false, false
	u.hold, u.debug = false, false
	m.withdraw(c)
	u.counts = u.counts && (u.failing || u.along)
	u.cycle, u.redefined, u.along, u.aborting, u.command = false, false, false, false, 0
	m.setDue(c, 0)
	if recovers {
		m.afterFailure(c)
		return
	}
	u.failing = false
	m.move(c, Down, u.cause)
}
