package main

// handFaults are about what is asked for by hand.
func handFaults() []mutant {
	const request, adopt, start, exit = "supervisor/request.go", "supervisor/adopt.go", "supervisor/start.go", "supervisor/exit.go"
	const wait = "supervisor/wait.go"
	return []mutant{
		{request, "u.stopped, u.started = true, false\n", "u.stopped = true\n",
			"one that was stopped by hand counts as started by hand"},
		{request, `m.units[other].stopped, m.units[other].started = true, false`, `m.units[other].started = false`,
			"a start by hand waits for ever for the one in conflict"},
		{request, "queue = append(queue, m.edges.needs[c]...)\n", "",
			"a start by hand waits for ever for a dependency that was stopped by hand"},
		{request, "if u.alive() {\n\t\t\tu.cycle = true", "if u.state == Ready {\n\t\t\tu.cycle = true",
			"a restart leaves alone what is starting"},
		{request, `u.cycle = u.redefined // one`, `u.cycle = false // one`,
			"one whose definition changed goes on by the old one after a stop that came to nothing"},
		{request, `if slices.Contains(e.Components[:i], c) {`, `if slices.Contains(e.Components[:i], None) {`,
			"a component that is named twice is reloaded twice"},
		{wait, "if w.want == waitReload { //", "if w.want == 0 { //",
			"a reload that was called off is answered when another component's has ended"},
		{adopt, "u.run++\n", "",
			"an adopted process has the run of the one before it"},
		{adopt, `u.stopped, u.started, u.cycle, u.redefined = true, false, false, false`, `u.stopped, u.started, u.cycle, u.redefined = false, false, false, false`,
			"what was released is started again"},
		{adopt, "m.move(c, Ready, Cause{Code: Adopted})", "m.move(c, Starting, Cause{Code: Adopted})",
			"an adopted process is waited for"},
		{adopt, `return u.state == Down && u.cause.Code == Released || u.state == Ready && u.def.Detached`, `return u.state == Ready && u.def.Detached`,
			"what was released is not let go when the manager dies in between"},
		{adopt, "if u.state == Starting && u.hold {", "if u.state == Ready && u.hold {",
			"one that is held is never continued"},
		{start, "if u.hold {\n\t\tm.setDue(c, 0)\n", "if u.hold {\n",
			"one that is held before its exec is killed for its start_timeout"},
		{exit, `(hold || debug) {`, `hold {`,
			"one with debug arguments that is lost with the manager is started without them"},
		{exit, `u.hold, u.debug, u.requested = hold, debug, true`, `u.debug, u.requested = debug, true`,
			"what takes the place of a held one that was lost is not held"},
	}
}
