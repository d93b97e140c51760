package main

// heartbeatFaults are about the looks at heartbeats.
func heartbeatFaults() []mutant {
	const heartbeat = "supervisor/heartbeat.go"
	return []mutant{
		{heartbeat, `least := looked + h.Window - h.Window/8`, `least := looked + h.Window/8`,
			"a window is as short as an eighth"},
		{heartbeat, `least := min(h.Min, max(int(float64(h.Min)*share), 1))`, `least := h.Min`,
			"a short window asks for as much as a long one"},
		{heartbeat, `least := min(h.Min, max(int(float64(h.Min)*share), 1))`, `least := int(float64(h.Min) * share)`,
			"a window that was looked at late asks for more"},
		{heartbeat, `most = int(float64(h.Max)*share) + 1`, `most = h.Max`,
			"a window that was looked at late allows no more beats"},
		{heartbeat, `case p.missed < h.Tolerance:`, `case p.missed <= h.Tolerance:`,
			"one failed window more than tolerance is borne"},
		{heartbeat, "case what == \"\":\n\t\tp.missed, p.excused = 0, false", "case what == \"\":\n\t\tp.excused = false",
			"failed windows count though not in a row"},
		{heartbeat, `case late >= h.Window: // nothing is judged`, `case late >= 100*h.Window:`,
			"everybody is judged when the whole machine was starved"},
		{heartbeat, "p.missed, p.excused = 0, true\n\tcase late", "p.missed, p.excused = 0, false\n\tcase late",
			"who was frozen is judged by the window in which it thawed"},
		{heartbeat, `if h.Via == targets.ViaNotify || m.beat[c] <= m.now || first {`, `if m.beat[c] <= m.now || first && h.Via != targets.ViaNotify {`,
			"beats that died with the manager are missed"},
		{heartbeat, `if h.Via == targets.ViaNotify || m.beat[c] <= m.now || first {`, `if h.Via == targets.ViaNotify || m.beat[c] <= m.now || first && m.safe {`,
			"beats of before readiness are too many for the next manager"},
		{heartbeat, `case p.excused || m.goes(c).has(viewGoes):`, `case p.excused:`,
			"one that is about to be stopped is aborted"},
		{heartbeat, `if end == 0 || end > m.now || m.safe {`, `if end == 0 || m.safe {`,
			"a window is judged before it has ended"},
		{heartbeat, `if u.aborting && u.main && u.def.AbortSignal != 0 {`, `if u.main && u.def.AbortSignal != 0 {`,
			"every stop is an abort"},
	}
}
