package supervisor

import (
	"cmp"
	"time"
)

// ending is what is remembered of a shutdown.
type ending struct {
	end      End
	deadline time.Duration // shutdown_timeout, when everything is killed; 0 is passed or none
	killed   bool
	own      bool // no person asked for it
	finished bool
	callers  []request
}

// shutdown takes the first request for an end; a later one joins it when it asks for the same, and is refused
// otherwise: what was told to be going down goes down that way.
func (m *Machine) shutdown(e Shutdown) {
	r := request{id: e.Request, at: m.now, target: None}
	switch {
	case e.End == GoOn:
		m.refuse(e.Request, "not an end")
	case m.ending.end == GoOn:
		m.end(e.End, cmp.Or(e.Why, "requested"))
		m.ending.own = e.Why != ""
		m.ending.callers = append(m.ending.callers, r)
	case m.ending.end == e.End && !m.ending.finished:
		m.ending.callers = append(m.ending.callers, r)
	default:
		m.refuse(e.Request, "shutting down: "+m.ending.end.String())
	}
}

// end makes the wanted set empty; all that was asked for before is superseded (R13).
func (m *Machine) end(end End, reason string) {
	by := end.String()
	m.supersede(m.targetName(m.target), by)
	for _, r := range m.queue {
		m.answer(r.id, Result{Kind: ResultSuperseded, Target: m.targetName(r.target), By: by, Took: int64(m.now - r.at)})
	}
	for _, w := range m.waiting {
		m.answer(w.id, Result{Kind: ResultSuperseded, By: by, Took: int64(m.now - w.at)})
	}
	m.queue, m.waiting, m.raised = nil, nil, nil
	m.ladder.retryAt = 0
	m.ending = ending{end: end, deadline: m.now + m.graph.Config.ShutdownTimeout, own: true}
	m.clearMarks()
	m.want()
	m.touchAll()
	m.tell(ShuttingDown, reason)
}

// concludeShutdown kills everything at the time-out, and finishes once all are down or cannot be killed.
func (m *Machine) concludeShutdown() bool {
	if !m.ending.killed && m.ending.deadline <= m.now {
		m.killAll()
		return true
	}
	if m.ending.finished {
		return false
	}
	if m.count.unwanted > 0 {
		return false
	}
	m.ending.finished = true
	m.ending.deadline = 0
	m.table.markMachine()
	for _, r := range m.ending.callers {
		m.answer(r.id, Result{Kind: ResultDone, Took: int64(m.now - r.at)})
	}
	m.emit(Finish{End: m.ending.end})
	return false
}

// killAll ends everything at shutdown_timeout, waiting for nobody's order.
func (m *Machine) killAll() {
	m.ending.killed, m.ending.deadline = true, 0
	m.table.markMachine()
	for c := len(m.units) - 1; c >= 0; c-- {
		u := &m.units[c]
		if !u.alive() || u.killed {
			continue
		}
		why := Cause{Code: EndOfAll, Text: "shutdown timeout"}
		if !u.main && !u.group {
			m.cancel(c)
			u.cause = why
			m.ended(c)
			continue
		}
		if u.state != Stopping {
			m.move(c, Stopping, why)
		}
		m.kill(c)
	}
}
