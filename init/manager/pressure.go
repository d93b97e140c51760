package manager

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/targets"
)

// trigger is a pressure that the kernel tells of: nobody is woken as long as it is not reached.
type trigger struct {
	fd   int
	mark targets.PressureMark
}

// arm has the kernel tell of the pressures that a component's definition names. Those that it does not take are in the error.
func (m *Manager) arm(u *unit) error {
	var failed error
	for _, mark := range u.def.Resources.Pressure {
		fd, err := m.tree.Trigger(u.name, cgroups.Trigger(mark))
		if err == nil {
			fd, err = raise(fd)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		t := trigger{fd, mark}
		if err := m.loop.AddPriority(fd, func() { m.pressed(u, t) }); err != nil {
			unix.Close(fd)
			failed = errors.Join(failed, err)
			continue
		}
		u.meter.triggers = append(u.meter.triggers, t)
	}
	return failed
}

// raise moves a descriptor out of the way of what children need.
func raise(fd int) (int, error) {
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, highFD)
	if err == unix.EINVAL { // the limit of open files is lower (fcntl(2)): then where it is
		return fd, nil
	}
	unix.Close(fd)
	return high, err
}

// disarm ends that.
func (m *Manager) disarm(u *unit) {
	for _, t := range u.meter.triggers {
		m.loop.Remove(t.fd)
		unix.Close(t.fd)
	}
	u.meter.triggers = nil
}

// pressed tells of a pressure. A group that is gone says so on and on.
func (m *Manager) pressed(u *unit, t trigger) {
	if !slices.Contains(u.meter.triggers, t) {
		return
	}
	if cgroups.Gone(t.fd) {
		m.disarm(u)
		return
	}
	m.noteOn(u, "pressure: "+t.mark.Resource+" "+t.mark.String())
}
