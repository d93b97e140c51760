package manager

import (
	"path/filepath"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/keeper"
)

// The group of a component is its cgroup; where there are no cgroups it is the session of its main process and
// whatever that has started (strays.go).

// populated says whether the component has any process.
func (m *Manager) populated(u *unit) bool {
	if m.tree == nil {
		return len(m.processes(u)) > 0
	}
	yes, err := m.tree.Populated(u.name)
	if err != nil {
		m.complainOnce(u, err.Error())
	}
	return yes
}

// processes lists the processes of the component.
func (m *Manager) processes(u *unit) []int {
	if m.tree != nil {
		pids, _ := m.tree.Processes(u.name)
		return pids
	}
	return m.scattered(u)
}

// killGroup kills every process of the component at once.
func (m *Manager) killGroup(u *unit) {
	var err error
	switch {
	case m.tree != nil:
		err = m.tree.Kill(u.name)
	default:
		err = m.killScattered(u)
	}
	if err != nil {
		m.complain(u, err.Error())
	}
}

// within says whether a cgroup path, as /proc/PID/cgroup gives it, is a component's or below it.
func (m *Manager) within(path, name string) bool {
	own := filepath.Join(m.below, name)
	return path == own || len(path) > len(own) && path[:len(own)+1] == own+"/"
}

// record gives a process its place in the facts table. That of a main process is the component's, which Store has
// written already.
func (m *Manager) record(p *process) error {
	kind, name := recordOf(p.unit, p.role)
	record, ok := m.table.Find(kind, name)
	if p.role != mainRole {
		var err error
		if record, err = m.table.Claim(kind, name, p.run); err != nil {
			return err
		}
	} else if !ok {
		return &stepError{"facts", errNoRecord}
	}
	p.record, p.slot = record, m.slot(record)
	return nil
}

// release gives the record of a command back when it has ended.
func (m *Manager) release(p *process) {
	if p.role != mainRole {
		m.table.Free(p.record)
	}
}

// killCommands ends the commands of a dead manager: the machine repeats them (R17).
func (m *Manager) killCommands(u *unit) {
	for _, r := range []role{stopRole, reloadRole, inquiryRole, hookRole} {
		kind, name := recordOf(u, r)
		record, ok := m.table.Find(kind, name)
		if !ok {
			continue
		}
		m.endStart(m.slot(record))
		m.table.Free(record)
		if r == inquiryRole {
			m.clearInquiry(u)
		}
		if r == hookRole {
			m.complain(u, "a hook was interrupted with the manager: hooks of its time run once more")
			m.clearHooks(u)
		}
	}
}

// usage notes what a run has cost; status shows it while the component has no process any more.
func (m *Manager) usage(u *unit, e *keeper.Exit) { u.cpu += e.CPU }

// memoryAndCPU reads what the component uses now.
func (m *Manager) memoryAndCPU(u *unit) (memory int64, cpu float64) {
	if u.group == groupGone {
		return 0, float64(u.cpu) / 1e6
	}
	if m.tree == nil {
		for _, pid := range m.processes(u) {
			memory += cgroups.Resident(pid)
		}
		return memory, float64(u.cpu) / 1e6
	}
	memory, _ = m.tree.Memory(u.name)
	used, _ := m.tree.CPU(u.name)
	return memory, float64(used) / 1e6
}
