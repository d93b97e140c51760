package manager

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// takeIn makes a process that something else has started the main process of a run. The keeper reaps only its own
// children, so the end of any other is told by its pidfd, which the keeper holds for the next manager.
func (m *Manager) takeIn(e supervisor.TakeIn) {
	u := m.units[e.Component]
	m.forgetBundle(u)
	p := &process{unit: u, role: mainRole, run: e.Run, pid: int32(e.PID), after: m.ring.Head()}
	u.run, u.main, u.leader = e.Run, p, p.pid
	fd, err := unix.PidfdOpen(e.PID, 0)
	if err == nil {
		err = m.record(p)
	}
	if err != nil {
		closeAll([]int{fd})
		m.complain(u, "adopt "+itoa(e.PID)+": "+err.Error())
		m.mainEnded(p, 0, supervisor.Status{Unknown: true})
		return
	}
	m.takeOn(p, fd)
}

// takeOn makes an adopted process the main one. Nobody but the keeper tells a new manager of its end, and what is in the slot has been
// taken in wholly.
func (m *Manager) takeOn(p *process, fd int) {
	u := p.unit
	m.hold(keeper.Message{Tags: []keeper.Tag{u.tag(keeper.Adopted)}, Files: []int{fd}})
	if unix.PidfdSendSignal(fd, 0, nil, 0) == nil { // else another process may have the number
		m.gather(u, int(p.pid))
	}
	*p.slot = runtime.Slot{Pid: p.pid, Done: 1}
	m.watchAdopted(p, fd)
}

// announce has the keeper hold a process until it has been adopted, or that has been refused: which one it is, no fact says.
func (m *Manager) announce(u *unit, pid int) error {
	tag := keeper.Tag{Use: keeper.Adopting, Run: uint32(pid), Name: u.hash}
	if m.holdPID(tag, pid) != nil {
		return notAdoptable(pid)
	}
	m.later(func() { m.drop(tag) })
	return nil
}

// resumeAdopting takes in what a manager was about to when it died. It reports false where there is no such process.
func (m *Manager) resumeAdopting(u *unit, held heldFiles) bool {
	for tag, fd := range held {
		if tag.Use != keeper.Adopting || tag.Name != u.hash {
			continue
		}
		p := &process{unit: u, role: mainRole, run: u.run, pid: int32(tag.Run), after: m.ring.Applied()}
		if m.record(p) != nil {
			return false
		}
		u.main, u.leader = p, p.pid
		delete(held, tag)
		if old, ok := held[u.tag(keeper.Adopted)]; ok { // it died on the way
			delete(held, u.tag(keeper.Adopted))
			unix.Close(old)
		}
		m.takeOn(p, fd)
		m.drop(tag) // last: one more manager may die on the way
		return true
	}
	return false
}

// gather moves a process with all that it has started into the component's cgroup.
func (m *Manager) gather(u *unit, pid int) {
	if m.tree == nil {
		return
	}
	fd, err := m.tree.Make(u.name)
	if err != nil {
		m.complain(u, "adopt: "+err.Error())
		return
	}
	defer unix.Close(fd)
	u.group = groupThere
	if err := errors.Join(m.limit(u), m.beginLimits(u)); err != nil {
		m.amiss(u, err)
	}
	moved := map[int]bool{}
	for fresh := true; fresh; { // what one starts before it is moved itself is found in another round
		fresh = false
		list, _ := runtime.Descendants(pid)
		for _, p := range list {
			if moved[p.PID] {
				continue
			}
			moved[p.PID], fresh = true, true
			if err := m.tree.Move(u.name, p.PID); err != nil && !runtime.Dead(p.PID) {
				m.complain(u, "adopt: "+err.Error())
			}
		}
	}
}

// watchAdopted waits for the end of an adopted process. One that is the keeper's child ends in the ring like any other.
func (m *Manager) watchAdopted(p *process, fd int) {
	p.pidfd = fd
	if m.reaped(p) {
		m.byPID[p.pid] = p
	}
	m.loop.Add(fd, func() { m.adoptedEnded(p) })
}

// reaped says whether the keeper is the one that reaps a process: as PID 1 it becomes so when the parent is gone.
func (m *Manager) reaped(p *process) bool {
	return runtime.Parent(int(p.pid)) == os.Getppid() || m.ring.Has(p.pid, p.after)
}

// adoptedEnded is the handler of the pidfd of an adopted process. Where the keeper reaps it, the ring tells how it has ended.
func (m *Manager) adoptedEnded(p *process) {
	m.loop.Remove(p.pidfd)
	pid := p.pid
	switch parent := runtime.Parent(int(pid)); {
	case m.byPID[pid] == p, parent == os.Getppid():
		m.byPID[pid] = p
		m.onExit()
	case parent == 0:
		m.in(reapingGrace, func() { m.adoptedGone(p, pid) })
	default:
		m.adoptedGone(p, pid)
	}
}

// reapingGrace is how long the keeper may take from reaping a process to writing that into the ring.
const reapingGrace = 50 * time.Millisecond

// adoptedGone acts on the end of an adopted process: it is in the ring, perhaps as that of an orphan, or nobody knows how it was.
func (m *Manager) adoptedGone(p *process, pid int32) {
	if p.unit.main != p || p.pid != pid { // or another one has taken its place meanwhile
		return
	}
	if m.unheard(p.unit) {
		m.in(0, func() { m.adoptedGone(p, pid) })
		return
	}
	p.unit.words = 0
	e, reaped := m.ring.Find(p.pid, p.after)
	switch {
	case reaped && e.Seq > m.seen:
		m.byPID[p.pid] = p
		m.onExit()
	case reaped:
		m.byPID[p.pid] = p
		m.exited(e)
	case !m.inherited(p):
		m.mainEnded(p, 0, supervisor.Status{Unknown: true})
	}
}

// unadopt closes the pidfd of an adopted process.
func (m *Manager) unadopt(p *process) {
	if m.unwatchAdopted(p) {
		m.drop(keeper.Tag{Use: keeper.Adopted, Run: p.run, Name: p.unit.hash})
	}
}

// unwatchAdopted ends the watch of a process by its pidfd, which the keeper still holds. It reports false where there is none.
func (m *Manager) unwatchAdopted(p *process) bool {
	if p.pidfd == 0 {
		return false
	}
	m.loop.Remove(p.pidfd)
	unix.Close(p.pidfd)
	p.pidfd = 0
	return true
}

// resumeAdopted watches a main process by the pidfd that the keeper holds. Where a manager died while it put one process in the place
// of another, that may be of the one and the pid in the slot of the other: the pidfd counts, unless its process is gone. Then the other
// one may live.
func (m *Manager) resumeAdopted(p *process, fd int) {
	switch pid := runtime.PidOf(fd); {
	case pid > 0 && int32(pid) != p.pid:
		p.pid, p.unit.leader = int32(pid), int32(pid)
		atomic.StoreInt32(&p.slot.Pid, p.pid)
	case pid < 0 && m.owns(p.unit, int(p.pid)) && m.settleIn(p, int(p.pid), p.after):
		unix.Close(fd)
		if p.pidfd == 0 {
			m.drop(p.unit.tag(keeper.Adopted))
		}
		return
	}
	m.watchAdopted(p, fd)
}

// letGo ends the supervision of a run: its processes leave the component's group and belong to nobody.
func (m *Manager) letGo(e supervisor.LetGo) {
	u := m.units[e.Component]
	record, ok := m.table.Find(supervisor.ComponentRecord, u.name)
	if !ok || m.slot(record).Started() == 0 {
		return // done, by a manager that has died since
	}
	p := u.main
	if p == nil { // of a dead manager
		p = &process{unit: u, role: mainRole, run: e.Run, slot: m.slot(record), record: record}
	}
	p.loose = true
	m.unadopt(p)
	delete(m.byPID, p.pid)
	m.networks.release(u.name)
	u.leader = int32(m.slot(record).Started())
	m.unwatch(u)
	m.closeNotify(u)
	m.scatter(u)
	m.leaveFlight(p)
	m.keepPoststart(p)
	*p.slot = runtime.Slot{}
	u.main, u.leader = nil, 0
}

// scatter moves the processes of a component out of its group, to where Orderly itself is. Without cgroups the
// environment would still say whose they are: the keeper holds a pidfd of each, by which the next manager knows that
// they are nobody's.
func (m *Manager) scatter(u *unit) {
	if m.tree == nil {
		for _, pid := range m.scattered(u) {
			m.forgo(pid)
		}
		return
	}
	home := m.home()
	for range 16 { // what they start meanwhile is in the group again
		pids, _ := m.tree.Processes(u.name)
		for _, pid := range pids {
			if err := cgroups.Move(home, pid); err != nil {
				m.complain(u, "release: "+err.Error())
				return
			}
		}
		if len(pids) == 0 {
			break
		}
	}
	m.desert(u)
}

// home is the cgroup of the keeper.
func (m *Manager) home() string {
	return m.place.Dir(cgroups.Of(os.Getppid()))
}

// forgo notes that a process is nobody's.
func (m *Manager) forgo(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	tag := keeper.Tag{Use: keeper.Released, Run: uint32(pid)}
	m.hold(keeper.Message{Tags: []keeper.Tag{tag}, Files: []int{fd}})
	m.watchForgone(pid, fd)
}

func (m *Manager) watchForgone(pid, fd int) {
	m.forgone[pid] = true
	m.loop.Add(fd, func() {
		m.loop.Remove(fd)
		unix.Close(fd)
		delete(m.forgone, pid)
		m.drop(keeper.Tag{Use: keeper.Released, Run: uint32(pid)})
	})
}

// takeForgone learns from the keeper which processes are nobody's.
func (m *Manager) takeForgone(held heldFiles) {
	for tag, fd := range held {
		if tag.Use == keeper.Released {
			delete(held, tag)
			m.watchForgone(int(tag.Run), fd)
		}
	}
}

// adopts says whether an event has a process adopted for u.
func adopts(u *unit) func(supervisor.Event) bool {
	return func(e supervisor.Event) bool {
		a, ok := e.(supervisor.Adopt)
		return ok && a.Component == u.number
	}
}

// adoptCall takes a running process under supervision.
func (m *Manager) adoptCall(ctx context.Context, c control.Call) (any, error) {
	var p control.AdoptParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if !samePIDs(c.Peer.PID) {
		return nil, elsewhere()
	}
	r, err := m.result(ctx, func(id supervisor.Request) error {
		u, err := m.component(p.Name)
		if err == nil && slices.ContainsFunc(m.pending, adopts(u)) { // whoever is next could not know which one it was
			err = control.Refused(nil, "%s is adopting another process", p.Name)
		}
		if err == nil {
			err = m.adoptable(p.PID)
		}
		if err == nil {
			err = m.announce(u, p.PID)
		}
		if err == nil {
			m.post(supervisor.Adopt{Request: id, Component: u.number, PID: p.PID})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return control.ResultReply{Result: wireResult(r)}, nil
}
