package supervisor

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// wholeTimes are the times of the machine's own record, in its order.
func (m *Machine) wholeTimes() [6]*time.Duration {
	return [6]*time.Duration{&m.began, &m.act.began, &m.act.deadline, &m.ladder.retryAt, &m.ladder.doneAt, &m.ending.deadline}
}

// Restore makes a machine that goes on from the facts, with the configuration that was running (R18), and
// returns the effects that the dead manager may not have performed: signals and kills of runs that are
// stopping, commands that were running, the end of a shutdown. All of them may be performed twice. Callers and status texts are lost.
//
// Before anything else happens the new manager posts what it can find out, in this order:
//
//   - Exited for each entry of the keeper's ring after the newest that any record has applied; where the group is
//     known to be empty as well, with Empty, else an Emptied follows when it is;
//   - Lost for each run that has processes by its record, but no pid in it; its cgroup has been killed first (R16);
//   - Launched for a starting run whose child is known to have gone through exec, LaunchFailed where the
//     live area names a failed step, and BecameReady where a readiness channel says so;
//   - CommandEnded for nothing: helper processes of the dead manager are killed and repeated by the effects (R17);
//   - Emptied for a run whose main process is gone and whose group has become empty meanwhile.
//
// Then it posts a Tick, and the machine looks at the present as after any event. What is to become ready, and was begun before,
// is not late within the first second: the word that it is may be on its way.
func Restore(g *targets.Graph, t *Table, now time.Duration) (*Machine, []Effect) {
	m := New(g)
	m.now, m.taken = now, now
	m.restoreUnits(t)
	m.restoreWhole(t)
	m.want()
	m.touchAll()
	m.settleViews()
	m.out = nil
	m.table.markAll()
	for c := range m.units {
		m.repeat(c)
	}
	m.repeatWhole()
	out := m.out
	m.out = nil
	return m, out
}

// restoreUnits fills the components from their records. A record of a component that is alive and not in the graph
// becomes a leaver.
func (m *Machine) restoreUnits(t *Table) {
	byName := make(map[uint64]int, len(m.units))
	for c := range m.units {
		byName[NameHash(m.name(c))] = c
	}
	for i := range t.Len() {
		r, ok := t.Read(i)
		if !ok || r.Kind != ComponentRecord {
			continue
		}
		c, known := byName[r.Name]
		u, due, raised := decodeUnit(r.data)
		if !known {
			m.restoreLeaver(u, due, r.Name)
			continue
		}
		u.def, u.leaver = m.units[c].def, false
		m.asks++
		u.asking.number = m.asks
		if u.asking.on {
			m.tests++
		}
		m.units[c] = u
		m.due[c] = due
		m.resumeBeat(c)
		if raised {
			m.raised = append(m.raised, c)
		}
	}
	slices.Sort(m.raised)
	m.restoreAnnounced(t)
}

// restoreLeaver gives a removed component a place. Of its definition only the name may be left.
func (m *Machine) restoreLeaver(u unit, due time.Duration, name uint64) {
	if !u.alive() {
		return
	}
	def := &targets.Component{Name: u.cause.Text, StopSignal: 15, StopTimeout: 10 * time.Second}
	if NameHash(def.Name) != name {
		def.Name = fmt.Sprintf("removed-%016x", name)
		u.nameless = name
	}
	u.def, u.leaver, u.wanted, u.cause = def, true, false, Cause{Code: Removed}
	m.units = append(m.units, u)
	m.due, m.beat = append(m.due, due), append(m.beat, 0)
	n := len(m.units)
	m.edges.grow(n)
	m.edges.order = append(slices.Clip(m.edges.order), n-1)
	m.edges.position[n-1] = len(m.edges.order) - 1
	m.stale, m.ripe = newBits(n), newBits(n)
	m.table.resize(n, len(m.roots))
}

func (m *Machine) restoreWhole(t *Table) {
	byName := map[uint64]int{}
	for i := range m.roots {
		byName[NameHash(m.targetName(i))] = i
	}
	m.ladder.visited = make([]bool, len(m.roots))
	for i := range t.Len() {
		r, ok := t.Read(i)
		if target, known := byName[r.Name]; ok && known && r.Kind == TargetRecord {
			m.ladder.visited[target] = true
		}
		if ok && r.Kind == MachineRecord {
			m.decodeWhole(r.data, byName)
		}
	}
}

func (m *Machine) decodeWhole(data []byte, byName map[uint64]int) {
	if end := End(data[wholeEnd]); end <= Exit {
		m.ending.end = end
	}
	if top := Top(data[wholeShown]); top <= ShuttingDown {
		m.shown = top
	}
	m.version = binary.LittleEndian.Uint32(data[wholeVersion:])
	bits := binary.LittleEndian.Uint32(data[wholeFlags:])
	m.wholeFlags(func(bit uint32, on *bool) { *on = bits&bit != 0 })
	m.ladder.tries = min(int(data[wholeTries]), fallbackAttempts+1)
	for i, t := range m.wholeTimes() {
		*t = getTime(data[wholeTimes+8*i:])
	}
	if target, ok := byName[binary.LittleEndian.Uint64(data[wholeTarget:])]; ok {
		m.target = target
	}
	if m.target == None {
		m.act = activation{}
		return
	}
	for i := range min(int(data[wholeQueued]), wholeQueueMax) {
		if target, ok := byName[binary.LittleEndian.Uint64(data[wholeQueue+8*i:])]; ok {
			stopFirst := data[wholeQueued+1]&(1<<i) != 0
			m.queue = append(m.queue, request{at: m.now, target: target, stopFirst: stopFirst})
		}
	}
}

// repeat gives again the effects of c that may be lost.
func (m *Machine) repeat(c int) {
	u := &m.units[c]
	switch {
	case u.released():
		m.emit(LetGo{Component: c, Run: u.run})
	case u.asking.on:
		m.await(c)
	case u.killed && u.state == Stopping:
		m.emit(Kill{Component: c, Run: u.run})
	case u.command != 0 && u.alive():
		m.emit(RunCommand{Component: c, Run: u.run, Command: u.command})
	case u.drains && u.main:
	case u.state == Stopping && (u.main || u.group):
		m.emit(Signal{Component: c, Run: u.run, Signal: u.stopSignal(), Group: !u.main})
	}
}

func (m *Machine) repeatWhole() {
	if m.ending.finished {
		m.emit(Finish{End: m.ending.end})
	}
	if m.ending.end == GoOn && m.ladder.tries > fallbackAttempts && m.count.broken > 0 {
		m.emit(LastResort{Action: m.graph.Config.OnFallbackFailure})
	}
}
