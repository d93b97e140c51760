package supervisor

import "slices"

// acceptable refuses a request by hand that cannot be served at all.
func (m *Machine) acceptable(id Request, components []int) bool {
	if m.ending.end != GoOn {
		m.refuse(id, "shutting down: "+m.ending.end.String())
		return false
	}
	for _, c := range components {
		if c < 0 || c >= len(m.graph.Config.Components) {
			m.refuse(id, "unknown component")
			return false
		}
	}
	return true
}

// startable is acceptable for what starts something: in safe mode nothing does.
func (m *Machine) startable(id Request, components []int) bool {
	if m.safe && m.ending.end == GoOn {
		m.refuse(id, safeReason)
		return false
	}
	return m.acceptable(id, components)
}

// startByHand marks components as started (R3). What they need is no longer stopped by hand, and what conflicts
// with any of it is (R7). A failed one starts afresh.
func (m *Machine) startByHand(e Start) {
	if !m.startable(e.Request, e.Components) {
		return
	}
	if reason := m.cannotDebug(e); reason != "" {
		m.refuse(e.Request, reason)
		return
	}
	m.markStarted(e.Components)
	for _, c := range e.Components {
		m.goOn(c)
		u := &m.units[c]
		u.plainly()
		u.hold, u.debug = u.hold || e.Hold, u.debug || e.Debug
	}
	m.want()
	if e.Hold {
		m.answer(e.Request, Result{})
		return
	}
	m.wait(waiter{id: e.Request, want: waitReady, components: e.Components})
}

// cannotDebug says why a start cannot be made in another way than usual: it has been made.
func (m *Machine) cannotDebug(e Start) string {
	for _, c := range e.Components {
		if u := &m.units[c]; (e.Debug || e.Hold) && u.alive() {
			return u.def.Name + " is " + u.state.String() + "; stop it first"
		}
	}
	return ""
}

func (m *Machine) markStarted(components []int) {
	for _, c := range components {
		u := &m.units[c]
		u.started, u.requested = true, true
		m.changed(c)
	}
	queue := slices.Clone(components)
	seen := make([]bool, len(m.units))
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		if seen[c] {
			continue
		}
		seen[c] = true
		m.units[c].stopped = false
		m.changed(c)
		if !m.units[c].view.has(viewReady) || m.units[c].asking.skipped {
			m.forgive(c)
		}
		for _, other := range m.edges.conflicts[c] {
			m.units[other].stopped, m.units[other].started = true, false
			m.changed(other)
		}
		queue = append(queue, m.edges.needs[c]...)
		if m.noneServes(m.edges.anyOf[c]) {
			queue = append(queue, m.edges.anyOf[c]...)
		}
	}
}

// stopByHand marks components as stopped (R3).
func (m *Machine) stopByHand(e Stop) {
	if !m.acceptable(e.Request, e.Components) {
		return
	}
	for _, c := range e.Components {
		u := &m.units[c]
		u.stopped, u.started = true, false
		u.cycle = u.redefined // one that is wanted again before it was stopped still runs by its old definition
		u.plainly()
		m.changed(c)
	}
	m.want()
	m.wait(waiter{id: e.Request, want: waitDown, components: e.Components})
}

// restartByHand stops and starts components with their dependents (R7); one that is down is started.
func (m *Machine) restartByHand(e Restart) {
	if !m.startable(e.Request, e.Components) {
		return
	}
	var down []int
	for _, c := range e.Components {
		u := &m.units[c]
		if !u.alive() || !u.wanted {
			down = append(down, c)
		}
		if u.alive() {
			u.cycle = true
			m.changed(c)
		}
	}
	m.markStarted(down)
	m.want()
	m.wait(waiter{id: e.Request, want: waitReady, components: e.Components}) // one that has to stop first is not ready
}

// reload asks ready components to read their configuration again: all of them, or none and a refusal.
func (m *Machine) reload(e Reload) {
	if !m.startable(e.Request, e.Components) {
		return
	}
	for _, c := range e.Components {
		if reason := m.cannotReload(c); reason != "" {
			m.refuse(e.Request, m.name(c)+" "+reason)
			return
		}
	}
	w := waiter{id: e.Request, at: m.now, want: waitReload}
	for i, c := range e.Components {
		if slices.Contains(e.Components[:i], c) {
			continue
		}
		u := &m.units[c]
		if len(u.def.ReloadCommand) == 0 {
			m.emit(Signal{Component: c, Run: u.run, Signal: u.def.ReloadSignal})
			continue
		}
		u.command = ReloadCommand
		m.setDue(c, m.after(u.def.StartTimeout))
		m.emit(RunCommand{Component: c, Run: u.run, Command: ReloadCommand})
		w.components = append(w.components, c)
	}
	m.wait(w)
}

func (m *Machine) cannotReload(c int) string {
	u := &m.units[c]
	switch {
	case u.state != Ready:
		return "is " + u.state.String()
	case u.def.ReloadSignal == 0 && len(u.def.ReloadCommand) == 0:
		return "has no reload_signal and no reload_command"
	case u.command != 0:
		return "is being reloaded"
	}
	return ""
}

// reloadTimedOut gives up a reload command that takes longer than a start may.
func (m *Machine) reloadTimedOut(c int) {
	m.cancel(c)
	m.answerReload(c, CommandEnded{Command: ReloadCommand, Why: "not ended within " + m.units[c].def.StartTimeout.String()})
}

// answerReload ends the waiting for a reload command.
func (m *Machine) answerReload(c int, e CommandEnded) {
	if e.Command != ReloadCommand {
		return
	}
	reason := Cause{Code: CommandFailed, Status: e.Status, Text: e.Why}.String()
	for i := range m.waiting {
		w := &m.waiting[i]
		at := slices.Index(w.components, c)
		if w.want != waitReload || at < 0 {
			continue
		}
		w.components = slices.Delete(w.components, at, at+1)
		if e.Why != "" || e.Status != (Status{}) {
			m.answer(w.id, Result{Kind: ResultFailed, Took: int64(m.now - w.at),
				Failed: []Failure{{Name: m.name(c), Step: reloadStep, Reason: reason}}})
			w.id, w.components = 0, nil
		}
	}
}
