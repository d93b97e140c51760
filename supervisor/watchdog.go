package supervisor

import "github.com/orderly-init/orderly/targets"

// Ill says why the watchdog of the machine must not be fed; "" is that it may (R15). A critical component counts from its
// first ready, while it is wanted: neither a boot nor a stop in order is an illness. Where the fallback target has failed and
// nothing but the watchdog is left, the machine is ill until everything is ready or a caller asks for something else.
func (m *Machine) Ill() string {
	if m.ending.end != GoOn {
		return ""
	}
	for _, name := range m.graph.Config.Watchdog.Critical {
		if c, ok := m.graph.Config.Component(name); ok && m.units[c].lacking() {
			return "critical component " + name + " is " + m.derived(c, m.now).String() + because(m.units[c].reason())
		}
	}
	if m.graph.Config.OnFallbackFailure == targets.FallbackWatchdog && m.ladder.tries > fallbackAttempts && m.count.broken > 0 {
		return "the fallback target " + m.graph.Config.FallbackTarget + " failed"
	}
	return ""
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// lacking says of a component that it was ready, is wanted, and is not ready through somebody's failure.
func (u *unit) lacking() bool {
	switch {
	case !u.counts || !u.wanted || u.asking.skipped:
		return false
	case u.state == Stopping:
		return u.failing || u.along
	}
	return u.state != Ready && u.state != Done
}

// count follows, at a change of the state or of who is wanted, whether the component counts for the watchdog.
func (u *unit) count() {
	switch {
	case !u.wanted:
		u.counts = false
	case u.state == Ready || u.state == Done:
		u.counts = true
	}
}
