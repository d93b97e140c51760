package supervisor

import (
	"slices"

	"github.com/orderly-init/orderly/targets"
)

// launchFailed notes that no program ran: there is no process to wait for.
func (m *Machine) launchFailed(c int, e LaunchFailed) {
	u := &m.units[c]
	u.main, u.group = false, false
	m.changed(c)
	if u.state == Stopping {
		m.runOver(c)
		return
	}
	m.failed(c, Cause{Code: ExecFailed, Text: stepText(e.Step, e.Why)})
}

// mainExited notes how the main process ended, and what that means.
func (m *Machine) mainExited(c int, e Exited) {
	u := &m.units[c]
	u.exitSeq = max(u.exitSeq, e.Seq)
	if !u.main {
		if e.Empty {
			m.emptied(c)
		}
		return
	}
	u.main, u.exit, u.exited = false, e.Status, true
	m.exitTold(c)
	u.group = u.group && !e.Empty
	m.changed(c)
	switch u.state {
	case Starting:
		if !u.forked() {
			m.exitedEarly(c, e)
		}
	case Ready:
		m.overWithout(c, e.cause(ExitedLate))
	case Stopping:
		m.runOver(c)
	case Down, Failed, Done, Waiting, Backoff:
		m.emit(Bug{Text: m.name(c) + ": exit while " + u.state.String()})
	}
}

func (m *Machine) exitedEarly(c int, e Exited) {
	u, how := &m.units[c], e.Status
	if u.def.Kind == targets.Oneshot && how.Signal == 0 && slices.Contains(u.def.SuccessExitCodes, how.Code) {
		u.failing = false
		m.ready(c, Done)
		return
	}
	m.overWithout(c, e.cause(ExitedEarly))
}

// cause is what an end that nobody asked for comes from.
func (e Exited) cause(code Code) Cause {
	if e.Memory != "" {
		return Cause{Code: OutOfMemory, Text: e.Memory}
	}
	return Cause{Code: code, Status: e.Status}
}

// overWithout ends a run that nobody had stopped yet. One that was waiting for its turn to be stopped has not
// failed; the dependents that it should have taken along still go.
func (m *Machine) overWithout(c int, why Cause) {
	if !m.goes(c).has(viewGoes) {
		m.failed(c, why)
		return
	}
	for _, list := range [2][]int{m.edges.neededBy[c], m.edges.anyOfBy[c]} {
		for _, d := range list {
			if v := m.units[d].view; v.has(viewGoes) && v.has(viewAlive) {
				m.units[d].along = true
				m.changed(d)
			}
		}
	}
	m.sweep(c, why)
}

// sweep ends what is left of a run whose main process is gone: its group gets the stop rule (R10).
func (m *Machine) sweep(c int, why Cause) {
	u := &m.units[c]
	u.cause = why
	m.cancel(c)
	if !u.main && !u.group {
		m.ended(c)
		return
	}
	m.move(c, Stopping, why)
	m.press(c)
}

// runOver goes on with a stop after the main process has ended.
func (m *Machine) runOver(c int) {
	u := &m.units[c]
	if u.command != 0 {
		return
	}
	if !u.group {
		m.ended(c)
		return
	}
	if m.killAgain(c) {
		return
	}
	m.emit(Signal{Component: c, Run: u.run, Signal: u.def.StopSignal, Group: true})
}

// emptied notes that no process is left but perhaps the main one, whose exit has not been told yet.
func (m *Machine) emptied(c int) {
	u := &m.units[c]
	if !u.group {
		return
	}
	u.group = false
	m.changed(c)
	if u.state == Stopping && !u.main && u.command == 0 {
		m.ended(c)
	}
	if u.state == Starting && !u.main {
		m.exitedEarly(c, Exited{Status: u.exit})
	}
}

// lost starts a run afresh that died with a manager; that is not a failure (R16).
func (m *Machine) lost(c int) {
	u := &m.units[c]
	if !u.main && !u.group {
		return
	}
	u.main, u.group = false, false
	m.changed(c)
	if u.state == Done {
		return
	}
	if u.state != Stopping {
		u.cause = Cause{Code: LostRun}
		u.failing = false
	}
	m.cancel(c)
	counts := u.counts && u.state != Stopping // nobody has stopped in order what is lost
	u.plainly()
	hold, debug := u.hold, u.debug
	m.ended(c)
	u.counts = u.counts || counts
	if u.wanted && (hold || debug) { // and so is the one that takes its place
		u.hold, u.debug, u.requested = hold, debug, true
	}
}
