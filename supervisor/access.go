package supervisor

import (
	"time"

	"github.com/orderly-init/orderly/targets"
)

// safeReason is what a request that would start something is told in safe mode.
const safeReason = "safe mode: the manager died too often"

// SetSafe turns safe mode on or off, after Restore and before the first event (R19). In it nothing is started, failures are
// noted and nothing follows from them but stops, and of all requests only Stop and Shutdown are served. A transition
// in progress stays open. It is not kept in the facts: each manager is told anew.
func (m *Machine) SetSafe(on bool) {
	m.safe = on
	m.touchAll()
}

// Graph is the configuration in force.
func (m *Machine) Graph() *targets.Graph { return m.graph }

// Version is that of the configuration in force.
func (m *Machine) Version() uint32 { return m.version }

// Active is the number of the active target, None before the first request.
func (m *Machine) Active() int { return m.target }

// Components are the definitions by number; behind those of the graph are the ones that an Apply removed and that
// still stop.
func (m *Machine) Components() []*targets.Component {
	defs := make([]*targets.Component, len(m.units))
	for c := range m.units {
		defs[c] = m.units[c].def
	}
	return defs
}

// StateOf is the stored state of a component and its newest run.
func (m *Machine) StateOf(c int) (State, uint32) { return m.units[c].state, m.units[c].run }

// LetGo says whether the processes of the newest run live on without supervision.
func (m *Machine) LetGo(c int) bool { return m.units[c].released() }

// Newest is the change that led to the present state of a component, but for the state before it: for one to whom nobody has told it.
func (m *Machine) Newest(c int) Changed {
	u := &m.units[c]
	return Changed{Component: c, Run: u.run, To: u.state, Reason: u.reason()}
}

// Shown is what was told last of the whole, or is stored and was to be told.
func (m *Machine) Shown() Moved { return Moved{Top: m.shown, Target: m.target} }

// Killed says whether the present run has been killed.
func (m *Machine) Killed(c int) bool { return m.units[c].killed }

// KilledUntil is when a killed run counts as one that cannot be, unless it is gone by then; 0 where it has not been killed, or does so.
func (m *Machine) KilledUntil(c int) time.Duration {
	if u := &m.units[c]; !u.killed || u.stuck {
		return 0
	}
	return m.due[c]
}

// Ending is the end that the machine goes to, GoOn where it goes on, and whether that is its own doing: no person asked for it.
func (m *Machine) Ending() (end End, own bool) { return m.ending.end, m.ending.own }

// MainAlive says whether the main process of the present run may be alive: its exit has not been told.
func (m *Machine) MainAlive(c int) bool { return m.units[c].main }

// ExitSeq is the newest entry of the keeper's exit ring that has been applied to any component.
func (m *Machine) ExitSeq() uint64 {
	seq := uint64(0)
	for c := range m.units {
		seq = max(seq, m.units[c].exitSeq)
	}
	return seq
}

// GroupAlive says whether the present run may have processes still.
func (m *Machine) GroupAlive(c int) bool { return m.units[c].group }
