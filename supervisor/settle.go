package supervisor

// touch asks settle to look at c again.
func (m *Machine) touch(c int) {
	m.stale.add(m.edges.position[c])
	m.ripe.add(m.edges.position[c])
}

// settle looks at the present until nothing is left to do: first every view that may have changed, in
// dependency order, and only when all are true one start or stop; then again.
func (m *Machine) settle() {
	for {
		if m.swapped {
			m.want()
		}
		if i, ok := m.stale.take(); ok {
			m.refresh(m.edges.order[i])
			continue
		}
		i, ok := m.ripe.take()
		if !ok {
			return
		}
		m.decide(m.edges.order[i])
	}
}

// refresh derives the view of c, and has the neighbours looked at when it is another one.
func (m *Machine) refresh(c int) {
	u := &m.units[c]
	v := m.see(c)
	if v == u.view {
		return
	}
	held := m.held()
	m.count.add(u.view, -1)
	m.count.add(v, 1)
	u.view = v
	m.ripe.add(m.edges.position[c])
	for _, list := range m.edges.lists(c) {
		for _, n := range list {
			m.touch(n)
		}
	}
	if held && !m.held() {
		m.touchAll()
	}
}

// decide starts or stops c when it has to and may.
func (m *Machine) decide(c int) {
	u := &m.units[c]
	switch u.state {
	case Down:
		switch {
		case !m.mayStart(c):
			m.endTest(c)
		case m.permitted(c):
			m.endTest(c)
			m.launch(c)
		}
	case Starting, Ready, Done:
		if u.view.has(viewGoes) && m.mayStop(c) {
			m.stop(c, m.whyStop(c))
		}
	case Stopping, Failed, Waiting, Backoff:
	}
}

// held says whether a transition with StopFirst still waits for stops (rule 3).
func (m *Machine) held() bool { return m.act.on && m.act.stopFirst && m.count.unwanted > 0 }

func (m *Machine) touchAll() {
	for c := range m.units {
		m.touch(c)
	}
}
