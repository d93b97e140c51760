package main

// restoreFaults are about what the next manager makes of it.
func restoreFaults() []mutant {
	const restore, adopt, machine = "supervisor/restore.go", "supervisor/announce.go", "supervisor/machine.go"
	return []mutant{
		{restore, "if !u.alive() {\n\t\treturn\n\t}\n\tdef", "def",
			"removed components that are down come back with every manager"},
		{machine, "return max(limit, m.taken+hearing)", "return limit",
			"what became ready while nobody was in control is late"},
		{machine, "if limit == 0 || began >= m.taken {", "if limit == 0 {",
			"what a new manager starts in its first second may be late"},
		{restore, `case u.killed && u.state == Stopping:`, `case u.killed && u.state == Ready:`,
			"a kill that the dead manager owed is not sent"},
		{restore, `case u.command != 0 && u.alive():`, `case u.command == StopCommand && u.state == Ready:`,
			"a stop command that the dead manager ran is not run again"},
		{restore, `case u.state == Stopping && (u.main || u.group):`, `case u.state == Stopping && u.main && u.group && u.killed:`,
			"a stop signal that the dead manager owed is not sent"},
		{restore, "m.resumeBeat(c)\n", "",
			"heartbeats are not looked at after a manager's death"},
		{restore, `data[wholeQueued+1]&(1<<i) != 0`, `data[wholeQueued+1]&1 != 0`,
			"every queued request has the first one's --stop-first"},
		{restore, `m.ladder.tries = min(int(data[wholeTries]), fallbackAttempts+1)`, `m.ladder.tries = min(int(data[wholeTries]), 0)`,
			"the tries of the fallback begin afresh with a manager"},
		{restore, "m.ladder.visited[target] = true", "m.ladder.visited[target] = false",
			"targets are entered twice in an episode when the manager dies"},
		{restore, `m.ladder.tries > fallbackAttempts && m.count.broken > 0 {`, `m.ladder.tries > fallbackAttempts {`,
			"the last resort is repeated though all is well"},
		{restore, "if m.ending.finished {\n\t\tm.emit", "if m.ending.finished && m.safe {\n\t\tm.emit",
			"an end that the dead manager owed never comes"},
		{restore, "m.raised = append(m.raised, c)", "m.raised = m.raised[:0]",
			"a failure on its way to the ladder is not taken up"},
		{restore, `if !ok || r.Kind != ComponentRecord {`, `if !ok {`,
			"a record of another kind is taken for a component's"},
		{adopt, "if !u.alive() {\n\t\t\tu.withdrawn = append(u.withdrawn, condition)\n\t\t\tcontinue\n\t\t}", "",
			"a condition holds again that was raised by one that is down"},
	}
}
