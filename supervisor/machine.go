package supervisor

import (
	"time"

	"github.com/orderly-init/orderly/targets"
)

// None is the number of no component and of no run target.
const None = -1

// Machine decides. It is a value fed with events; it has no clock, no goroutine and makes no system call.
type Machine struct {
	graph *targets.Graph
	edges edges    // of the graph and of those that leave it
	units []unit   // by component number; behind the graph's are the leavers
	roots [][]root // by target number: what a target names, through targets

	version uint32        // of the configuration, as its Apply names it; 0 is the first
	target  int           // the active target (R5), None before the first request
	began   time.Duration // when the top state that was told last began
	act     activation
	queue   []request
	waiting []waiter
	ladder  ladder
	ending  ending

	now    time.Duration
	taken  time.Duration   // when a new manager took over; 0 is the first one
	due    []time.Duration // by component: start or stop limit, or earliest next start; 0 is none
	beat   []time.Duration // by component: end of the present window of its heartbeat; 0 is none
	stale  bits            // whose view must be looked at again, by position
	ripe   bits            // who may be able to start or stop, by position
	count  tally
	shown  Top // the last top state that was told
	raised []int
	asks   uint32 // tests of start conditions so far
	tests  int    // of them that go on
	back   []int  // leavers that this step's Apply has brought back, see encodeUnit
	out    []Effect

	table records
	safe  bool // nothing is started, nothing recovered (R19)

	swapped bool // a replacement may be wanted now that was not, or the other way round
}

// unit is what is stored of one component. Down with no run is the zero value.
type unit struct {
	def   *targets.Component
	state State
	run   uint32

	main    bool    // the main process may be alive
	landed  bool    // exec has succeeded: start_timeout runs from there
	named   bool    // pid_file has named the main process
	said    bool    // the readiness condition holds, and pid_file is waited for
	group   bool    // other processes may be alive
	command Command // the helper that runs
	drains  bool    // its stop_command ended well: the main process ends by itself
	killed  bool    // Kill was sent
	stuck   bool    // and did not help
	failing bool    // the run failed; recovery decides when it is down

	started, stopped bool   // marks by hand (R3)
	held             bool   // stays down after a dependency's failure (R11)
	along            bool   // stops because a dependency did; that one waits for it
	cycle, redefined bool   // stops to be started again: by hand, or because its definition changed
	failedOnce       bool   // since it became wanted (R1)
	leaver           bool   // no longer in the configuration
	nameless         uint64 // of a leaver whose name is lost: what its record is found by

	wanted, essential bool           // derived from target and marks
	because           targets.Reason // of wanted
	view              view           // derived, what neighbours look at

	cause     Cause // of the present state
	since     time.Duration
	startAt   time.Duration // of the newest run; 0 is never
	readyAt   time.Duration // of the newest run; 0 is not yet
	failures  history
	exponent  int // of the next delay
	restarts  uint32
	exit      Status
	exited    bool // exit is set
	exitSeq   uint64
	text      string   // what it says of itself
	degraded  bool     // what it says of itself
	pulse     pulse    // its heartbeat
	aborting  bool     // its heartbeat is lost: the abort signal takes the place of the stop signal
	requested bool     // the next start is asked for by hand
	debug     bool     // and with debug_arguments
	hold      bool     // and held before its exec, or is
	asking    asking   // the test of start conditions
	counts    bool     // for the watchdog: it was ready since it is wanted, and was not stopped in order since
	announces []string // conditions that it has raised, sorted
	withdrawn []string // and those whose records are no longer needed
}

// New returns a machine at rest: nothing runs, no target is active.
func New(g *targets.Graph) *Machine {
	m := &Machine{target: None}
	m.adopt(g, nil)
	m.touchAll()
	return m
}

// adopt makes g the graph; units are those of g's components in order, then leavers. nil units are all new.
func (m *Machine) adopt(g *targets.Graph, units []unit) {
	components := g.Config.Components
	if units == nil {
		units = make([]unit, len(components))
	}
	m.graph, m.units = g, units
	for c := range components {
		m.units[c].def = &components[c]
	}
	m.edges = edgesOf(g)
	m.roots = rootsOf(g.Config)
	m.due, m.beat = make([]time.Duration, len(units)), make([]time.Duration, len(units))
	m.stale, m.ripe = newBits(len(units)), newBits(len(units))
	m.table.resize(len(units), len(g.Config.Targets))
}

// Step takes one event and returns what is to be done. now is monotonic since boot and never goes back.
func (m *Machine) Step(now time.Duration, ev Event) []Effect {
	m.now = max(m.now, now)
	m.out = nil
	m.back = nil
	m.apply(ev)
	m.timers()
	m.settle()
	m.conclude()
	m.answerWaiters()
	m.tellTop("")
	return m.out
}

// Deadline returns when the next Tick is due, and false when only an event can change anything.
func (m *Machine) Deadline() (time.Duration, bool) {
	next := m.ending.deadline
	if !m.safe {
		next = earlier(next, m.late(m.act.deadline, m.act.began))
	}
	if !m.safe && !m.act.on {
		next = earlier(next, m.ladder.retryAt)
	}
	for c := range m.due {
		next = earlier(next, m.limitOf(c))
	}
	return next, next != 0
}

// hearing is how long a new manager listens before it finds that something was not ready in time: it may have become ready while
// nobody was in control.
const hearing = time.Second

// late is when the limit has passed of something that began and is to become ready; 0 is never.
func (m *Machine) late(limit, began time.Duration) time.Duration {
	if limit == 0 || began >= m.taken {
		return limit
	}
	return max(limit, m.taken+hearing)
}

// limitOf is when something follows from the limit of c; 0 is never.
func (m *Machine) limitOf(c int) time.Duration {
	if u := &m.units[c]; u.state == Starting {
		return m.late(m.due[c], u.since)
	}
	return m.due[c]
}

// earlier returns the earlier of two times, where 0 is never.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// apply takes in the event as a fact; what follows from it is settle's work.
func (m *Machine) apply(ev Event) {
	switch e := ev.(type) {
	case Activate:
		m.activate(e)
	case Start:
		m.startByHand(e)
	case Stop:
		m.stopByHand(e)
	case Restart:
		m.restartByHand(e)
	case Reload:
		m.reload(e)
	case Adopt:
		m.adoptByHand(e)
	case Release:
		m.releaseByHand(e)
	case Shutdown:
		m.shutdown(e)
	case Apply:
		m.swap(e)
	case Tick:
	case Tested:
		m.tested(e)
	case Beats:
		for _, b := range e.List {
			if m.present(b.Component, b.Run) {
				m.counted(b)
			}
		}
	case ofRun:
		if c, run := e.of(); m.present(c, run) {
			m.happened(c, e)
		}
	}
}

// happened takes in what became of the present run of c.
func (m *Machine) happened(c int, ev ofRun) {
	switch e := ev.(type) {
	case Launched:
		m.launched(c)
	case LaunchFailed:
		m.launchFailed(c, e)
	case BecameReady:
		m.becameReady(c)
	case NeverReady:
		m.neverReady(c, e.Why)
	case Exited:
		m.mainExited(c, e)
	case Emptied:
		m.emptied(c)
	case CommandEnded:
		m.commandEnded(c, e)
	case Reported:
		m.reported(c, e)
	case Announced:
		m.announced(c, e)
	case Lost:
		m.lost(c)
	case Triggered:
		m.triggered(c)
	case Named:
		m.processNamed(c)
	}
}

// present says whether an event speaks of the component's run as it is.
func (m *Machine) present(c int, run uint32) bool {
	return c >= 0 && c < len(m.units) && m.units[c].run == run && run != 0
}

// timers acts on the limits that have passed.
func (m *Machine) timers() {
	for c := range m.due {
		if due := m.limitOf(c); due != 0 && due <= m.now {
			m.limit(c)
		}
	}
}

// limit acts on the passed limit of one component.
func (m *Machine) limit(c int) {
	m.setDue(c, 0)
	switch m.units[c].state {
	case Starting:
		m.startTimedOut(c)
	case Stopping:
		m.stopTimedOut(c)
	case Ready:
		m.reloadTimedOut(c)
	case Down, Failed, Done, Waiting, Backoff:
		if m.units[c].asking.on {
			m.conditionsTimedOut(c)
		}
		m.touch(c)
	}
}

func (m *Machine) setDue(c int, at time.Duration) {
	if m.due[c] != at {
		m.due[c] = at
		m.table.mark(c)
	}
}

// move changes the stored state and tells it.
func (m *Machine) move(c int, to State, why Cause) {
	u := &m.units[c]
	from := u.state
	u.state, u.cause, u.since = to, why, m.now
	u.count()
	m.swapped = m.swapped || u.replaceable() && (from == Failed || to == Failed)
	m.supervise(c, to == Ready)
	m.emit(Changed{Component: c, Run: u.run, From: from, To: to, Reason: u.reason()})
	m.changed(c)
}

// changed notes that a stored fact of c is another one now.
func (m *Machine) changed(c int) {
	m.table.mark(c)
	m.touch(c)
}

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

func (m *Machine) name(c int) string { return m.units[c].def.Name }

func (m *Machine) targetName(t int) string {
	if t < 0 || t >= len(m.graph.Config.Targets) {
		return ""
	}
	return m.graph.Config.Targets[t].Name
}
