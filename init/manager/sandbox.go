package manager

import (
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// sandbox is what a process cannot see or reach, and which steps of its start may fail.
func sandbox(def *targets.Component, s *runtime.Spec) {
	d := &def.Security
	s.AppArmor, s.SELinux = d.AppArmorLabel, d.SELinuxLabel
	s.ReadOnly, s.PrivateTmp, s.PrivateDevices = d.ReadOnlyPaths, d.PrivateTmp, d.PrivateDevices
	if d.Landlock != nil {
		rules := runtime.Landlock(*d.Landlock)
		s.Landlock = &rules
	}
	for _, name := range def.OptionalSteps {
		if p, ok := runtime.PartOf(name); ok {
			s.Optional |= 1 << p
		}
	}
	optionalFilter(def, s)
}

// optionalFilter makes a filter that Landlock needs as optional as all that it is for.
func optionalFilter(def *targets.Component, s *runtime.Spec) {
	switch d := &def.Security; {
	case !d.Landlock.RestrictsTCP():
	case s.Optional&(1<<runtime.LandlockPart) == 0:
		s.Optional &^= 1 << runtime.FilterPart
	case onlyPlainTCP(d) && !bundled(def): // a bundle may have one of its own
		s.Optional |= 1 << runtime.FilterPart
	}
}

// misses are the optional steps that the newest run of a component goes on without. They are in its record, so that
// another manager knows them too.
func (m *Manager) misses(u *unit, s *supervisor.ComponentStatus) []runtime.Miss {
	switch s.State {
	case supervisor.Ready, supervisor.Starting, supervisor.Stopping:
	case supervisor.Down, supervisor.Failed, supervisor.Done, supervisor.Waiting, supervisor.Backoff:
		return nil
	}
	record, ok := m.table.Find(supervisor.ComponentRecord, u.name)
	if !ok {
		return nil
	}
	slot := m.slot(record)
	if !slot.Ended() {
		return nil
	}
	return slot.Misses()
}

// tellMisses complains of them when a start has landed.
func (m *Manager) tellMisses(p *process) {
	for _, miss := range p.slot.Misses() {
		m.complain(p.unit, miss.String())
	}
}
