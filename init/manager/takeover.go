package manager

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// heldFiles are the descriptors that the keeper hands to a new manager.
type heldFiles map[keeper.Tag]int

// take returns the one descriptor of a use that is the machine's own, -1 where there is none.
func (h heldFiles) take(use keeper.Use) int {
	tag := keeper.Tag{Use: use}
	fd, ok := h[tag]
	if !ok {
		return -1
	}
	delete(h, tag)
	return fd
}

// fetch receives what the keeper holds. What comes in between is acted on later.
func (m *Manager) fetch() (heldFiles, error) {
	held := heldFiles{}
	for {
		msg, err := m.link.Receive(true)
		if err != nil {
			return nil, err
		}
		switch msg.Kind {
		case keeper.Held:
			for i, fd := range msg.Files {
				held[msg.Tags[i]] = fd
			}
		case keeper.HeldEnd:
			return held, nil
		case keeper.Signal, keeper.Missed, keeper.Watchdog:
			m.early = append(m.early, keeper.Message{Kind: msg.Kind, Value: msg.Value, Text: msg.Text})
		}
	}
}

// remember makes the machine of the facts, and of the exits and the held descriptors what it does not know yet.
func (m *Manager) remember(held heldFiles) error {
	if err := m.openJournal(held); err != nil {
		return err
	}
	graph := targets.NewGraph(m.config)
	if m.Again == 0 {
		m.machine = supervisor.New(graph)
		m.know()
		m.hearEarly()
		return nil
	}
	machine, again := supervisor.Restore(graph, m.table, poll.Now())
	m.machine = machine
	if m.Safe {
		m.machine.SetSafe(true)
		m.notes = append(m.notes, "safe mode: the manager died too often; nothing is started, stops and shutdown work")
	}
	m.know()
	m.logUnlogged()
	m.tellUntold()
	m.system(targets.Warning, "the manager was started again; components go on")
	m.seen = m.ring.Applied()
	for _, u := range m.units {
		m.resume(u, held)
	}
	m.takeHeirs(held)
	m.cleanRemoved()
	m.hangUp()
	m.resumeLogs(held) // before the exits: what was printed may have made a run ready
	m.resumeMute()
	m.resumeNetworks(held)
	m.onExit()
	for _, e := range again {
		m.perform(e)
	}
	m.takePipes(held)
	m.resumeTrial(held.take(keeper.Trial))
	m.takeForgone(held)
	for tag, fd := range held {
		unix.Close(fd)
		m.drop(tag) // nobody asks for it any more
	}
	m.tellUntoldWhole()
	m.hearEarly()
	m.post(supervisor.Tick{})
	return nil
}

// hearEarly acts on what the keeper said before there was a machine.
func (m *Manager) hearEarly() {
	for i := range m.early {
		m.onMessage(&m.early[i])
	}
	m.early = nil
}

// know makes a unit for every component of the machine.
func (m *Manager) know() {
	for n, def := range m.machine.Components() {
		u := newUnit(n, def)
		m.units = append(m.units, u)
		m.byName[u.name] = u
	}
}

// resume takes up one component: its process by the record, its channels by what is held, and what the machine
// must be told of it.
func (m *Manager) resume(u *unit, held heldFiles) {
	state, run := m.machine.StateOf(u.number)
	u.run = run
	if fd, ok := held[keeper.Tag{Use: keeper.Notify, Name: u.hash}]; ok {
		delete(held, keeper.Tag{Use: keeper.Notify, Name: u.hash})
		m.adoptNotify(u, fd)
	}
	m.killCommands(u)
	m.resumeBundle(u, held)
	switch state {
	case supervisor.Starting, supervisor.Ready, supervisor.Stopping, supervisor.Done:
	default:
		m.leftover(u)
		return
	}
	if !m.machine.GroupAlive(u.number) {
		u.mourned = u.run + 1 // see afterEnd
	}
	u.group = groupThere
	if record, ok := m.table.Find(supervisor.ComponentRecord, u.name); ok {
		u.leader = int32(m.slot(record).Started())
	}
	p := m.recorded(u)
	if p != nil && m.abandon(u, p) {
		return
	}
	if p == nil && state == supervisor.Ready && m.machine.MainAlive(u.number) && m.resumeAdopting(u, held) {
		return
	}
	if p == nil {
		m.lost(u)
		m.resumeUnnamed(u, held)
		return
	}
	u.main = p
	if fd, ok := held[u.tag(keeper.Adopted)]; ok {
		delete(held, u.tag(keeper.Adopted))
		m.resumeAdopted(p, fd)
	} else if p.pid != 0 {
		m.byPID[p.pid] = p
	}
	m.resumeLimits(u)
	m.resumeChannels(u, held, state == supervisor.Starting)
	if state == supervisor.Starting || !p.slot.Ended() || p.slot.Errno != 0 { // it lands, perhaps once more
		m.flight = append(m.flight, p)
	} else {
		m.afterExec(p) // the hooks that follow may not have ended
	}
}

// resumeChannels takes up on what a run speaks.
func (m *Manager) resumeChannels(u *unit, held heldFiles, starting bool) {
	if starting {
		m.takeStale(u, held)
	}
	if fd, ok := held[u.tag(keeper.Readiness)]; ok {
		delete(held, u.tag(keeper.Readiness))
		m.watchReady(u, fd, !starting)
	}
	if fd, ok := held[u.tag(keeper.Beat)]; ok {
		delete(held, u.tag(keeper.Beat))
		m.watchBeat(u, fd, starting && u.def.Ready.When == targets.Beating)
	}
}

// resumeUnnamed takes up a run that has forked into the background, and whose main process is not known yet.
func (m *Manager) resumeUnnamed(u *unit, held heldFiles) {
	if m.unnamed(u) {
		m.resumeChannels(u, held, true)
		m.await(u)
	}
}

func (m *Manager) unnamed(u *unit) bool {
	return m.machine.Unnamed(u.number) && !m.machine.MainAlive(u.number)
}

// leftover looks after the group of a component that has no main process: what a oneshot has left behind is watched
// until it is deactivated, and a group without anybody is removed.
func (m *Manager) leftover(u *unit) {
	if m.tree != nil && m.populated(u) {
		m.emptied(u)
		return
	}
	m.desert(u)
}

// recorded is the process of a component's record, nil where there never was a clone, or its main process has ended
// and that has been acted on. A child that has no pid yet is in flight.
func (m *Manager) recorded(u *unit) *process {
	record, ok := m.table.Find(supervisor.ComponentRecord, u.name)
	if !ok {
		return nil
	}
	slot := m.slot(record)
	pid := slot.Started()
	if pid == 0 && slot.Intermediate() == 0 || !m.machine.MainAlive(u.number) {
		return nil
	}
	return &process{unit: u, role: mainRole, run: u.run, slot: slot, record: record, pid: int32(pid), after: m.ring.Applied()}
}

// lost tells what has become of a run without a main process: of one that was starting nobody knows anything, so
// what is in its cgroup is killed and it is started anew (R16); of one that was being emptied the rest is watched.
func (m *Manager) lost(u *unit) {
	if m.machine.MainAlive(u.number) {
		if m.populated(u) {
			m.killGroup(u)
			m.awaitEmpty(u)
		}
		m.post(supervisor.Lost{Component: u.number, Run: u.run})
		return
	}
	if m.emptied(u) {
		m.post(supervisor.Emptied{Component: u.number, Run: u.run})
	}
}

// awaitEmpty gives killed processes a moment to be gone: nothing is cloned into a group that is being killed.
func (m *Manager) awaitEmpty(u *unit) {
	for range 200 {
		if !m.populated(u) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// resumeLogs goes on reading the output pipes that are held.
func (m *Manager) resumeLogs(held heldFiles) {
	for tag, fd := range held {
		u := m.byHash(tag.Name)
		if tag.Use != keeper.Output && tag.Use != keeper.Errand || u == nil {
			continue
		}
		delete(held, tag)
		source := logs.Out
		if u.def.Output.Stdout != "log" {
			source = logs.Err
		}
		stream := m.stream(u, tag.Run, source, fd, tag)
		stream.Watch = m.linesOf(u, tag)
		m.sink.Attach(stream)
	}
}

func (m *Manager) byHash(hash uint64) *unit {
	for _, u := range m.units {
		if u.hash == hash {
			return u
		}
	}
	return nil
}

// openJournal uses the journal of the earlier manager, or makes one.
func (m *Manager) openJournal(held heldFiles) error {
	fd := held.take(keeper.Journal)
	if fd < 0 {
		var err error
		if fd, err = keeper.Memfd("orderly-journal", journal.Size); err != nil {
			return err
		}
		m.hold(keeper.Message{Tags: []keeper.Tag{{Use: keeper.Journal}}, Files: []int{fd}})
	}
	defer unix.Close(fd)
	mem, err := keeper.Map(fd)
	if err != nil {
		return err
	}
	m.journal, err = journal.Open(mem)
	return err
}

// slot is the live area of a record: what the kernel and the child write.
func (m *Manager) slot(record int) *runtime.Slot {
	return (*runtime.Slot)(unsafe.Pointer(&m.table.Live(record)[0]))
}
