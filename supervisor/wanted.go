package supervisor

import "github.com/orderly-init/orderly/targets"

// root is a component that a run target names, itself or through other targets.
type root struct {
	component int
	essential bool // by depends_on alone (R4)
	reason    targets.Reason
}

// rootsOf resolves the names of every target.
func rootsOf(config *targets.Config) [][]root {
	w := rootWalk{config: config}
	roots := make([][]root, len(config.Targets))
	for t := range config.Targets {
		w.seen, w.found = map[visit]bool{}, nil
		w.walk(t, true)
		roots[t] = w.found
	}
	return roots
}

type rootWalk struct {
	config *targets.Config
	seen   map[visit]bool
	found  []root
}

type visit struct {
	target    int
	essential bool
}

func (w *rootWalk) walk(t int, essential bool) {
	if w.seen[visit{t, essential}] || w.seen[visit{t, true}] {
		return
	}
	w.seen[visit{t, essential}] = true
	from := &w.config.Targets[t]
	for _, name := range from.DependsOn {
		w.follow(name, essential, targets.Reason{Edge: "depends_on", From: from.Name})
	}
	for _, name := range from.Wants {
		w.follow(name, false, targets.Reason{Edge: "wants", From: from.Name})
	}
}

func (w *rootWalk) follow(name string, essential bool, why targets.Reason) {
	if c, ok := w.config.Component(name); ok {
		w.found = append(w.found, root{c, essential, why})
		return
	}
	if t, ok := w.config.Target(name); ok {
		w.walk(t, essential)
	}
}

// want derives anew who is wanted: closure(active target + started) - stopped (R2, R3). What replaces a failed one is
// wanted as that is. Nothing is followed
// through a stopped one, so what only that one needed goes with it. In shutdown nobody is wanted (R13).
func (m *Machine) want() {
	swapped := m.swapped
	m.swapped = false
	w := closure{m: m, in: make([]bool, len(m.units)), essential: make([]bool, len(m.units)),
		because: make([]targets.Reason, len(m.units))}
	if m.ending.end == GoOn {
		w.roots()
	}
	for c := range m.units {
		u := &m.units[c]
		if u.wanted == w.in[c] && u.essential == w.essential[c] {
			u.because = w.because[c]
			continue
		}
		fresh := w.in[c] && !u.wanted
		if swapped && w.essential[c] && !u.essential && !fresh {
			m.calledOn(c)
		}
		u.wanted, u.essential, u.because = w.in[c], w.essential[c], w.because[c]
		u.count()
		if fresh {
			m.forgive(c)
		}
		if !u.wanted {
			m.retest(c)
		}
		if !u.wanted && u.state == Down {
			m.setDue(c, 0) // no wake-up for a start that nobody wants
		}
		m.touch(c)
	}
}

// closure is one walk of want.
type closure struct {
	m             *Machine
	in, essential []bool
	because       []targets.Reason
	queue         []int
}

// roots walks from the active target, by depends_on alone first, and then from what was started by hand.
func (w *closure) roots() {
	var roots []root
	if w.m.target != None {
		roots = w.m.roots[w.m.target]
	}
	for _, r := range roots {
		if r.essential {
			w.add(r.component, w.essential, r.reason)
		}
	}
	for c, ok := w.next(); ok; c, ok = w.next() {
		w.addAll(w.m.edges.needs[c], w.essential, targets.Reason{Edge: "depends_on", From: w.m.name(c)})
		w.replace(c, w.essential)
	}
	copy(w.in, w.essential)
	for c, in := range w.in {
		if in {
			w.queue = append(w.queue, c)
		}
	}
	for _, r := range roots {
		w.add(r.component, w.in, r.reason)
	}
	for c := range w.m.units {
		if w.m.units[c].started {
			w.add(c, w.in, targets.Reason{Edge: "started by hand"})
		}
	}
	for c, ok := w.next(); ok; c, ok = w.next() {
		name := w.m.name(c)
		w.addAll(w.m.edges.needs[c], w.in, targets.Reason{Edge: "depends_on", From: name})
		w.addAll(w.m.edges.anyOf[c], w.in, targets.Reason{Edge: "depends_on_any", From: name})
		w.addAll(w.m.edges.wants[c], w.in, targets.Reason{Edge: "wants", From: name})
		w.replace(c, w.in)
	}
}

func (w *closure) add(c int, set []bool, why targets.Reason) {
	u := &w.m.units[c]
	if set[c] || u.stopped || u.leaver {
		return
	}
	set[c] = true
	w.because[c] = why
	w.queue = append(w.queue, c)
}

func (w *closure) addAll(list []int, set []bool, why targets.Reason) {
	for _, c := range list {
		w.add(c, set, why)
	}
}

func (w *closure) next() (int, bool) {
	if len(w.queue) == 0 {
		return 0, false
	}
	c := w.queue[0]
	w.queue = w.queue[1:]
	return c, true
}
