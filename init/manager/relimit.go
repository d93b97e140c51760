package manager

import "errors"

// relimit puts other limits in force while a component runs. Lowering one can take long, for the kernel reclaims memory, and kills,
// before it returns: that is a goroutine's work, one after the other for a group.
func (m *Manager) relimit(u *unit) {
	if m.tree == nil || u.group == groupGone || u.def.Detached {
		return
	}
	limits, err := m.limitsNow(u)
	err = errors.Join(err, m.enable(limits.Controllers()))
	change := m.settable(limits.Change(&u.meter.set))
	if u.meter.writing {
		u.meter.again = true
		return
	}
	u.meter.missing, u.meter.set = "", limits
	if u.main != nil {
		m.disarm(u)
		err = errors.Join(err, m.watchLimits(u))
	}
	if err != nil {
		m.amiss(u, err)
	}
	if len(change) == 0 {
		return
	}
	u.meter.writing = true
	name := u.name
	m.work.Go(func() {
		err := m.tree.Set(name, change)
		m.loop.Post(func() { m.relimited(u, err) })
	})
}

// relimited takes the end of that, and begins anew where the limits have changed meanwhile.
func (m *Manager) relimited(u *unit, err error) {
	u.meter.writing = false
	if err != nil && u.group != groupGone {
		m.amiss(u, err)
	}
	if u.meter.again {
		u.meter.again = false
		m.relimit(u)
	}
}
