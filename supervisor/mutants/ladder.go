package main

// ladderFaults are about what comes after recovery is used up.
func ladderFaults() []mutant {
	const ladder, apply, watchdog = "supervisor/ladder.go", "supervisor/apply.go", "supervisor/watchdog.go"
	return []mutant{
		{ladder, "m.ladder.again = true\n", "m.ladder.again = false\n",
			"a target that names itself is retried for ever"},
		{ladder, `return m.ladder.visited == nil || !m.ladder.visited[t]`, `return true`,
			"two targets that name each other go round"},
		{ladder, `if m.ladder.tries == fallbackAttempts {`, `if m.ladder.tries == fallbackAttempts-1 {`,
			"the last resort comes a try too early"},
		{ladder, "m.ladder.tries++\n\t\tm.table.markMachine()\n\t\tm.emit", "m.table.markMachine()\n\t\tm.emit",
			"the last resort comes twice"},
		{ladder, `m.now-m.ladder.doneAt >= calm {`, `m.now-m.ladder.doneAt >= calm/4 {`,
			"an episode ends too early"},
		{ladder, `fallen: m.ladder.fallen, tries: m.firstTry(m.target)}`, `fallen: m.ladder.fallen, tries: m.ladder.tries}`,
			"the tries of the fallback are not given afresh after a calm time"},
		{ladder, `fallbackDelay<<(max(m.ladder.tries, 1)-1)`, `fallbackDelay<<max(m.ladder.tries, 1)`,
			"the fallback is tried again too late"},
		{ladder, `if again && m.count.lacking > 0 {`, `if again {`,
			"the fallback is tried again although it got there"},
		{ladder, `!u.essential && u.lastAction() == targets.Escalate {`, `!u.essential && u.lastAction() == targets.Reboot {`,
			"one that is not essential takes the target with it"},
		{ladder, `u.state == Failed && u.wanted && u.lastAction() == targets.Reboot {`, `u.state == Failed && u.wanted && u.lastAction() == targets.Escalate {`,
			`recovery "reboot" waits for the end of a transition`},
		{ladder, "m.ladder.fallen = t == m.fallback()", "m.ladder.fallen = false",
			"the fallback target is told as any target"},
		{ladder, "m.ladder.retryAt = 0\n\tm.visit(t)", "m.visit(t)",
			"a pending try of the fallback cuts in after it was left"},
		{apply, "m.ladder.tries, m.ladder.retryAt, m.ladder.fallen = 0, 0, false", "m.ladder.retryAt, m.ladder.fallen = 0, false",
			"another fallback target has no tries of its own"},
		{apply, "m.ladder.led && from != e.Back)", "from != e.Back)",
			"a configuration that comes back takes the machine from where somebody went"},
		{apply, "m.endEpisode(back)\n", "",
			"a configuration that comes back has the failures of the one that was tried"},
		{watchdog, "return u.failing || u.along\n", "return u.failing\n",
			"the watchdog is fed while a failure has taken a critical component along"},
		{watchdog, "case !u.wanted:\n\t\tu.counts = false", "case !u.wanted:\n\t\tu.counts = true",
			"a critical component that starts anew in order makes the machine ill"},
	}
}
