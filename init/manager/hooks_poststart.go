package manager

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// afterExec runs the hooks of a container that runs.
func (m *Manager) afterExec(p *process) {
	if b := p.unit.bundle; b != nil && len(b.Hooks.Poststart) > 0 {
		m.runHooks(&hooks{
			unit: p.unit, run: p.run, of: p, status: specs.StateRunning, left: hooksAt(inRuntime, b.Hooks.Poststart),
			then: func(err error) { m.afterPoststart(p, err) },
		})
	}
}

// poststartTag is that of the mark that they have not ended yet, which the keeper holds.
func (u *unit) poststartTag() keeper.Tag {
	return keeper.Tag{Use: keeper.Poststart, Run: u.bundleTag.Run, Name: u.hash}
}

// keepPoststart has the keeper know of which process they are, when its run is let go: no fact says it then.
func (m *Manager) keepPoststart(p *process) {
	if !slices.ContainsFunc(p.unit.hooks, func(h *hooks) bool { return h.of == p && h.status == specs.StateRunning }) {
		return
	}
	m.holdPID(p.unit.poststartTag(), p.number())
}

// resumePoststart leaves them out where they have ended under an earlier manager, and begins those of a run that has been let go.
func (m *Manager) resumePoststart(u *unit, held heldFiles) {
	fd, ok := held[u.poststartTag()]
	if !ok {
		u.bundle.Hooks.Poststart = nil
		return
	}
	delete(held, u.poststartTag())
	record, ok := m.table.Find(supervisor.ComponentRecord, u.name)
	if pid := runtime.PidOf(fd); pid > 0 && ok && m.slot(record).Started() == 0 { // else letGo comes once more
		m.afterExec(&process{unit: u, role: mainRole, run: u.run, pid: int32(pid), loose: true})
	}
	unix.Close(fd)
}

// afterPoststart kills a container for which a hook has failed: to recovery that is a run that has failed. Only then is it known that they
// have ended.
func (m *Manager) afterPoststart(p *process, err error) {
	if p.loose { // its component may have another run by now, or be gone from the configuration
		if err != nil {
			m.complain(p.unit, err.Error())
		}
		m.drop(keeper.Tag{Use: keeper.Poststart, Run: p.run, Name: p.unit.hash})
		return
	}
	if p.unit.main != p {
		return
	}
	if err != nil {
		m.complain(p.unit, err.Error()+": killed")
		m.signal(p, int(unix.SIGKILL))
		m.killGroup(p.unit)
	}
	m.drop(p.unit.poststartTag())
}
