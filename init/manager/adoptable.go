package manager

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// adoptable refuses what is no process that could be watched and stopped, what Orderly itself belongs to, and what is another
// component's.
func (m *Manager) adoptable(pid int) error {
	if pid <= 1 || pid == os.Getpid() || !adoptableProcess(pid) {
		return notAdoptable(pid)
	}
	list, err := runtime.Descendants(pid)
	if err != nil {
		return control.Failed("%v", err)
	}
	if slices.ContainsFunc(list, func(p runtime.Process) bool { return p.PID == os.Getppid() }) {
		return control.Refused(nil, "Orderly itself belongs to %d, and would be stopped with it", pid)
	}
	if owner := m.taken(pid); owner != "" {
		return control.Refused(nil, "%d is a process of %s", pid, owner)
	}
	return nil
}

func notAdoptable(pid int) error {
	return control.Refused(nil, "%d is not a process that can be adopted", pid)
}

// adoptableProcess refuses threads, for which there is no pidfd (pidfd_open(2)), those of the kernel, which no signal ends, and
// what has ended.
func adoptableProcess(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return !runtime.Dead(pid) && !runtime.Kernel(pid)
}

// taken names the component that a process belongs to, or is about to.
func (m *Manager) taken(pid int) string {
	for _, ev := range m.pending {
		if a, ok := ev.(supervisor.Adopt); ok && a.PID == pid {
			return m.units[a.Component].name
		}
	}
	group, session := "", 0
	if m.tree != nil {
		group = cgroups.Of(pid)
	} else if !m.forgone[pid] {
		session, _ = unix.Getsid(pid)
	}
	for _, u := range m.units {
		switch {
		case m.tree != nil && m.within(group, u.name):
			return u.name
		case u.main == nil:
		case int(u.main.pid) == pid, session != 0 && int(u.leader) == session:
			return u.name
		}
	}
	return ""
}
