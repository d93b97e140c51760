package supervisor

import "time"

// lacking lists what is not ready: the essential ones, when the activation has failed, and the others.
func (m *Machine) lacking(kind ResultKind) (failed, degraded []Failure) {
	if m.count.lacking == 0 {
		return nil, nil
	}
	for c := range m.units {
		u := &m.units[c]
		if !u.view.has(viewLacking) {
			continue
		}
		if kind == ResultFailed && u.essential && !u.forgone() {
			failed = append(failed, m.failure(c))
		} else {
			degraded = append(degraded, m.failure(c))
		}
	}
	return failed, degraded
}

func (m *Machine) answer(id Request, r Result) {
	if id != 0 {
		m.emit(Answer{Request: id, Result: r})
	}
}

func (m *Machine) refuse(id Request, reason string) {
	m.answer(id, Result{Kind: ResultRefused, Why: reason})
}

// after returns the time of a limit from now, where a limit of 0 is none.
func (m *Machine) after(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return m.now + limit
}

// top derives the state of the whole.
func (m *Machine) top() Top {
	switch {
	case m.ending.end != GoOn:
		return ShuttingDown
	case m.act.on:
		return Transition
	case m.ladder.fallen && m.target == m.fallback(): // another configuration may have another one
		return Fallback
	case m.count.lacking > 0:
		return Degraded
	}
	return Settled
}

// tellTop tells the state of the whole when it is another one.
func (m *Machine) tellTop(reason string) {
	top := m.top()
	if top == m.shown {
		return
	}
	if c := m.firstLacking(); top == Degraded && reason == "" && c != None {
		reason = m.name(c) + " " + m.sentence(c, m.now)
	}
	m.tell(top, reason)
}

// firstLacking is the first in dependency order that is wanted and not ready.
func (m *Machine) firstLacking() int {
	for _, c := range m.edges.order {
		if m.units[c].view.has(viewLacking) {
			return c
		}
	}
	return None
}

func (m *Machine) tell(top Top, reason string) {
	m.shown, m.began = top, m.now
	m.emit(Moved{Top: top, Target: m.target, Reason: reason})
	m.table.markMachine()
}
