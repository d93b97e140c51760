package supervisor

import "strconv"

// String gives the state as status shows it: a oneshot that ended well is ready.
func (s State) String() string {
	return pick(int(s), "down", "starting", "ready", "stopping", "failed", "ready", "waiting", "backoff")
}

func (t Top) String() string {
	return pick(int(t), "settled", "transition", "degraded", "fallback", "shutdown")
}

func (e End) String() string {
	return pick(int(e), "", "poweroff", "reboot", "halt", "kexec", "exit")
}

func (k ResultKind) String() string { return pick(int(k), "done", "failed", "superseded", "refused") }

func (c Command) String() string { return pick(int(c), "", "stop_command", "reload_command") }

func pick(i int, names ...string) string {
	if i < 0 || i >= len(names) {
		return "unknown " + strconv.Itoa(i)
	}
	return names[i]
}

// String tells how a process ended: "exit 1", "signal SEGV (core dumped)".
func (s Status) String() string {
	if s.Unknown {
		return "ended, and only its parent knows how"
	}
	if s.Signal == 0 {
		return "exit " + strconv.Itoa(s.Code)
	}
	text := "signal " + SignalName(s.Signal)
	if s.Core {
		text += " (core dumped)"
	}
	return text
}

// SignalName gives a signal's name without SIG, as on arm, arm64 and amd64 (signal(7)), or its number.
func SignalName(n int) string {
	names := [...]string{"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
		"PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM",
		"PROF", "WINCH", "IO", "PWR", "SYS"}
	if n > 0 && n < len(names) {
		return names[n]
	}
	return strconv.Itoa(n)
}
