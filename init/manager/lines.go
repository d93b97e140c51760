package manager

import (
	"regexp"
	"time"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// lines is the wait for a line of a run's output.
type lines struct {
	watch  *logs.Watch // nil is none
	asked  bool        // the main process has ended, and the sink looks through what it has printed
	looked bool        // it has
}

// watchLines has the sink look for the line that makes a run ready. That stays in the pipe until the readiness has been stored: a
// manager that dies in between has not lost it.
func (m *Manager) watchLines(u *unit) *logs.Watch {
	pattern, err := regexp.Compile(u.def.Ready.Pattern)
	if err != nil { // it was read when the configuration was
		m.complain(u, "ready.log: "+err.Error())
		return nil
	}
	w := &logs.Watch{Matches: pattern.Match}
	w.Over = func(found bool) {
		m.loop.Post(func() {
			if u.lines.watch == w {
				m.linesOver(u, found)
			}
		})
	}
	u.lines = lines{watch: w}
	return w
}

// linesOver acts on the line, or on the end of all output without it.
func (m *Manager) linesOver(u *unit, found bool) {
	if found {
		m.isReady(u, u.run)
		m.endLines(u)
		return
	}
	u.lines = lines{}
	m.mute(u)
}

// endLines ends the wait for a line.
func (m *Manager) endLines(u *unit) {
	if w := u.lines.watch; w != nil {
		u.lines = lines{}
		m.later(func() { m.sink.Release(w) })
	}
}

// linesLimit is how long an exit may wait for the sink to look through what the process has printed: that takes microseconds, unless
// the disk of the log hangs.
const linesLimit = 100 * time.Millisecond

// unread says that an exit has to wait, and those after it: what the main process has said on its socket, and printed, is looked through
// first (R9). It stays in the ring meanwhile.
func (m *Manager) unread(e keeper.Exit) bool {
	p := m.owner(e)
	if p == nil || p.role != mainRole {
		return false
	}
	if m.unheard(p.unit) {
		if m.unsaid == nil {
			m.unsaid = m.in(0, func() {
				m.unsaid = nil
				m.onExit()
			})
		}
		return true
	}
	p.unit.words = 0
	if p.unit.lines.watch == nil || p.unit.lines.looked {
		return false
	}
	l := &p.unit.lines
	if l.asked {
		return true
	}
	w := l.watch
	l.asked = true
	goOn := func() {
		if l.watch == w && l.asked { // it was not found, and no other process has become the main one
			l.looked = true
		}
		m.onExit()
	}
	limit := m.in(linesLimit, goOn)
	m.sink.Look(w, func() {
		m.loop.Post(func() {
			limit.callOff()
			goOn()
		})
	})
	return true
}

// linesOf is the watch for the lines of a pipe, nil where nothing is waited for in it.
func (m *Manager) linesOf(u *unit, tag keeper.Tag) *logs.Watch {
	if tag.Use != keeper.Output || tag.Run != u.run || !m.mayPrint(u) {
		return nil
	}
	return m.watchLines(u)
}

// mayPrint says whether a run that has been taken up is to print the line. One that was lost is over, whatever it has printed.
func (m *Manager) mayPrint(u *unit) bool {
	state, _ := m.machine.StateOf(u.number)
	there := u.main != nil || m.unnamed(u)
	return state == supervisor.Starting && there && u.def.Ready.When == targets.Printed
}

// resumeMute tells of the runs whose output was closed without the line: the keeper has no pipe of them any more.
func (m *Manager) resumeMute() {
	for _, u := range m.units {
		if m.mayPrint(u) && u.lines.watch == nil {
			m.mute(u)
		}
	}
}
