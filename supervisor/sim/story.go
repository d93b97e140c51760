package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/orderly-init/orderly/supervisor"
)

// story is what happened, one line per event and effect.
type story struct{ text []byte }

func (s *story) line(now time.Duration, mark, format string, words ...any) {
	s.text = fmt.Appendf(s.text, "%9.3fs %s ", now.Seconds(), mark)
	s.text = fmt.Appendf(s.text, format, words...)
	s.text = append(s.text, '\n')
}

// namer gives the names of numbers.
type namer interface {
	component(c int) string
	target(t int) string
}

func (s *story) event(now time.Duration, n namer, ev supervisor.Event) {
	s.line(now, "<", "%s", eventText(n, ev))
}

func (s *story) effect(now time.Duration, n namer, e supervisor.Effect) {
	s.line(now, "  >", "%s", effectText(n, e))
}

func eventText(n namer, ev supervisor.Event) string {
	of := func(c int, run uint32, text string) string {
		return fmt.Sprintf("%s run %d %s", n.component(c), run, text)
	}
	hand := func(verb string, id supervisor.Request, list []int) string {
		names := make([]string, len(list))
		for i, c := range list {
			names[i] = n.component(c)
		}
		return fmt.Sprintf("#%d %s %s", id, verb, strings.Join(names, " "))
	}
	switch e := ev.(type) {
	case supervisor.Activate:
		return fmt.Sprintf("#%d activate %s queue=%v stop-first=%v", e.Request, n.target(e.Target), e.Queue, e.StopFirst)
	case supervisor.Start:
		return hand("start", e.Request, e.Components) + fmt.Sprintf(" hold=%v", e.Hold)
	case supervisor.Adopt:
		return hand("adopt", e.Request, []int{e.Component})
	case supervisor.Release:
		return hand("release", e.Request, e.Components)
	case supervisor.Stop:
		return hand("stop", e.Request, e.Components)
	case supervisor.Restart:
		return hand("restart", e.Request, e.Components)
	case supervisor.Reload:
		return hand("reload", e.Request, e.Components)
	case supervisor.Shutdown:
		return fmt.Sprintf("#%d %s", e.Request, e.End)
	case supervisor.Apply:
		return fmt.Sprintf("#%d apply", e.Request)
	case supervisor.Launched:
		return of(e.Component, e.Run, "launched")
	case supervisor.LaunchFailed:
		return of(e.Component, e.Run, "not launched: "+e.Why)
	case supervisor.BecameReady:
		return of(e.Component, e.Run, "is ready")
	case supervisor.NeverReady:
		return of(e.Component, e.Run, "never ready: "+e.Why)
	case supervisor.Exited:
		return of(e.Component, e.Run, fmt.Sprintf("exited: %v, empty=%v", e.Status, e.Empty))
	case supervisor.Emptied:
		return of(e.Component, e.Run, "emptied")
	case supervisor.CommandEnded:
		return of(e.Component, e.Run, fmt.Sprintf("%v ended: %v %s", e.Command, e.Status, e.Why))
	case supervisor.Reported:
		return of(e.Component, e.Run, fmt.Sprintf("reports extend=%v", time.Duration(e.Extend)))
	case supervisor.Named:
		return of(e.Component, e.Run, "has its main process named")
	case supervisor.Lost:
		return of(e.Component, e.Run, "lost")
	case supervisor.Announced:
		return of(e.Component, e.Run, fmt.Sprintf("condition %s holds=%v", e.Condition, e.Holds))
	case supervisor.Beats:
		text := "beats"
		for _, b := range e.List {
			text += fmt.Sprintf(" %s=%d", n.component(b.Component), b.Count)
		}
		return text
	case supervisor.Tested:
		return fmt.Sprintf("%s test %d condition %d holds=%v %s", n.component(e.Component), e.Ask, e.Condition, e.Holds, e.Why)
	case supervisor.Tick:
		return "tick"
	}
	return ""
}

func effectText(n namer, e supervisor.Effect) string {
	of := func(verb string, c int, run uint32) string {
		return fmt.Sprintf("%s %s run %d", verb, n.component(c), run)
	}
	switch e := e.(type) {
	case supervisor.Launch:
		return of("launch", e.Component, e.Run) + fmt.Sprintf(" hold=%v", e.Hold)
	case supervisor.TakeIn:
		return of("take in", e.Component, e.Run)
	case supervisor.LetGo:
		return of("let go of", e.Component, e.Run)
	case supervisor.RunCommand:
		return of("run "+e.Command.String()+" of", e.Component, e.Run)
	case supervisor.CancelCommand:
		return of("cancel "+e.Command.String()+" of", e.Component, e.Run)
	case supervisor.Signal:
		return of("signal "+supervisor.SignalName(e.Signal)+" to", e.Component, e.Run) + fmt.Sprintf(" group=%v", e.Group)
	case supervisor.Kill:
		return of("kill", e.Component, e.Run)
	case supervisor.Await:
		return fmt.Sprintf("await %s test %d: %v", n.component(e.Component), e.Ask, e.Conditions)
	case supervisor.CancelAwait:
		return fmt.Sprintf("cancel await %s test %d", n.component(e.Component), e.Ask)
	case supervisor.Changed:
		return fmt.Sprintf("%s: %s -> %s: %s", n.component(e.Component), stored(e.From), stored(e.To), e.Reason)
	case supervisor.Moved:
		return fmt.Sprintf("== %s %s: %s", e.Top, n.target(e.Target), e.Reason)
	case supervisor.Answer:
		return fmt.Sprintf("#%d %s %s", e.Request, e.Result.Kind, resultText(e.Result))
	case supervisor.Renumbered:
		return fmt.Sprint("renumbered ", e.Components, e.Targets)
	case supervisor.Finish:
		return "finish " + e.End.String()
	case supervisor.LastResort:
		return fmt.Sprint("last resort ", e.Action)
	case supervisor.Bug:
		return "BUG " + e.Text
	}
	return ""
}

func resultText(r supervisor.Result) string {
	text := r.Target + r.Why
	if r.By != "" {
		text += " by " + r.By
	}
	for _, f := range r.Failed {
		text += fmt.Sprintf("; failed %s at %s: %s", f.Name, f.Step, f.Reason)
	}
	for _, f := range r.Degraded {
		text += fmt.Sprintf("; degraded %s at %s: %s", f.Name, f.Step, f.Reason)
	}
	return text
}

// stored is a state as the machine stores it: done is not shown as ready.
func stored(s supervisor.State) string {
	if s == supervisor.Done {
		return "done"
	}
	return s.String()
}
