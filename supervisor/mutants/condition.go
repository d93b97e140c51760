package main

// conditionFaults are about start conditions and those that components raise.
func conditionFaults() []mutant {
	const conditions, announce, named = "supervisor/conditions.go", "supervisor/announce.go", "supervisor/named.go"
	return []mutant{
		{conditions, `return u.asking.on && mathbits.OnesCount16(u.asking.held) == len(u.def.StartConditions)`, `return u.asking.on && u.asking.held != 0`,
			"one condition of several is enough"},
		{conditions, `if !u.asking.on || u.asking.number != e.Ask ||`, `if !u.asking.on ||`,
			"an answer to an older test counts"},
		{conditions, `if u.def.StartConditions[i].Timeout == 0 {`, `if u.def.StartConditions[i].Timeout >= 0 {`,
			"a condition with a timeout is not waited for"},
		{conditions, `s.Kind == targets.TestExit && s.Subject == m.name(n) {`, `s.Kind == targets.TestExit && s.Subject == "" {`,
			"who waits for how another ended is not woken"},
		{conditions, `case !m.units[n].exited || m.units[n].main:`, `case !m.units[n].exited:`,
			"an earlier run's exit counts while the next one runs"},
		{conditions, `if s := &u.def.StartConditions[i]; s.Timeout > 0 && !u.asking.has(i) {`, `if s := &u.def.StartConditions[i]; s.Timeout > 0 {`,
			"the time-out of a condition that has held wakes for nothing"},
		{conditions, "if u.asking.told {\n\t\tm.emit", "if !u.asking.told {\n\t\tm.emit",
			"the world goes on looking at conditions of a test that is over"},
		{conditions, `if !s.Skip {`, `if s.Skip {`,
			`on_false "skip" fails, and "fail" skips`},
		{announce, "u.withdrawn = append(u.withdrawn, u.announces...)\n\tu.announces = nil", "u.withdrawn = append(u.withdrawn, u.announces...)",
			"what one has raised holds after it is down"},
		{announce, `if u.state == Starting && u.landed && u.awaits(condition) {`, `if u.state == Starting && u.awaits(condition) {`,
			"one is ready before its exec"},
		{announce, `if len(u.announces) == maxAnnounced {`, `if len(u.announces) == 2*maxAnnounced {`,
			"one component may fill the facts table"},
		{named, `return u.unnamed() && u.group && u.exit == (Status{})`, `return u.unnamed() && u.group`,
			"a first process that failed is taken for one that went into the background"},
		{named, "\t\tm.killAgain(c)\n", "",
			"what pid_file names after a kill is not killed"},
		{named, `if u.said || u.def.Ready.When == targets.Forked {`, `if u.def.Ready.When == targets.Forked {`,
			"one whose pid_file comes after its readiness is never ready"},
		{"supervisor/failure.go", `u.state != Starting || u.said {`, `u.state != Starting {`,
			"a channel that is closed takes back what was said on it"},
	}
}
