package supervisor

import (
	"reflect"
	"slices"

	"github.com/orderly-init/orderly/targets"
)

// swap replaces the configuration between two events (R14): all or nothing. Components are matched by name; one that is
// gone from the configuration and not down is kept as a leaver, with its old definition, until it is.
func (m *Machine) swap(e Apply) {
	from := m.targetName(m.target)
	active, kept := e.Graph.Config.Target(from)
	back, known := e.Graph.Config.Target(e.Back)
	goBack := known && m.target != None && (!kept || m.ladder.led && from != e.Back)
	switch {
	case m.ending.end != GoOn:
		m.refuse(e.Request, "shutting down: "+m.ending.end.String())
		return
	case m.safe:
		m.refuse(e.Request, safeReason)
		return
	case m.target != None && !kept && !goBack:
		m.refuse(e.Request, "the active target "+from+" is removed")
		return
	}
	if !kept {
		active = None
	}
	if e.Graph.Config.FallbackTarget != m.graph.Config.FallbackTarget {
		m.forgetFallback()
	}
	n := m.renumber(e.Graph)
	before := m.units
	m.replace(e.Graph, n)
	m.target, m.version = active, e.Version
	m.table.markMachine()
	m.emit(Renumbered{Components: n.components, Targets: n.targets})
	if goBack {
		m.supersede(from, e.Back)
	}
	m.rename(n)
	m.redefine(before, n)
	m.touchAll()
	m.want()
	m.settleViews()
	m.answer(e.Request, Result{Kind: ResultDone, Target: m.targetName(m.target), Changes: m.changes(before, n)})
	if goBack {
		m.endEpisode(back)
		m.begin(request{at: m.now, target: back}, returned)
	}
	if !m.act.on && m.target != None && m.count.open > 0 && m.count.broken == 0 {
		timeout := m.graph.Config.Targets[m.target].TransitionTimeout
		m.act = activation{on: true, began: m.now, deadline: m.after(timeout)}
		m.tell(Transition, "configuration applied")
	}
}

// forgetFallback forgets the tries of a fallback target that is not it any more: the new one has its own.
func (m *Machine) forgetFallback() {
	m.ladder.tries, m.ladder.retryAt, m.ladder.fallen = 0, 0, false
	m.table.markMachine()
}

// numbers map old numbers to new ones, or None.
type numbers struct{ components, targets []int }

func (m *Machine) renumber(g *targets.Graph) numbers {
	var n numbers
	next := len(g.Config.Components)
	for c := range m.units {
		to, ok := g.Config.Component(m.name(c))
		if u := &m.units[c]; !ok && (u.alive() || u.state == Failed) {
			to, ok = next, true
			next++
		}
		if !ok {
			to = None
		}
		n.components = append(n.components, to)
	}
	for t := range m.graph.Config.Targets {
		to, ok := g.Config.Target(m.targetName(t))
		if !ok {
			to = None
		}
		n.targets = append(n.targets, to)
	}
	return n
}

// replace moves the stored facts to their new numbers. Views are derived anew.
func (m *Machine) replace(g *targets.Graph, n numbers) {
	count := len(g.Config.Components)
	for _, to := range n.components {
		count = max(count, to+1)
	}
	old, due, beat, edges := m.units, m.due, m.beat, m.edges
	units := make([]unit, count)
	for c, to := range n.components {
		if to == None {
			m.table.freed = append(m.table.freed, m.name(c))
			if m.units[c].asking.on {
				m.tests--
			}
			continue
		}
		units[to] = old[c]
		units[to].view = 0
		units[to].leaver = to >= len(g.Config.Components)
		if old[c].leaver && !units[to].leaver {
			m.back = append(m.back, to)
		}
	}
	m.count = tally{}
	m.adopt(g, units)
	m.edges.grow(count)
	for _, c := range edges.order {
		to := n.components[c]
		if to == None {
			continue
		}
		m.due[to], m.beat[to] = due[c], beat[c]
		if units[to].leaver {
			m.edges.keep(&edges, c, to, n.components)
		}
	}
	m.table.markAll()
}

// rename gives callers, queue, ladder and raised their new numbers.
func (m *Machine) rename(n numbers) {
	m.queue = slices.DeleteFunc(m.queue, func(r request) bool {
		if n.targets[r.target] == None {
			m.refuse(r.id, "the target was removed")
			return true
		}
		return false
	})
	for i := range m.queue {
		m.queue[i].target = n.targets[m.queue[i].target]
	}
	for i := range m.act.callers {
		m.act.callers[i].target = m.target
	}
	visited := make([]bool, len(m.roots))
	for t, was := range m.ladder.visited {
		if was && n.targets[t] != None {
			visited[n.targets[t]] = true
		}
	}
	m.ladder.visited = visited
	m.raised = renamed(m.raised, n.components)
	m.waiting = slices.DeleteFunc(m.waiting, func(w waiter) bool { return m.orphaned(w, n) })
	for i := range m.waiting {
		m.waiting[i].components = renamed(m.waiting[i].components, n.components)
	}
}

// orphaned ends the waiting for a component that is gone.
func (m *Machine) orphaned(w waiter, n numbers) bool {
	if !slices.ContainsFunc(w.components, func(c int) bool { return n.components[c] == None }) {
		return false
	}
	r := Result{Kind: ResultSuperseded, By: Cause{Code: Removed}.String(), Took: int64(m.now - w.at)}
	if w.want == waitDown {
		r = Result{Kind: ResultDone, Took: r.Took}
	}
	m.answer(w.id, r)
	return true
}

func renamed(list, numbers []int) []int {
	var out []int
	for _, c := range list {
		if numbers[c] != None {
			out = append(out, numbers[c])
		}
	}
	return out
}

// redefine restarts what runs by an older definition, and lets start afresh what had failed by one. What had failed and is gone is down: its
// story ends there, and begins anew when it comes back.
func (m *Machine) redefine(before []unit, n numbers) {
	for c, to := range n.components {
		if to == None {
			continue
		}
		if m.units[to].leaver {
			if m.units[to].state == Failed {
				m.move(to, Down, Cause{Code: Removed})
			}
			continue
		}
		u, old := &m.units[to], before[c].def
		if u.def.Start != old.Start && u.alive() {
			u.cycle, u.redefined = true, true
		}
		if u.def.Heartbeat != old.Heartbeat {
			m.supervise(to, u.state == Ready)
			u.pulse.excused = true // what has been counted is of another window
		}
		if u.def.Start != old.Start || !u.def.SameRecovery(old) {
			m.forgive(to)
		}
		if !reflect.DeepEqual(u.def.StartConditions, old.StartConditions) {
			m.retest(to)
		}
	}
}

// changes lists what the new configuration does to components, by number.
func (m *Machine) changes(before []unit, n numbers) []Change {
	from := make([]int, len(m.units))
	for c := range from {
		from[c] = None
	}
	for c, to := range n.components {
		if to != None {
			from[to] = c
		}
	}
	var list []Change
	for c := range m.units {
		u := &m.units[c]
		was := unit{}
		if from[c] != None {
			was = before[from[c]]
		}
		if what := u.change(&was); what != "" {
			list = append(list, Change{Name: u.def.Name, What: what})
		}
	}
	return list
}

func (u *unit) change(was *unit) string {
	switch {
	case u.alive() && u.view.has(viewLeaves) && !was.view.has(viewLeaves):
		return "stop"
	case u.alive() && u.view.has(viewRestarts) && !was.view.has(viewRestarts):
		return "restart"
	case u.wanted && !u.alive() && (!was.wanted || was.state == Failed && u.state != Failed):
		return "start"
	case was.def != nil && !reflect.DeepEqual(was.def, u.def):
		return "update"
	}
	return ""
}

// keep gives the leaver at its new number to the edges that it had at its old number: it still has to stop before
// what it depends on, and what is in conflict with it has to wait.
func (e *edges) keep(old *edges, c, to int, numbers []int) {
	e.order = append(slices.Clip(e.order), to)
	e.position[to] = len(e.order) - 1
	e.needs[to] = e.link(e.neededBy, to, renamed(old.needs[c], numbers))
	e.anyOf[to] = e.link(e.anyOfBy, to, renamed(old.anyOf[c], numbers))
	e.wants[to] = e.link(e.wantedBy, to, renamed(old.wants[c], numbers))
	e.after[to] = e.link(e.beforeOf, to, renamed(old.after[c], numbers))
	e.conflicts[to] = e.link(e.conflicts, to, renamed(old.conflicts[c], numbers))
}

// link adds the other ends of edges from a leaver, without touching the graph's own lists.
func (e *edges) link(back [][]int, from int, list []int) []int {
	for _, n := range list {
		back[n] = append(slices.Clip(back[n]), from)
	}
	return list
}

// grow makes room for n components, in lists of its own.
func (e *edges) grow(n int) {
	if n == len(e.needs) {
		return
	}
	for _, list := range []*[][]int{&e.needs, &e.anyOf, &e.wants, &e.after, &e.conflicts,
		&e.neededBy, &e.anyOfBy, &e.wantedBy, &e.beforeOf} {
		*list = append(slices.Clone(*list), make([][]int, max(0, n-len(*list)))...)
	}
	e.position = append(slices.Clone(e.position), make([]int, max(0, n-len(e.position)))...)
}
