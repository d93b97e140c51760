package main

// applyFaults are about a configuration that takes the place of another.
func applyFaults() []mutant {
	const apply = "supervisor/apply.go"
	return []mutant{
		{apply, `if u := &m.units[c]; !ok && (u.alive() || u.state == Failed) {`, `if u := &m.units[c]; !ok && (u.state == Ready || u.state == Failed) {`,
			"a removed component that is stopping is forgotten"},
		{apply, `m.move(to, Down, Cause{Code: Removed})`, ``,
			"a removed component has failed for ever"},
		{apply, `u.cycle, u.redefined = true, true`, `u.cycle, u.redefined = false, true`,
			"a changed definition does not restart"},
		{apply, `if u.def.Start != old.Start && u.alive() {`, `if u.def.Start != old.Start && u.state == Ready {`,
			"one that is starting goes on by the old definition"},
		{apply, `m.queue[i].target = n.targets[m.queue[i].target]`, `m.queue[i].target += 0`,
			"a queued request goes to whatever has its old number"},
		{apply, `m.raised = renamed(m.raised, n.components)`, `m.raised = m.raised[:0]`,
			"a failure that was on its way to the ladder is forgotten"},
		{apply, `m.waiting[i].components = renamed(m.waiting[i].components, n.components)`, `_ = i`,
			"callers wait for whatever has the old number"},
		{apply, `e.conflicts[to] = e.link(e.conflicts, to, renamed(old.conflicts[c], numbers))`, `_ = old.conflicts`,
			"what is in conflict with a leaver starts beside it"},
		{apply, `e.needs[to] = e.link(e.neededBy, to, renamed(old.needs[c], numbers))`, `_ = old.needs`,
			"a dependency is stopped under a leaver"},
		{apply, `m.due[to], m.beat[to] = due[c], beat[c]`, `m.due[to], m.beat[to] = 0*due[c], beat[c]`,
			"limits and delays are forgotten"},
		{apply, `u.pulse.excused = true // what`, `u.pulse.excused = false // what`,
			"beats of another window are judged by the new one"},
		{apply, `if u.def.Start != old.Start || !u.def.SameRecovery(old) {`, `if u.def.Start != old.Start {`,
			"another recovery does not give the attempts afresh"},
		{apply, `if was && n.targets[t] != None {`, `if was && n.targets[t] != None && t > 0 {`,
			"a target is entered twice in an episode"},
		{apply, `m.count.open > 0 && m.count.broken == 0 {`, `m.count.open > 0 && m.count.broken > 0 {`,
			"an applied configuration begins no transition"},
	}
}
