package supervisor

// view is what others look at in a component: conditions derived from its stored facts and from the views of
// those it depends on, so it is looked at again in dependency order.
type view uint16

const (
	viewAlive     view = 1 << iota // has a process, or is a oneshot that ended well (R1)
	viewReady                      // its dependents may start
	viewSettled                    // nobody who merely wants it need wait for it (R1)
	viewHopeless                   // cannot become ready before a request helps it
	viewBlocked                    // hopeless, or waits for what was stopped by hand or for a wanted one in conflict
	viewMoving                     // is stopping
	viewRestarts                   // stops, or has to, for a restart of itself or of a dependency
	viewLeaves                     // stops, or has to, because it or a dependency is to be down
	viewHoldsBack                  // a dependency's stop or failure took it along, and it is still alive
	viewStuck                      // cannot be killed
	viewOpen                       // holds the transition open
	viewLacking                    // wanted and not ready
	viewBroken                     // ends the transition: essential and given up (R6)
	viewUnwanted                   // alive though nobody wants it
)

// viewGoes is a component that is about to be stopped in order.
const viewGoes = viewRestarts | viewLeaves

func (v view) has(any view) bool { return v&any != 0 }

// tally counts the views that decide about the whole.
type tally struct{ open, lacking, broken, unwanted int }

func (t *tally) add(v view, by int) {
	if v.has(viewOpen) {
		t.open += by
	}
	if v.has(viewLacking) {
		t.lacking += by
	}
	if v.has(viewBroken) {
		t.broken += by
	}
	if v.has(viewUnwanted) {
		t.unwanted += by
	}
}

// see derives the view of c.
func (m *Machine) see(c int) view {
	u := &m.units[c]
	var v view
	v.set(viewAlive, u.alive())
	v.set(viewReady, u.state == Ready || u.state == Done || u.asking.skipped)
	v.set(viewMoving, u.state == Stopping)
	v.set(viewStuck, u.stuck)
	v.set(viewHoldsBack, u.along && u.alive())
	v |= m.goes(c)
	v |= m.hope(c, v)
	m.weigh(u, &v)
	return v
}

func (v *view) set(bit view, on bool) {
	if on {
		*v |= bit
	}
}

// weigh adds what c means for the transition.
func (m *Machine) weigh(u *unit, v *view) {
	wanted := u.wanted && m.ending.end == GoOn
	essential := u.essential && !u.forgone()
	v.set(viewUnwanted, !wanted && v.has(viewAlive) && !u.stuck)
	v.set(viewLacking, wanted && !v.has(viewReady))
	v.set(viewBroken, wanted && essential && v.has(viewHopeless))
	switch {
	case !wanted:
		v.set(viewOpen, v.has(viewUnwanted))
	case v.has(viewGoes):
		v.set(viewOpen, true)
	case essential:
		v.set(viewOpen, !v.has(viewReady|viewBlocked))
	default:
		v.set(viewOpen, !v.has(viewReady|viewSettled))
	}
}

// alive says whether u has a process or is a oneshot that ended well (R1).
func (u *unit) alive() bool {
	switch u.state {
	case Starting, Ready, Stopping, Done:
		return true
	case Down, Failed, Waiting, Backoff:
	}
	return false
}

// goes says whether c has to be stopped in order, and whether for a restart or to be down. A oneshot that ended
// well does not run again because a dependency restarts (R10).
func (m *Machine) goes(c int) view {
	u := &m.units[c]
	if !u.alive() {
		return 0
	}
	var v view
	v.set(viewLeaves, !u.wanted)
	v.set(viewRestarts, u.cycle || u.along && u.state != Stopping)
	for _, n := range m.edges.needs[c] {
		v |= m.units[n].view & viewGoes
	}
	v |= m.lastGoes(c)
	if u.state == Done && !u.cycle && !u.along {
		v &^= viewRestarts
	}
	return v
}

// lastGoes is goes for depends_on_any: lost only when none that stays is ready (R2).
func (m *Machine) lastGoes(c int) view {
	var v view
	for _, n := range m.edges.anyOf[c] {
		other := m.units[n].view
		if other.has(viewReady) && !other.has(viewGoes) {
			return 0
		}
		v |= other & viewGoes
	}
	return v
}

// hope says whether c has settled, and whether there is no hope for it.
func (m *Machine) hope(c int, own view) view {
	u := &m.units[c]
	var v view
	if !u.wanted || own.has(viewReady) {
		return viewSettled
	}
	v.set(viewSettled, u.state == Failed || u.failedOnce || u.held)
	v.set(viewHopeless|viewBlocked, u.held || u.state == Failed)
	if u.state == Starting || u.state == Stopping {
		return v
	}
	for _, n := range m.edges.needs[c] {
		v |= m.doubt(n)
	}
	for _, n := range m.edges.conflicts[c] {
		if other := &m.units[n]; other.wanted && other.view.has(viewAlive) {
			v |= viewSettled | viewBlocked // who is wanted and there has it
		}
	}
	return v | m.doubtAll(m.edges.anyOf[c])
}

// doubt is what a dependency that is not ready means for the dependent.
func (m *Machine) doubt(n int) view {
	u := &m.units[n]
	if u.view.has(viewReady) {
		return 0
	}
	v := u.view & (viewSettled | viewHopeless | viewBlocked)
	v.set(viewBlocked, u.stopped)
	return v
}

// doubtAll is doubt where one of several suffices.
func (m *Machine) doubtAll(list []int) view {
	if len(list) == 0 {
		return 0
	}
	v := viewSettled | viewHopeless | viewBlocked
	for _, n := range list {
		v &= m.doubt(n)
	}
	return v
}
