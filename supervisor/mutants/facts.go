package main

// factsFaults are about what is written for the next manager.
func factsFaults() []mutant {
	const facts, table, store = "supervisor/facts.go", "supervisor/table.go", "supervisor/store.go"
	list := []mutant{
		{facts, `u.exponent, u.restarts = int(data[atExponent]),`, `u.exponent, u.restarts = 0,`,
			"the delay begins afresh with a manager"},
		{facts, `min(h.times[i+1]-h.times[i], 1<<24-1)`, `min(h.times[i+1]-h.times[i], 1<<12-1)`,
			"failures of a long window move together"},
		{facts, `u.exitSeq = binary.LittleEndian.Uint64(data[atExitSeq:])`, `u.exitSeq = 0`,
			"exits that were acted on are acted on again"},
		{facts, "if slices.Contains(m.raised, c) {", "if slices.Contains(m.raised, None) {",
			"a failure that was on its way to the ladder is lost with the manager"},
		{facts, `if u.leaver || text == "" && slices.Contains(m.back, c) {`, `if text == "" && slices.Contains(m.back, c) {`,
			"a leaver has no name after a manager's death"},
		{facts, "putTime(data[atDue:], m.due[c])\n", "",
			"limits are lost with the manager"},
		{facts, "u.failures.decode(data)\n", "",
			"attempts are given afresh by a manager's death"},
		{table, `binary.LittleEndian.Uint32(t.slot(i, newest)[4:])+1, 1-newest`, `binary.LittleEndian.Uint32(t.slot(i, newest)[4:])+1, newest`,
			"the valid slot is written, and a death in between loses both"},
		{table, `case okA && okB && int32(b-a) > 0:`, `case okA && okB && b > a:`,
			"the older slot is read when the numbers begin anew"},
		{table, "t.index[key] = i\n\tclear(t.Live(i))", "t.index[key] = i",
			"a new record has the pid of another"},
		{store, "if r, ok := t.Read(i); ok && r.Run != u.run {\n\t\tclear(t.Live(i))\n\t}", "",
			"a new run has the pid of the one before"},
		{store, "t.drop(ComponentRecord, u.recordName())\n\t\treturn nil", "return nil",
			"the records of removed components fill the table"},
		{store, `if r.stopFirst {`, `if !r.stopFirst {`,
			"a queued request forgets --stop-first with the manager"},
	}
	for _, flag := range []struct{ line, why string }{
		{"each(flagHeld, &u.held)", "that one stays down is lost with the manager"},
		{"each(flagAlong, &u.along)", "that one goes along is lost with the manager"},
		{"each(flagFailing, &u.failing)", "that a run failed is lost with the manager"},
		{"each(flagFailedOnce, &u.failedOnce)", "that one has failed once is lost with the manager"},
		{"each(flagCycle, &u.cycle)", "that one restarts is lost with the manager"},
		{"each(flagStopped, &u.stopped)", "that one was stopped by hand is lost with the manager"},
		{"each(flagStarted, &u.started)", "that one was started by hand is lost with the manager"},
		{"each(flagKilled, &u.killed)", "that one was killed is lost with the manager"},
		{"each(flagStuck, &u.stuck)", "that one cannot be killed is lost with the manager"},
		{"each(flagLanded, &u.landed)", "that exec has succeeded is lost with the manager"},
		{"each(flagRequested, &u.requested)", "that the next start was asked for is lost with the manager"},
		{"each(flagRedefined, &u.redefined)", "that a definition changed is lost with the manager"},
		{"each(flagSkipped, &u.asking.skipped)", "that one was left out is lost with the manager"},
		{"each(flagCounts, &u.counts)", "that one counts for the watchdog is lost with the manager"},
		{"each(flagAborting, &u.aborting)", "that one is aborted is lost with the manager"},
		{"each(flagNamed, &u.named)", "that pid_file has named the process is lost with the manager"},
		{"each(flagExcused, &u.pulse.excused)", "that a window is excused is lost with the manager"},
	} {
		list = append(list, mutant{facts, flag.line + "\n", "\n", flag.why})
	}
	return list
}
