package supervisor

import (
	"slices"

	"github.com/orderly-init/orderly/targets"
)

// recovery is the answer to the newest failure of u, or to the next one: start_recovery until it is ready.
func (u *unit) recovery() *targets.Recovery { return u.def.RecoveryOf(u.readyAt != 0) }

// exitClass says what the exit code of a failed run means.
type exitClass uint8

const (
	plainExit     exitClass = iota // recovery decides
	noRestartExit                  // no further start: what comes when recovery is used up
	rebootExit                     // the machine reboots in order
)

func (u *unit) exitClass() exitClass {
	ended := u.cause.Code == ExitedEarly || u.cause.Code == ExitedLate
	switch how := u.cause.Status; {
	case !ended || how.Signal != 0:
		return plainExit
	case slices.Contains(u.def.RebootExitCodes, how.Code):
		return rebootExit
	case slices.Contains(u.def.NoRestartExitCodes, how.Code):
		return noRestartExit
	}
	return plainExit
}

// lastAction is what recovery does when there is no further start.
func (u *unit) lastAction() targets.Action {
	if u.exitClass() == rebootExit {
		return targets.Reboot
	}
	r := u.recovery()
	switch {
	case r.Action == targets.Restart && r.Then == targets.Retry, r.Action == targets.Retry:
		return targets.Escalate // an exit code ended what never gives up
	case r.Action == targets.Restart:
		return r.Then
	}
	return r.Action
}

// raises says whether a component that is given up calls for the ladder.
func (u *unit) raises() bool {
	switch u.lastAction() {
	case targets.Stop, targets.Ignore, targets.Replace:
		return false
	case targets.Restart, targets.Escalate, targets.Activate, targets.Retry, targets.Reboot:
	}
	return true
}

// forgone says whether u is given up quietly in the end: it is never essential (R11). What replaces it is, where it was.
func (u *unit) forgone() bool {
	r := u.recovery()
	last := r.Action
	if r.Action == targets.Restart {
		last = r.Then
	}
	return last == targets.Stop || last == targets.Ignore || last == targets.Replace
}

// replaceable says whether a failure of u may put another component in its place.
func (u *unit) replaceable() bool {
	return u.def.Recovery.Replaces() || u.def.RecoveryOf(false).Replaces()
}

// replacement is the component that is wanted in place of c, while c has failed for good; else None.
func (m *Machine) replacement(c int) int {
	u := &m.units[c]
	if u.state != Failed || u.lastAction() != targets.Replace {
		return None
	}
	if by, ok := m.graph.Config.Component(u.recovery().Replacement); ok {
		return by
	}
	return None
}

// replacesEdge is why a replacement is wanted.
const replacesEdge = "replaces"

// replace adds what takes the place of c.
func (w *closure) replace(c int, set []bool) {
	if by := w.m.replacement(c); by != None {
		w.addAll([]int{by}, set, targets.Reason{Edge: replacesEdge, From: w.m.name(c)})
	}
}

// calledOn lets a component that is to take a place, and has failed already, call for the ladder: while it was not
// essential nobody heard it.
func (m *Machine) calledOn(c int) {
	if u := &m.units[c]; u.state == Failed && u.raises() && !slices.Contains(m.raised, c) {
		m.raised = append(m.raised, c)
		m.table.mark(c)
	}
}

// replacedText tells who runs in place of c.
func (m *Machine) replacedText(c int) string {
	if by := m.replacement(c); by != None {
		return "; " + m.name(by) + " takes its place"
	}
	return ""
}
