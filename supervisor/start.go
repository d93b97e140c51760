package supervisor

import (
	"iter"
	"slices"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// hold is one thing that keeps a wanted component from being started (rule 1).
type hold struct {
	kind  holdKind
	other int // a component, or None
}

type holdKind uint8

const (
	holdNeed      holdKind = iota + 1 // a dependency is not ready
	holdAny                           // none of depends_on_any is ready
	holdWant                          // one in wants or after has not settled
	holdConflict                      // one in conflicts is alive
	holdDependent                     // a dependent that goes along is still alive
	holdBackoff                       // the delay before the next start
	holdLeft                          // stays down after a dependency's failure (R11)
	holdStops                         // --stop-first
	holdEnding                        // shutdown
	holdSafe                          // safe mode
	holdSkipped                       // a start condition did not hold
)

// holds yields what keeps c from being started, dependencies in number order.
func (m *Machine) holds(c int) iter.Seq[hold] {
	return func(yield func(hold) bool) {
		_ = m.holdsOfItself(c, yield) && m.holdsOfNeeds(c, yield) && m.holdsOfOthers(c, yield)
	}
}

func (m *Machine) holdsOfItself(c int, yield func(hold) bool) bool {
	u := &m.units[c]
	if m.ending.end != GoOn && !yield(hold{holdEnding, None}) {
		return false
	}
	if m.safe && !yield(hold{holdSafe, None}) {
		return false
	}
	if u.held && !yield(hold{holdLeft, None}) {
		return false
	}
	if u.asking.skipped && !yield(hold{holdSkipped, None}) {
		return false
	}
	if m.due[c] > m.now && !u.asking.on && !yield(hold{holdBackoff, None}) {
		return false
	}
	return !m.held() || yield(hold{holdStops, None})
}

func (m *Machine) holdsOfNeeds(c int, yield func(hold) bool) bool {
	for _, n := range m.edges.needs[c] {
		if !m.serves(n) && !yield(hold{holdNeed, n}) {
			return false
		}
	}
	anyOf := m.edges.anyOf[c]
	if !m.noneServes(anyOf) {
		return true
	}
	for _, n := range anyOf {
		if !yield(hold{holdAny, n}) {
			return false
		}
	}
	return true
}

func (m *Machine) holdsOfOthers(c int, yield func(hold) bool) bool {
	for _, list := range [2][]int{m.edges.wants[c], m.edges.after[c]} {
		for _, n := range list {
			if !m.units[n].view.has(viewSettled) && !yield(hold{holdWant, n}) {
				return false
			}
		}
	}
	for _, n := range m.edges.conflicts[c] {
		if m.units[n].view.has(viewAlive) && !yield(hold{holdConflict, n}) {
			return false
		}
	}
	for _, n := range m.edges.neededBy[c] {
		if m.holdsBack(n) && !yield(hold{holdDependent, n}) {
			return false
		}
	}
	for _, n := range m.edges.anyOfBy[c] {
		if u := &m.units[n]; u.view.has(viewHoldsBack) && !u.stuck && !yield(hold{holdDependent, n}) {
			return false
		}
	}
	return true
}

// holdsBack says whether a dependency of d has to wait for the end of d: it took d along, or d was stopping already
// when it would have.
func (m *Machine) holdsBack(d int) bool {
	u := &m.units[d]
	return !u.stuck && (u.view.has(viewHoldsBack) || u.view.has(viewMoving) && u.def.OnDependencyFailure != targets.Leave)
}

// serves says whether a dependent of n may start: n is ready and not about to be stopped.
func (m *Machine) serves(n int) bool {
	v := m.units[n].view
	return v.has(viewReady) && !v.has(viewGoes)
}

func (m *Machine) noneServes(list []int) bool { return !slices.ContainsFunc(list, m.serves) }

func (m *Machine) mayStart(c int) bool {
	if !m.units[c].wanted {
		return false
	}
	for range m.holds(c) {
		return false
	}
	return true
}

// launch begins the next run.
func (m *Machine) launch(c int) {
	u := &m.units[c]
	again := u.failing
	why := u.cause
	if !again {
		why = m.whyWanted(c)
	}
	u.debug, u.hold = u.debug && u.requested, u.hold && u.requested
	u.run++
	u.main, u.group, u.killed, u.stuck, u.failing, u.landed = true, true, false, false, false, false
	u.named, u.said = false, false
	u.startAt, u.readyAt = m.now, 0
	u.requested = false
	u.text, u.degraded = "", false
	if again {
		u.restarts++
	}
	m.setDue(c, m.after(u.def.StartTimeout))
	if u.hold {
		m.setDue(c, 0)
		why = Cause{Code: HeldBack}
	}
	m.move(c, Starting, why)
	m.emit(Launch{Component: c, Run: u.run, Debug: u.debug, Hold: u.hold})
}

// launched notes that exec has succeeded; start_timeout runs from here (R8). A manager that takes over tells it again,
// and that gives no more time.
func (m *Machine) launched(c int) {
	u := &m.units[c]
	if u.state != Starting || u.landed {
		return
	}
	u.landed, u.hold, u.debug = true, false, false
	m.table.mark(c)
	m.setDue(c, m.after(u.def.StartTimeout))
	if u.def.Kind == targets.Daemon && u.def.Ready.When == targets.Started {
		m.ready(c, Ready)
	}
	if u.awaits(u.def.Ready.Condition) && m.holdsNow(u.def.Ready.Condition) {
		m.becameReady(c)
	}
}

// becameReady latches readiness (R9).
func (m *Machine) becameReady(c int) {
	u := &m.units[c]
	switch {
	case u.state != Starting || u.def.Kind != targets.Daemon:
	case u.unnamed():
		u.said = true
		m.table.mark(c)
	default:
		m.ready(c, Ready)
	}
}

func (m *Machine) ready(c int, as State) {
	u := &m.units[c]
	u.readyAt = m.now
	m.setDue(c, 0)
	u.hold, u.debug = false, false // who speaks has executed
	m.move(c, as, Cause{})
	if u.def.Detached && u.main {
		m.letGo(c)
	}
}

// reported takes in what a component says of itself.
func (m *Machine) reported(c int, e Reported) {
	u := &m.units[c]
	if e.Text != "" || e.Blank {
		u.text = e.Text
	}
	if degraded := (u.degraded || e.Degraded) && !e.Healthy; degraded != u.degraded {
		u.degraded = degraded
		m.table.mark(c)
	}
	if e.Extend <= 0 {
		return
	}
	m.launched(c) // who speaks has executed, also where nobody has come to say so: that takes nothing back then
	if u.killed || m.due[c] == 0 {
		return
	}
	switch u.state {
	case Starting:
		m.extend(c, e.Extend, u.def.StartTimeout)
	case Stopping:
		m.extend(c, e.Extend, u.def.StopTimeout)
	case Down, Ready, Failed, Done, Waiting, Backoff:
	}
}

// maxExtension is how much longer than its limit a start or stop may take by its own wish: a program that hangs and
// goes on asking for time must not hold the others for ever.
const maxExtension = 10 * time.Minute

// extend moves the limit of a start or stop to later, as sd_notify(3) says of EXTEND_TIMEOUT_USEC.
func (m *Machine) extend(c int, by int64, limit time.Duration) {
	at := min(m.now+min(time.Duration(by), maxExtension), m.units[c].since+limit+maxExtension)
	if at > m.due[c] {
		m.setDue(c, at)
	}
}
