package manager

import (
	"os"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
)

// A component with a pid_file forks into the background: what the file names becomes its main process, if it is one of its own. The
// file is waited for until it does, and looked at again when the main process ends. A process of nobody's or of somebody else is
// never touched, whatever stands in the file.

// awaitName begins to wait for the process that pid_file names.
func (m *Manager) awaitName(u *unit) {
	if !m.machine.Unnamed(u.number) || u.pidFile != nil {
		return
	}
	w := &ready.Path{Name: u.def.PIDFile, Inside: true, Test: func() bool { return m.lookUp(u) }, Holds: func() {}}
	u.pidFile = w
	if !ready.Silent(w.Name) {
		err := m.paths.Add(w)
		if err == nil {
			return
		}
		m.complain(u, "pid_file: "+err.Error()+": it is looked at again and again")
	}
	var again func()
	again = func() {
		if u.pidFile == w && !m.lookUp(u) {
			m.in(u.def.Ready.PollInterval, again)
		}
	}
	m.in(0, again)
}

// lookUp looks whether pid_file names a process of the component, and tells the machine when it does.
func (m *Manager) lookUp(u *unit) bool {
	if !m.machine.Unnamed(u.number) {
		return true
	}
	pid, after := m.namedBy(u)
	switch p := u.main; {
	case pid == 0, p != nil && !p.landed(): // nobody, or nobody that is known to have executed, and could have written it
		return false
	case p == nil:
		if !m.goOn(u, pid, after) {
			return false
		}
	case int(p.pid) == pid, runtime.Parent(pid) == int(p.pid): // which it follows when that ends
	case !m.settleIn(p, pid, after):
		return false
	}
	m.post(supervisor.Named{Component: u.number, Run: u.run})
	return true
}

// namedBy returns the process of the component that pid_file names, 0 is none. An exit of it has a number above after.
func (m *Manager) namedBy(u *unit) (pid int, after uint64) {
	pid, _, err := ready.ReadPID(u.def.PIDFile)
	if err != nil {
		return 0, 0
	}
	after = m.ring.Head()
	if !m.owns(u, pid) {
		if u.main != nil && int(u.main.pid) == pid { // it has just ended
			return 0, 0
		}
		m.complainOnce(u, "pid_file: process "+itoa(pid)+" was refused: not a living one of the component")
		return 0, 0
	}
	return pid, after
}

// owns says whether a living process is the component's.
func (m *Manager) owns(u *unit, pid int) bool {
	if m.tree == nil {
		return slices.Contains(m.scattered(u), pid)
	}
	return m.within(cgroups.Of(pid), u.name) && !runtime.Dead(pid)
}

// goOn makes a process the main one of a run that has none any more.
func (m *Manager) goOn(u *unit, pid int, after uint64) bool {
	p := &process{unit: u, role: mainRole, run: u.run}
	if err := m.record(p); err != nil {
		m.complain(u, "pid_file: "+err.Error())
		return false
	}
	if !m.settleIn(p, pid, after) {
		return false
	}
	if u.group == groupWatched {
		m.unlinger(u)
	}
	u.group, u.main = groupThere, p
	return true
}

// unlinger ends the watch for the end of the last process of a component.
func (m *Manager) unlinger(u *unit) {
	if m.tree != nil {
		m.watch.Remove(u.name)
		return
	}
	m.lingering = slices.DeleteFunc(m.lingering, func(l *unit) bool { return l == u })
}

// settleIn makes a process the main one in the place of another, or of none. A new manager finds its pid in the slot. One whose parent
// is not the keeper is watched by a pidfd; false is that it has ended before it could be.
func (m *Manager) settleIn(p *process, pid int, after uint64) bool {
	fd := -1
	if runtime.Parent(pid) != os.Getppid() && !m.ring.Has(int32(pid), after) {
		var err error
		if fd, err = unix.PidfdOpen(pid, 0); err != nil {
			return false
		}
	}
	u, adopted := p.unit, m.unwatchAdopted(p)
	delete(m.byPID, p.pid)
	p.pid, p.after, u.leader = int32(pid), after, int32(pid)
	u.lines.asked, u.lines.looked = false, false
	if fd >= 0 { // before the pid: see resumeAdopted
		m.hold(keeper.Message{Tags: []keeper.Tag{u.tag(keeper.Adopted)}, Files: []int{fd}})
	}
	atomic.StoreInt32(&p.slot.Pid, p.pid)
	switch {
	case fd >= 0:
		m.watchAdopted(p, fd)
		return true
	case adopted:
		m.drop(u.tag(keeper.Adopted))
	}
	m.byPID[p.pid] = p
	return true
}

// followed looks, when a main process has ended, whether pid_file names the one that goes on.
func (m *Manager) followed(p *process) bool {
	u := p.unit
	state, run := m.machine.StateOf(u.number)
	if u.def.PIDFile == "" || run != p.run || state != supervisor.Starting && state != supervisor.Ready {
		return false
	}
	pid, after := m.namedBy(u)
	if pid == 0 || !m.settleIn(p, pid, after) {
		return false
	}
	m.post(supervisor.Named{Component: u.number, Run: u.run})
	return true
}

// cleared removes the pid file of a component that is down: its process is gone, and a later one with its number would be taken for it.
func (m *Manager) cleared(e supervisor.Changed) {
	switch e.To {
	case supervisor.Starting, supervisor.Ready, supervisor.Stopping, supervisor.Done:
		return
	case supervisor.Down, supervisor.Failed, supervisor.Waiting, supervisor.Backoff:
	}
	u := m.units[e.Component]
	if u.def.PIDFile != "" && u.leader != 0 { // else it has been let go, and lives on
		m.unwatch(u)
		ready.RemovePIDFile(u.def.PIDFile)
	}
	m.forgetLeader(u)
}
