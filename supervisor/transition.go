package supervisor

import "time"

// activation is the transition in progress: the way from the present to "exactly the wanted ones are ready".
type activation struct {
	on        bool
	began     time.Duration
	deadline  time.Duration // transition_timeout; 0 is none
	stopFirst bool
	callers   []request
}

// request is a caller who waits for the end of a transition, or for its turn.
type request struct {
	id        Request
	at        time.Duration // of acceptance
	target    int
	stopFirst bool
}

// activate answers a request for a run target as the table in doc.go says.
func (m *Machine) activate(e Activate) {
	r := request{id: e.Request, at: m.now, target: e.Target, stopFirst: e.StopFirst}
	switch {
	case e.Target < 0 || e.Target >= len(m.roots):
		m.refuse(e.Request, "unknown target")
	case m.ending.end != GoOn:
		m.refuse(e.Request, "shutting down: "+m.ending.end.String())
	case m.safe:
		m.refuse(e.Request, safeReason)
	case e.Queue && m.act.on:
		m.queue = append(m.queue, r)
		m.table.markMachine()
	case m.act.on && e.Target == m.target && !m.marked():
		m.join(r)
	default:
		m.serve(r)
	}
}

// serve begins what a caller asked for; it supersedes whatever is going on, a recovery too (R13).
func (m *Machine) serve(r request) {
	m.endEpisode(r.target)
	m.begin(r, requested)
}

// join adds a caller to the transition in progress; one that recovery or an applied configuration began is the caller's
// from then on, and ends the episode.
func (m *Machine) join(r request) {
	m.endEpisode(r.target)
	m.act.callers = append(m.act.callers, r)
}

// endEpisode forgets the ladder because of a caller's request for a target.
func (m *Machine) endEpisode(target int) {
	m.ladder = ladder{tries: m.firstTry(target), visited: make([]bool, len(m.roots))}
	m.table.markTargets()
}

// marked says whether something was started or stopped by hand.
func (m *Machine) marked() bool {
	for c := range m.units {
		if m.units[c].started || m.units[c].stopped {
			return true
		}
	}
	return false
}

// Why a transition begins.
const (
	requested = "requested"
	recovered = "recovery"
	returned  = "back with the configuration before"
)

// begin makes target the active one (R5), clears what was marked and failed, and lets settle do the rest.
func (m *Machine) begin(r request, reason string) {
	same := r.target == m.target
	quiet := same && !m.act.on && reason != recovered
	if m.act.on {
		reason += ", supersedes " + m.targetName(m.target)
	}
	m.supersede(m.targetName(m.target), m.targetName(r.target))
	m.target = r.target
	if cleared := m.clearMarks(); cleared || !same {
		m.want()
	}
	for c := range m.units {
		if u := &m.units[c]; u.wanted && (u.held || u.failedOnce || u.asking.skipped || u.state == Failed || m.due[c] != 0 && u.state == Down && !u.asking.on) {
			m.forgive(c)
		}
	}
	m.raised = nil
	m.settleViews()
	timeout := m.graph.Config.Targets[r.target].TransitionTimeout
	m.act = activation{on: true, began: m.now, deadline: m.after(timeout), stopFirst: r.stopFirst, callers: []request{r}}
	m.table.markMachine()
	if !quiet || m.count.open > 0 || m.count.lacking > 0 {
		m.tell(Transition, reason)
	}
}

// settleViews derives every view that is stale, and starts or stops nothing yet.
func (m *Machine) settleViews() {
	for i, ok := m.stale.take(); ok; i, ok = m.stale.take() {
		m.refresh(m.edges.order[i])
	}
}

// clearMarks takes back what was marked by hand, and tells whether there was any.
func (m *Machine) clearMarks() bool {
	cleared := false
	for c := range m.units {
		u := &m.units[c]
		if u.started || u.stopped {
			u.started, u.stopped = false, false
			u.plainly()
			m.changed(c)
			cleared = true
		}
	}
	return cleared
}

// supersede tells the callers of the transition in progress to a target that another one took over.
func (m *Machine) supersede(from, by string) {
	if !m.act.on {
		return
	}
	for _, r := range m.act.callers {
		m.answer(r.id, Result{Kind: ResultSuperseded, Target: from, By: by, Took: int64(m.now - r.at)})
	}
	m.leaveTransition()
}

// leaveTransition ends it for the machine; what --stop-first held back may go.
func (m *Machine) leaveTransition() {
	if m.act.stopFirst {
		m.touchAll()
	}
	m.act = activation{}
	m.table.markMachine()
}

// conclude ends the transition when it is done or has failed, climbs the ladder, serves the queue, and finishes a
// shutdown. Each of these gives settle new work, so it goes round until nothing follows.
func (m *Machine) conclude() {
	for range 4*len(m.roots) + 8 {
		if !m.concludeOnce() {
			return
		}
		m.settle()
	}
	m.emit(Bug{Text: "transitions follow each other without end"})
}

func (m *Machine) concludeOnce() bool {
	switch {
	case m.ending.end != GoOn:
		return m.concludeShutdown()
	case m.safe:
		return false
	case m.act.on && m.count.broken > 0:
		return m.failActivation(m.firstBroken())
	case m.act.on && m.count.open == 0:
		m.endActivation(ResultDone, "")
		m.serveQueue()
		return true
	case m.act.on && m.act.deadline != 0 && m.late(m.act.deadline, m.act.began) <= m.now:
		m.act.deadline = 0
		return m.failActivation(None)
	case m.act.on:
		return m.rebootRaised()
	}
	return m.climb()
}

func (m *Machine) firstBroken() int {
	for _, c := range m.edges.order {
		if m.units[c].view.has(viewBroken) {
			return c
		}
	}
	return None
}

// endActivation answers every caller and leaves the transition.
func (m *Machine) endActivation(kind ResultKind, reason string) {
	result := Result{Kind: kind, Target: m.targetName(m.target), Why: reason}
	result.Failed, result.Degraded = m.lacking(kind)
	for _, r := range m.act.callers {
		result.Took = int64(m.now - r.at)
		m.answer(r.id, result)
	}
	m.leaveTransition()
	m.ladder.doneAt = m.now
	m.table.markMachine()
	m.tellTop(reason)
}

// failActivation ends the transition as failed; then the oldest queued request goes, or else recovery.
func (m *Machine) failActivation(culprit int) bool {
	reason := "transition timeout " + m.graph.Config.Targets[m.target].TransitionTimeout.String()
	if culprit != None {
		reason = m.name(culprit) + ": " + m.failure(culprit).Reason
	}
	m.endActivation(ResultFailed, reason)
	if m.serveQueue() {
		return true
	}
	m.drop(culprit)
	m.escalate(culprit, reason)
	return true
}

// drop forgets the calls for the ladder that this failure answers.
func (m *Machine) drop(culprit int) {
	kept := m.raised[:0]
	for _, c := range m.raised {
		if c != culprit && !m.units[c].essential {
			kept = append(kept, c)
		}
	}
	m.raised = kept
}

func (m *Machine) serveQueue() bool {
	if len(m.queue) == 0 {
		return false
	}
	r := m.queue[0]
	m.queue = m.queue[1:]
	m.table.markMachine()
	m.serve(r)
	return true
}
