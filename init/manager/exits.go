package manager

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
)

// onExit is the handler of the keeper's wake: it takes every exit that the ring has. What has landed meanwhile is
// looked at first, so that an exec is known before the exit of the same process.
func (m *Manager) onExit() {
	poll.Calm(keeper.WakeFD)
	m.landed()
	for {
		e, ok := m.ring.After(m.seen)
		if !ok {
			return
		}
		if m.unread(e) {
			return
		}
		m.seen = e.Seq
		m.exited(e)
	}
}

// exited takes one exit. A pid in no record is an intermediate or an orphan: it is reaped, and that is all, but
// it may have been the last one of a component whose main process has ended.
func (m *Manager) exited(e keeper.Exit) {
	p := m.owner(e)
	if p == nil {
		m.fallen(e.PID)
		m.orphaned()
		return
	}
	if !p.slot.Ended() { // else its intermediate would have ended after it
		m.fell(p)
		m.orphaned()
		return
	}
	if p.role == mainRole && m.inherited(p) {
		m.orphaned()
		return
	}
	delete(m.byPID, e.PID)
	if p.role != mainRole {
		p.pid = 0
		m.release(p)
		m.commandEnded(p, status(e.Status))
		return
	}
	m.usage(p.unit, &e)
	m.mainEnded(p, e.Seq, status(e.Status))
}

// owner is the process of ours that an exit is of, nil where it is nobody's.
func (m *Manager) owner(e keeper.Exit) *process {
	p := m.byPID[e.PID]
	if p == nil {
		m.landed() // it may have landed, and ended, since the round began
		p = m.byPID[e.PID]
	}
	if p == nil || e.Seq <= p.after {
		return nil
	}
	return p
}

// mainEnded tells the machine how a main process has ended.
func (m *Manager) mainEnded(p *process, seq uint64, how supervisor.Status) {
	u := p.unit
	m.unadopt(p)
	p.pid = 0
	if u.main == p {
		u.main = nil
	}
	memory := m.shortOfMemory(u, how)
	empty := m.emptied(u)
	if empty || how != (supervisor.Status{}) || !m.machine.Unnamed(u.number) { // else it goes on in the background
		m.unwatch(u)
	}
	m.post(supervisor.Exited{Component: u.number, Run: p.run, Seq: seq, Status: how, Memory: memory, Empty: empty})
}

// status reads a wait status (wait(2)).
func status(raw uint32) supervisor.Status {
	w := unix.WaitStatus(raw)
	if w.Signaled() {
		return supervisor.Status{Signal: int(w.Signal()), Core: w.CoreDump()}
	}
	return supervisor.Status{Code: w.ExitStatus()}
}

// emptied says whether a component whose main process has ended has no process left; where it has, the rest is
// watched and an Emptied follows.
func (m *Manager) emptied(u *unit) bool {
	if !m.populated(u) {
		return m.empty(u)
	}
	u.group = groupWatched
	if m.tree != nil {
		if err := m.watch.Add(u.name); err != nil {
			m.complainOnce(u, err.Error()+": the end of its last process is looked for again and again")
			m.lookForEnd(u, u.run)
		}
		if !m.populated(u) { // between the first look and the watch
			m.watch.Remove(u.name)
			return m.empty(u)
		}
		return false
	}
	m.lingering = append(m.lingering, u)
	return false
}

// desert notes that the group of a component has nobody in it; it is removed at the end of the round, unless the
// component has been launched again by then.
func (m *Manager) desert(u *unit) {
	u.group = groupDeserted
	m.deserted = append(m.deserted, u)
}

// onGroups is the handler of the cgroup watch.
func (m *Manager) onGroups() {
	groups, limits := m.watch.Changed()
	m.limitsReached(limits)
	for _, name := range groups {
		if u := m.byName[name]; u != nil && u.group == groupWatched && !m.populated(u) {
			m.lastEnded(u)
		}
	}
}

// lastEnded takes the end of the last process of a group that was watched.
func (m *Manager) lastEnded(u *unit) {
	m.watch.Remove(u.name)
	if m.empty(u) {
		m.post(supervisor.Emptied{Component: u.number, Run: u.run})
	}
}

// endLook is how often a group is looked at of whose end the kernel cannot tell, since inotify is used up.
const endLook = 50 * time.Millisecond

// lookForEnd looks for the end of the last process of a run.
func (m *Manager) lookForEnd(u *unit, run uint32) {
	m.in(endLook, func() {
		switch {
		case u.group != groupWatched || u.run != run:
		case m.populated(u):
			m.lookForEnd(u, run)
		default:
			m.lastEnded(u)
		}
	})
}

// empty takes the end of the last process. It reports false where hooks come after it, and then the component's end.
func (m *Manager) empty(u *unit) bool {
	run := u.run
	if m.afterEnd(u, func() {
		m.desert(u)
		m.post(supervisor.Emptied{Component: u.number, Run: run})
	}) {
		u.group = groupWatched
		return false
	}
	m.desert(u)
	return true
}

// orphaned looks, where there are no cgroups, at the components that are not empty yet: an orphan has ended.
func (m *Manager) orphaned() {
	rest := m.lingering[:0]
	for _, u := range m.lingering {
		if u.group == groupWatched && !m.populated(u) {
			if m.empty(u) {
				m.post(supervisor.Emptied{Component: u.number, Run: u.run})
			}
			continue
		}
		rest = append(rest, u)
	}
	m.lingering = rest
}

// sweep removes the groups of those that have gone and have not come back.
func (m *Manager) sweep() {
	for _, u := range m.deserted {
		if u.group != groupDeserted {
			continue
		}
		m.endLimits(u)
		if u.command == nil && m.tree != nil {
			m.clean(u.name, 0)
		}
		u.group = groupGone
		if u.def.PIDFile == "" && u.main == nil { // see cleared; and the next run may be there already
			m.forgetLeader(u)
		}
	}
	m.deserted = m.deserted[:0]
}
