package main

// transitionFaults are about activations and who is told of their end.
func transitionFaults() []mutant {
	const transition, settle, wait = "supervisor/transition.go", "supervisor/settle.go", "supervisor/wait.go"
	return []mutant{
		{transition, `case m.act.on && e.Target == m.target && !m.marked():`, `case m.act.on && e.Target == m.target:`,
			"a target that is asked for again does not take back the marks"},
		{transition, `m.act.callers = append(m.act.callers, r)`, `m.act.callers = []request{r}`,
			"who asked first is never answered when another joins"},
		{transition, "m.supersede(m.targetName(m.target), m.targetName(r.target))\n", "",
			"who asked for another target is never answered"},
		{transition, "m.raised = nil\n\tm.settleViews()", "m.settleViews()",
			"an old failure acts on a new transition"},
		{transition, "if m.serveQueue() {\n\t\treturn true\n\t}\n\tm.drop(culprit)", "m.drop(culprit)",
			"a failure escalates although a request is queued"},
		{transition, "m.endActivation(ResultDone, \"\")\n\t\tm.serveQueue()", "m.endActivation(ResultDone, \"\")",
			"what was queued is not served after the transition"},
		{transition, "m.queue = m.queue[1:]\n", "",
			"what was queued is served again and again"},
		{transition, `case m.act.on && m.act.deadline != 0 && m.late(m.act.deadline, m.act.began) <= m.now:`, `case m.act.on && m.act.deadline != 0 && m.act.deadline+time.Second <= m.now:`,
			"transition_timeout ends a second late"},
		{transition, `case m.act.on && m.count.broken > 0:`, `case m.act.on && m.count.broken > 1:`,
			"a transition goes on although an essential component has failed"},
		{transition, `case m.act.on && m.count.open == 0:`, `case m.act.on && m.count.open <= 1:`,
			"a transition is done before its last component is"},
		{transition, `if u := &m.units[c]; u.wanted && (u.held || u.failedOnce ||`, `if u := &m.units[c]; u.wanted && (u.failedOnce ||`,
			"an activation leaves down what stays down after a dependency's failure"},
		{transition, "m.ladder.doneAt = m.now\n", "",
			"an episode of failures never ends by itself"},
		{settle, `m.act.on && m.act.stopFirst && m.count.unwanted > 0 }`, `m.act.on && m.act.stopFirst && m.count.unwanted > 1 }`,
			"--stop-first starts before the last one is down"},
		{settle, "if held && !m.held() {\n\t\tm.touchAll()\n\t}", "_ = held",
			"what --stop-first held back is not looked at again"},
		{settle, "case !m.mayStart(c):\n\t\t\tm.endTest(c)", "case !m.mayStart(c):",
			"a test of start conditions goes on for one that may not start"},
		{wait, "case u.stuck:\n\t\treturn waitFailed", "case u.stuck:\n\t\treturn waitOn",
			"who waits for the end of one that cannot be killed waits for ever"},
		{wait, `case u.state == Failed || u.view.has(viewBlocked):`, `case u.state == Failed:`,
			"who waits for one that cannot start is never answered"},
	}
}
