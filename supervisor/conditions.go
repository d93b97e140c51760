package supervisor

import (
	mathbits "math/bits"

	"github.com/orderly-init/orderly/targets"
)

// asking is what is stored of the test of start conditions (R8). While it goes on the component is down and wanted, and due
// is when the next of its conditions has not held in time.
type asking struct {
	on      bool
	skipped bool     // a condition with on_false = "skip" did not hold: counts as ready
	held    uint16   // a bit for each condition that has held
	number  uint32   // of the test; answers to another one change nothing
	told    bool     // an Await was given
	why     []string // by condition: what was told of it last
}

// permitted says whether the start conditions of c, which could start otherwise, have held. It begins their test.
func (m *Machine) permitted(c int) bool {
	u := &m.units[c]
	if len(u.def.StartConditions) == 0 {
		return true
	}
	if !u.asking.on {
		m.beginTest(c)
	}
	m.testOwn(c)
	return u.asking.on && mathbits.OnesCount16(u.asking.held) == len(u.def.StartConditions)
}

// beginTest asks for the start conditions of c; their time-outs run from here.
func (m *Machine) beginTest(c int) {
	u := &m.units[c]
	m.asks, m.tests = m.asks+1, m.tests+1
	u.asking = asking{on: true, number: m.asks}
	u.readyAt, u.since = 0, m.now
	m.touch(c) // start_recovery answers from here on
	m.await(c)
}

// await asks the world for what the machine itself does not know.
func (m *Machine) await(c int) {
	u := &m.units[c]
	u.asking.why = make([]string, len(u.def.StartConditions))
	if open := u.openTests(); open != nil {
		u.asking.told = true
		m.emit(Await{Component: c, Ask: u.asking.number, Conditions: open})
	}
	m.setConditionLimit(c)
	m.table.mark(c)
}

// openTests are the conditions that the world is asked for and that have not held.
func (u *unit) openTests() []int {
	var open []int
	for i := range u.def.StartConditions {
		if !own(&u.def.StartConditions[i]) && !u.asking.has(i) {
			open = append(open, i)
		}
	}
	return open
}

func (a *asking) has(i int) bool { return a.held&(1<<i) != 0 }

// setConditionLimit sets due to the time-out of the next condition that has not held.
func (m *Machine) setConditionLimit(c int) {
	u := &m.units[c]
	m.setDue(c, 0)
	for i := range u.def.StartConditions {
		if s := &u.def.StartConditions[i]; s.Timeout > 0 && !u.asking.has(i) {
			m.setDue(c, earlier(m.due[c], u.since+s.Timeout))
		}
	}
}

// endTest ends the test of the start conditions of c, whatever it found.
func (m *Machine) endTest(c int) {
	u := &m.units[c]
	if !u.asking.on {
		return
	}
	if u.asking.told {
		m.emit(CancelAwait{Component: c, Ask: u.asking.number})
	}
	u.asking = asking{}
	m.tests--
	m.setDue(c, 0)
	m.table.mark(c)
}

// retest forgets what was found, so that a component that was left out is looked at again.
func (m *Machine) retest(c int) {
	m.endTest(c)
	u := &m.units[c]
	if !u.asking.skipped {
		return
	}
	u.asking.skipped = false
	if !u.wanted {
		u.cause = m.whyStop(c)
	}
	m.changed(c)
}

// tested takes in what the world found.
func (m *Machine) tested(e Tested) {
	if e.Component < 0 || e.Component >= len(m.units) {
		return
	}
	u := &m.units[e.Component]
	if !u.asking.on || u.asking.number != e.Ask || e.Condition < 0 || e.Condition >= len(u.def.StartConditions) {
		return
	}
	m.found(e.Component, e.Condition, e.Holds, e.Why)
}

// found notes how one condition is. One that is tested once and does not hold decides at once.
func (m *Machine) found(c, i int, holds bool, why string) {
	u := &m.units[c]
	if u.asking.has(i) {
		return
	}
	if holds {
		u.asking.held |= 1 << i
		m.setConditionLimit(c)
		m.changed(c)
		return
	}
	u.asking.why[i] = why
	if u.def.StartConditions[i].Timeout == 0 {
		m.conditionFalse(c, i)
	}
}

// own says whether the machine itself knows how a condition is: how a oneshot ended, what components have raised.
func own(s *targets.StartCondition) bool {
	return s.Kind == targets.TestExit || s.Kind == targets.TestRaised
}

// testOwn looks at the conditions that the machine knows about itself.
func (m *Machine) testOwn(c int) {
	u := &m.units[c]
	for i := range u.def.StartConditions {
		s := &u.def.StartConditions[i]
		if !own(s) || !u.asking.on || u.asking.has(i) {
			continue
		}
		holds, why := m.holdsNow(s.Subject), "has not been raised"
		if s.Kind == targets.TestExit {
			holds, why = m.exitIs(s.Subject, s.Code)
		}
		m.found(c, i, holds, why)
	}
}

// exitIs says whether the newest run of a oneshot has ended with a code, or why not.
func (m *Machine) exitIs(name string, code int) (bool, string) {
	n, ok := m.graph.Config.Component(name)
	switch {
	case !ok:
		return false, "no such component"
	case !m.units[n].exited || m.units[n].main:
		return false, "has not ended"
	case m.units[n].exit != Status{Code: code}:
		return false, m.units[n].exit.String()
	}
	return true, ""
}

// exitTold has those looked at again who wait for how n ended.
func (m *Machine) exitTold(n int) {
	if m.tests == 0 {
		return
	}
	for c := range m.units {
		u := &m.units[c]
		if !u.asking.on {
			continue
		}
		for i := range u.def.StartConditions {
			if s := &u.def.StartConditions[i]; s.Kind == targets.TestExit && s.Subject == m.name(n) {
				m.touch(c)
			}
		}
	}
}

// conditionsTimedOut acts on the first condition that has not held in time.
func (m *Machine) conditionsTimedOut(c int) {
	u := &m.units[c]
	m.testOwn(c)
	for i := range u.def.StartConditions {
		s := &u.def.StartConditions[i]
		if u.asking.on && !u.asking.has(i) && s.Timeout > 0 && u.since+s.Timeout <= m.now {
			m.conditionFalse(c, i)
			return
		}
	}
	if u.asking.on {
		m.setConditionLimit(c)
	}
}

// conditionFalse ends the test: the component is left out, or its start has failed (R8).
func (m *Machine) conditionFalse(c, i int) {
	u := &m.units[c]
	s := &u.def.StartConditions[i]
	text := stepText(s.String(), u.asking.why[i])
	if s.Timeout > 0 {
		text += " (waited " + s.Timeout.String() + ")"
	}
	m.endTest(c)
	if !s.Skip {
		m.failed(c, Cause{Code: ConditionFalse, Text: text})
		return
	}
	u.asking.skipped, u.failing, u.requested = true, false, false
	m.move(c, Down, Cause{Code: Skipped, Text: text})
}

// conditionText tells what is still waited for: "waits for condition file /x: does not exist, since 1s of 3s".
func (m *Machine) conditionText(c int) string {
	u := &m.units[c]
	for i := range u.def.StartConditions {
		s := &u.def.StartConditions[i]
		if u.asking.on && !u.asking.has(i) {
			return "waits for condition " + stepText(s.String(), u.asking.whyOf(i))
		}
	}
	return ""
}

func (a *asking) whyOf(i int) string {
	if i < len(a.why) {
		return a.why[i]
	}
	return ""
}

// permitAll takes every start condition for one that holds.
func (m *Machine) permitAll() {
	for c := range m.units {
		if len(m.units[c].def.StartConditions) == 0 {
			continue
		}
		def := *m.units[c].def
		def.StartConditions = nil
		m.units[c].def = &def
	}
}
