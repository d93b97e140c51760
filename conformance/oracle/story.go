package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/control"
)

// legal are the states that one may go to from another. What goes from a state to the same is a remark.
func legal(from string) []string {
	return map[string][]string{
		"down":     {"starting", "failed", "ready"}, // ready: adopted
		"starting": {"ready", "stopping", "down", "failed"},
		"ready":    {"stopping", "down", "failed"},
		"stopping": {"down", "failed"},
		"failed":   {"starting", "down", "ready"},
	}[from]
}

// legalWhole are the states that the whole may go to from another; "" is before the first. Only a transition may change the target, or
// follow its like.
func legalWhole(from string) []string {
	return map[string][]string{
		"":           {"transition", "shutdown"},
		"transition": {"transition", "settled", "degraded", "fallback", "shutdown"},
		"settled":    {"transition", "degraded", "fallback", "shutdown"},
		"degraded":   {"transition", "settled", "fallback", "shutdown"},
		"fallback":   {"transition", "settled", "degraded", "shutdown"}, // the two when it is asked for by hand, or is no fallback any more
	}[from]
}

// Story checks that events, from the first on, and the status behind them tell one story, and a possible one: no event
// is missing, each change of a component and of the whole is legal and has a cause, and the last ones are what the
// status says.
func Story(events []control.Event, status control.Status) []string {
	return slices.Concat(gapless(events), untrue(events, status), whole(events, status))
}

// untrue checks the changes of all components that were told of. Those of one that is not there any more end when it is down.
func untrue(events []control.Event, status control.Status) (wrong []string) {
	byName, now := map[string][]control.Event{}, map[string]string{}
	for _, e := range events {
		if e.Kind == "component" {
			byName[e.Component] = append(byName[e.Component], e)
		}
	}
	for _, c := range status.Components {
		now[c.Name] = c.State
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list := byName[name]
		wrong = append(wrong, possible(name, list)...)
		switch state, there := now[name]; {
		case !there && list[len(list)-1].To != "down":
			wrong = append(wrong, fmt.Sprintf("%s: it is not there any more, and the last event says %s", name, list[len(list)-1].To))
		case there && list[len(list)-1].To != state:
			wrong = append(wrong, fmt.Sprintf("%s: the last event says %s, the status %s", name, list[len(list)-1].To, state))
		}
	}
	return wrong
}

// whole checks the changes of the whole, which are events of targets: each is legal and has a cause, unless it is what a transition was
// for, and the last is what status says.
func whole(events []control.Event, status control.Status) (wrong []string) {
	finds := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var was control.Event
	for _, e := range events {
		if e.Kind != "target" {
			continue
		}
		switch {
		case !slices.Contains(legalWhole(was.To), e.To):
			finds("event %d: the whole goes from %s to %s", e.Seq, was.To, e.To)
		case e.To != "transition" && e.Target != was.Target && was.To != "":
			finds("event %d: %s is %s, and the target was %s", e.Seq, e.Target, e.To, was.Target)
		case e.Reason == "" && e.To != "settled" && (e.To != "fallback" || was.To != "transition"):
			finds("event %d: %s is %s without a cause", e.Seq, e.Target, e.To)
		}
		was = e
	}
	if was.To != status.State || was.Target != status.Target {
		finds("the last event says that %s is %s, the status that %s is %s", was.Target, was.To, status.Target, status.State)
	}
	return wrong
}

// gapless checks that no event is missing, the first neither, and that none is before the one before it.
func gapless(events []control.Event) (wrong []string) {
	for i, e := range events {
		if e.Kind == "gap" {
			wrong = append(wrong, "events are missing: "+e.Reason)
		}
		if i == 0 && e.Seq != 1 {
			wrong = append(wrong, fmt.Sprintf("the first event is %d", e.Seq))
		}
		if i > 0 && (e.Seq != events[i-1].Seq+1 || e.TimeMS < events[i-1].TimeMS) {
			wrong = append(wrong, fmt.Sprintf("event %d at %f comes behind %d at %f", e.Seq, e.TimeMS, events[i-1].Seq, events[i-1].TimeMS))
		}
	}
	return wrong
}

// removal is why a component that is not in the configuration any more is down; the second is said where the manager died before it told that.
const (
	removal = "removed from the configuration"
	untold  = "a manager died before it told why"
)

// Anew says whether the runs of a component may be counted anew behind an event.
func Anew(e control.Event) bool { return e.To == "down" && (e.Reason == removal || e.Reason == untold) }

// possible checks the changes of one component: each begins where the last one ended, is legal and has a cause.
func possible(name string, list []control.Event) (wrong []string) {
	finds := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	state, run := "down", uint32(0)
	for _, e := range list {
		switch {
		case e.From != state:
			finds("%s: event %d leaves %s, but it was %s", name, e.Seq, e.From, state)
		case e.From == e.To: // a remark
			if e.Reason == "" {
				finds("%s: event %d remarks nothing", name, e.Seq)
			}
		case !slices.Contains(legal(e.From), e.To):
			finds("%s: event %d goes from %s to %s", name, e.Seq, e.From, e.To)
		case e.To != "ready" && e.Reason == "":
			finds("%s: event %d, %s to %s, has no cause", name, e.Seq, e.From, e.To)
		case e.Run < run, e.To == "starting" && e.Run == run:
			finds("%s: event %d is of run %d, behind run %d", name, e.Seq, e.Run, run)
		}
		if state, run = e.To, e.Run; Anew(e) {
			run = 0
		}
	}
	return wrong
}

// Unlogged is the first change of a component that a log does not have, in the order of the events; "" where it has all. A
// remark may be there without the state.
func Unlogged(events []control.Event, log string) string {
	lines := strings.Split(log, "\n")
	for _, e := range events {
		if e.Kind != "component" {
			continue
		}
		want := e.Component + ": " + e.To
		if e.Reason != "" {
			want += " (" + e.Reason
		}
		at := slices.IndexFunc(lines, func(line string) bool {
			return strings.Contains(line, want) || e.From == e.To && strings.Contains(line, e.Component+": "+e.Reason)
		})
		if at < 0 {
			return want
		}
		lines = lines[at+1:]
	}
	return ""
}
