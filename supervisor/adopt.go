package supervisor

import "github.com/orderly-init/orderly/targets"

// adoptByHand takes a process that something else has started as the main process of a component: a run that is ready. It
// counts as started by hand.
func (m *Machine) adoptByHand(e Adopt) {
	components := []int{e.Component}
	if !m.startable(e.Request, components) {
		return
	}
	if reason := m.cannotAdopt(e.Component); reason != "" {
		m.refuse(e.Request, m.name(e.Component)+" "+reason)
		return
	}
	m.markStarted(components)
	m.adopted(e.Component, e.PID)
	m.want()
	m.wait(waiter{id: e.Request, want: waitReady, components: components})
}

func (m *Machine) cannotAdopt(c int) string {
	u := &m.units[c]
	switch {
	case u.def.Kind != targets.Daemon || u.def.Detached:
		return "is not a daemon that is supervised"
	case u.def.Heartbeat.Via != targets.ViaNothing:
		return "has a heartbeat, which an adopted process was not told how to send"
	case u.alive():
		return "is " + u.state.String()
	}
	for _, other := range m.edges.conflicts[c] {
		if m.units[other].view.has(viewAlive) {
			return "conflicts with " + m.name(other)
		}
	}
	return ""
}

func (m *Machine) adopted(c, pid int) {
	m.retest(c) // its start conditions no longer matter
	u := &m.units[c]
	u.run++
	u.main, u.group, u.landed = true, true, true
	u.killed, u.stuck, u.failing, u.requested, u.debug, u.hold = false, false, false, false, false, false
	u.startAt, u.readyAt = m.now, m.now
	u.text, u.degraded = "", false
	m.setDue(c, 0)
	m.move(c, Ready, Cause{Code: Adopted})
	m.emit(TakeIn{Component: c, Run: u.run, PID: pid})
}

// releaseByHand lets go of ready components: their processes live on, and nobody looks after them any more. They count as
// stopped by hand; what depends on them goes on.
func (m *Machine) releaseByHand(e Release) {
	if !m.acceptable(e.Request, e.Components) {
		return
	}
	for _, c := range e.Components {
		if u := &m.units[c]; u.state != Ready || !u.main {
			m.refuse(e.Request, m.name(c)+" is "+u.state.String()+", and has no process to let go")
			return
		}
	}
	for _, c := range e.Components {
		u := &m.units[c]
		if u.state != Ready {
			continue // named twice
		}
		u.stopped, u.started, u.cycle, u.redefined = true, false, false, false
		m.letGo(c)
		m.move(c, Down, Cause{Code: Released})
	}
	m.want()
	m.wait(waiter{id: e.Request, want: waitDown, components: e.Components})
}

// letGo forgets the processes of a run.
func (m *Machine) letGo(c int) {
	u := &m.units[c]
	m.cancel(c)
	m.setDue(c, 0)
	u.main, u.group, u.killed, u.stuck, u.along = false, false, false, false, false
	m.changed(c)
	m.emit(LetGo{Component: c, Run: u.run})
}

// released says whether the processes of the newest run were let go: that is done once more after a manager's death, for it may
// have died before.
func (u *unit) released() bool {
	return u.state == Down && u.cause.Code == Released || u.state == Ready && u.def.Detached
}

// goOn continues a start that is held before its exec.
func (m *Machine) goOn(c int) {
	u := &m.units[c]
	if u.state == Starting && u.hold {
		m.emit(Signal{Component: c, Run: u.run, Signal: sigCont})
	}
}

// plainly takes back that the next start is to be made in another way than usual.
func (u *unit) plainly() {
	starts := u.state == Starting
	u.hold, u.debug = u.hold && starts, u.debug && starts
}

// sigCont continues a stopped process (signal(7)).
const sigCont = 18
