package targets

import (
	"strconv"
	"strings"
	"time"
)

// readyConditions are the keys of [ready] of which exactly one is written.
func readyConditions() []string {
	return []string{"when", "file", "socket", "fd", "condition", "command", "http", "log"}
}

func readyFields() []field[Ready] {
	return []field[Ready]{
		{"when", func(v value, r *Ready) {
			choose(v, &r.When,
				option[When]{"started", Started}, option[When]{"exited", Exited}, option[When]{"notified", Notified},
				option[When]{"heartbeat", Beating})
		}},
		{"file", func(v value, r *Ready) {
			r.When = File
			v.absolute(&r.Path)
		}},
		{"state", func(v value, r *Ready) {
			choose(v, &r.Absent, option[bool]{"exists", false}, option[bool]{"absent", true})
		}},
		{"socket", func(v value, r *Ready) {
			r.When = Socket
			v.address(r)
		}},
		{"fd", func(v value, r *Ready) {
			r.When = FD
			// 0 to 2 are the standard streams; 1024 is the usual limit of open files.
			v.number(&r.FD, 3, 1023)
		}},
		{"poll_interval", func(v value, r *Ready) { v.duration(&r.PollInterval, time.Millisecond) }},
		{"condition", func(v value, r *Ready) {
			r.When = Raised
			v.conditionName(&r.Condition)
		}},
		{"command", func(v value, r *Ready) {
			r.When = Probe
			v.argv(&r.Command)
		}},
		{"http", func(v value, r *Ready) {
			r.When = HTTP
			v.httpURL(r)
		}},
		{"probe_timeout", func(v value, r *Ready) { v.duration(&r.ProbeTimeout, time.Millisecond) }},
		{"log", func(v value, r *Ready) {
			r.When = Printed
			v.expression(&r.Pattern)
		}},
	}
}

// readReady reads the readiness condition. One that is written replaces the default one as a whole.
func readReady(v value, to *Ready) {
	n := conditions(v.x)
	if n > 0 {
		*to = Ready{PollInterval: to.PollInterval, ProbeTimeout: to.ProbeTimeout}
	}
	table := readTable(v, readyFields(), to)
	if n > 1 {
		v.faultAt(atKey, "has more than one condition", "keep one of "+strings.Join(written(table), ", "))
	}
	if _, state := table["state"]; state && to.When != File {
		v.l.fault(v.path()+".state", atKey, "belongs to a file", `add file = "/PATH"`)
	}
	if _, limit := table["probe_timeout"]; limit && n > 0 && to.When != Probe && to.When != HTTP {
		v.l.fault(v.path()+".probe_timeout", atKey, "belongs to a command or http", `add command = ["/PROGRAM"]`)
	}
}

// conditions counts the readiness conditions that are written.
func conditions(x any) int {
	table, _ := x.(map[string]any)
	return len(written(table))
}

func written(table map[string]any) []string {
	var keys []string
	for _, key := range readyConditions() {
		if _, has := table[key]; has {
			keys = append(keys, key)
		}
	}
	return keys
}

func (v value) address(to *Ready) {
	text, ok := v.string()
	if !ok {
		return
	}
	network, address, what, hint := parseAddress(text)
	if what != "" {
		v.fault(what, hint)
		return
	}
	to.Network, to.Address = network, address
}

func recoveryFields() []field[Recovery] {
	return []field[Recovery]{
		{"action", func(v value, r *Recovery) {
			choose(v, &r.Action,
				option[Action]{"restart", Restart}, option[Action]{"stop", Stop}, option[Action]{"activate", Activate},
				option[Action]{"replace", Replace}, option[Action]{"ignore", Ignore})
		}},
		{"attempts", func(v value, r *Recovery) { v.attempts(&r.Attempts) }},
		{"window", func(v value, r *Recovery) { v.duration(&r.Window, time.Millisecond) }},
		{"delay", func(v value, r *Recovery) { v.duration(&r.Delay, 0) }},
		{"backoff", func(v value, r *Recovery) { v.float(&r.Backoff, 1, 100) }},
		{"max_delay", func(v value, r *Recovery) { v.duration(&r.MaxDelay, 0) }},
		{"reset_after", func(v value, r *Recovery) { v.duration(&r.ResetAfter, 0) }},
		{"jitter", func(v value, r *Recovery) { v.float(&r.Jitter, 0, 1) }},
		{"then", func(v value, r *Recovery) {
			choose(v, &r.Then,
				option[Action]{"escalate", Escalate}, option[Action]{"activate", Activate}, option[Action]{"stop", Stop},
				option[Action]{"retry", Retry}, option[Action]{"reboot", Reboot}, option[Action]{"replace", Replace})
		}},
		{"target", func(v value, r *Recovery) { v.nonEmpty(&r.Target) }},
		{"replacement", func(v value, r *Recovery) { v.nonEmpty(&r.Replacement) }},
	}
}

func (v value) attempts(to *int) {
	if n, ok := v.x.(int64); ok && n > MaxAttempts {
		v.fault(strconv.FormatInt(n, 10)+" is out of range", "0 to "+strconv.Itoa(MaxAttempts)+`; then = "retry" never gives up`)
		return
	}
	v.number(to, 0, MaxAttempts)
}

// readRecovery reads a component's recovery and holds its keys against each other.
func readRecovery(v value, to *Recovery) {
	own := readTable(v, recoveryFields(), to)
	_, hasDelay := own["delay"]
	_, hasMax := own["max_delay"]
	switch {
	case to.Delay > to.MaxDelay && hasDelay && hasMax:
		v.l.fault(v.path()+".max_delay", atValue, to.MaxDelay.String()+" is shorter than the delay, "+to.Delay.String(), "")
	case to.Delay > to.MaxDelay && hasDelay:
		to.MaxDelay = to.Delay
	case to.Delay > to.MaxDelay:
		to.Delay = to.MaxDelay
	}
	activates := to.Action == Activate || to.Then == Activate
	if _, has := own["target"]; has && !activates {
		v.l.fault(v.path()+".target", atKey, "is used by activate only", `write action = "activate" or then = "activate"`)
	}
	if activates && to.Target == "" {
		v.faultAt(atKey, "has no target to activate", `add target = "NAME"`)
	}
	replaces := to.Action == Replace || to.Then == Replace
	if _, has := own["replacement"]; has && !replaces {
		v.l.fault(v.path()+".replacement", atKey, "is used by replace only", `write action = "replace" or then = "replace"`)
	}
	if replaces && to.Replacement == "" {
		v.faultAt(atKey, "has no component to start instead", `add replacement = "NAME"`)
	}
}
