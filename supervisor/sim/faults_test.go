package sim

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// TestFaults puts one hand-made fault at a time between machine and world. Among a few hundred seeds one must break the
// rule that the fault is against: a judge who sees nothing proves nothing.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name, rule string
		fault      fault
	}{
		{"starts before its dependencies", "start order", inject(startsEarly)},
		{"starts what nobody wants", "wanted", inject(startsUnwanted)},
		{"leaves behind who goes along", "along", inject(leavesBehind)},
		{"stops before its dependents", "stop order", inject(stopsEarly)},
		{"launches twice", "one set", rewrite(double[supervisor.Launch])},
		{"does not launch", "one set", rewrite(drop[supervisor.Launch])},
		{"does not take in", "by hand", rewrite(drop[supervisor.TakeIn])},
		{"does not let go", "by hand", rewrite(drop[supervisor.LetGo])},
		{"acts without facts", "facts first", fault{store: func(*supervisor.Machine, *supervisor.Table) error { return nil }}},
		{"forgets facts", "restore", fault{store: sometimes()}},
		{"kills at once", "kill", rewrite(killsEarly)},
		{"kills twice", "kill", rewrite(double[supervisor.Kill])},
		{"does not kill", "kill", rewrite(drop[supervisor.Kill])},
		{"clock runs fast", "delay", fault{step: hastens, deadline: hastened}},
		{"tries for ever", "attempts", fault{step: triesForEver}},
		{"gives up at once", "attempts", rewrite(givesUp)},
		{"hears no beats", "heartbeat", fault{step: hears(func(int) int { return 0 })}},
		{"overlooks silence", "heartbeat", fault{step: hears(func(n int) int { return max(n, 3) })}},
		{"takes old runs for new", "stale", fault{step: takesOldRuns}},
		{"believes in readiness", "ready", fault{step: believes}},
		{"deadline in the past", "deadline", fault{deadline: func(*supervisor.Machine) (time.Duration, bool) { return -1, true }}},
		{"no deadline", "calm", fault{deadline: func(*supervisor.Machine) (time.Duration, bool) { return 0, false }}},
		{"ticks without end", "deadline", fault{deadline: sticks()}},
		{"does not answer", "answers", rewrite(drop[supervisor.Answer])},
		{"answers twice", "answers", rewrite(double[supervisor.Answer])},
		{"starts unasked", "condition", fault{step: believesConditions}},
		{"forgets to test", "condition", rewrite(drop[supervisor.Await])},
		{"keeps a change to itself", "edges", rewrite(hidesReadiness)},
		{"skips a state", "edges", rewrite(skipsState)},
		{"starts in shutdown", "shutdown", inject(startsInShutdown)},
		{"finishes too early", "shutdown", rewrite(finishesEarly)},
		{"never finishes", "calm", rewrite(drop[supervisor.Finish])},
		{"climbs a step twice", "ladder", rewrite(climbsTwice)},
		{"has no last resort", "ladder", rewrite(drop[supervisor.LastResort])},
		{"keeps the top state to itself", "top", rewrite(drop[supervisor.Moved])},
		{"feeds through a back-off", "ill", fault{ill: overlooks}},
		{"has a bug", "bug", rewrite(func(list []supervisor.Effect) []supervisor.Effect {
			return append(list, supervisor.Bug{Text: "made by hand"})
		})},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			found := map[string]int{}
			for seed := range uint64(3000) {
				if _, v := once(seed+1, options{fault: f.fault}); v != nil {
					found[v.Rule]++
				}
				if found[f.rule] > 0 {
					return
				}
			}
			t.Errorf("%q is not broken, but %v", f.rule, found)
		})
	}
}

// TestStoryShowsChance: two plays of one seed differ when chance from elsewhere gets in.
func TestStoryShowsChance(t *testing.T) {
	t.Parallel()
	n := 0
	swaps := rewrite(func(list []supervisor.Effect) []supervisor.Effect {
		if n++; n == 7 {
			slices.Reverse(list)
		}
		return list
	})
	a, _ := once(1, options{fault: swaps})
	b, _ := once(1, options{fault: swaps})
	if bytes.Equal(a, b) {
		t.Error("the stories are equal")
	}
}

// rewrite is a fault in the effects.
func rewrite(change func([]supervisor.Effect) []supervisor.Effect) fault {
	return fault{step: func(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
		return change(m.Step(now, ev))
	}}
}

// inject is a fault that adds a change to the effects where a component is fit for it.
func inject(change func(m *supervisor.Machine, c *supervisor.ComponentStatus) []supervisor.Effect) fault {
	return fault{step: func(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
		list := m.Step(now, ev)
		snap := m.Snapshot(now)
		for i := range snap.Components {
			if more := change(m, &snap.Components[i]); more != nil {
				return append(list, more...)
			}
		}
		return list
	}}
}

func double[E supervisor.Effect](list []supervisor.Effect) []supervisor.Effect {
	var out []supervisor.Effect
	for _, e := range list {
		out = append(out, e)
		if _, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

func drop[E supervisor.Effect](list []supervisor.Effect) []supervisor.Effect {
	return slices.DeleteFunc(list, func(e supervisor.Effect) bool { _, ok := e.(E); return ok })
}

func launched(c *supervisor.ComponentStatus) []supervisor.Effect {
	return []supervisor.Effect{
		supervisor.Changed{Component: c.Component, Run: c.Run + 1, From: supervisor.Down, To: supervisor.Starting, Reason: "made by hand"},
		supervisor.Launch{Component: c.Component, Run: c.Run + 1},
	}
}

func startsEarly(m *supervisor.Machine, c *supervisor.ComponentStatus) []supervisor.Effect {
	if c.State != supervisor.Waiting || len(c.WaitsFor) == 0 || c.Removed || len(m.Graph().Needs[c.Component]) == 0 {
		return nil
	}
	return launched(c)
}

// leavesBehind starts one that only waits for a dependent to be gone.
func leavesBehind(m *supervisor.Machine, c *supervisor.ComponentStatus) []supervisor.Effect {
	if c.State != supervisor.Waiting || c.Removed || len(c.WaitsFor) == 0 {
		return nil
	}
	for _, w := range c.WaitsFor {
		if !slices.Contains(m.Graph().NeededBy[c.Component], w.Component) {
			return nil
		}
	}
	return launched(c)
}

func startsUnwanted(m *supervisor.Machine, c *supervisor.ComponentStatus) []supervisor.Effect {
	if c.State != supervisor.Down || c.Wanted || c.Removed {
		return nil
	}
	return launched(c)
}

func startsInShutdown(m *supervisor.Machine, c *supervisor.ComponentStatus) []supervisor.Effect {
	if c.State != supervisor.Down || m.Snapshot(0).State != supervisor.ShuttingDown {
		return nil
	}
	return launched(c)
}

func stopsEarly(m *supervisor.Machine, c *supervisor.ComponentStatus) []supervisor.Effect {
	if c.State != supervisor.Ready || c.Removed {
		return nil
	}
	for _, d := range m.Graph().NeededBy[c.Component] {
		if state, _ := m.StateOf(d); state == supervisor.Ready {
			from, _ := m.StateOf(c.Component)
			return []supervisor.Effect{supervisor.Changed{Component: c.Component, Run: c.Run, From: from, To: supervisor.Stopping}}
		}
	}
	return nil
}

func killsEarly(list []supervisor.Effect) []supervisor.Effect {
	for _, e := range list {
		if s, ok := e.(supervisor.Signal); ok {
			list = append(list, supervisor.Kill{Component: s.Component, Run: s.Run})
		}
	}
	return list
}

func hidesReadiness(list []supervisor.Effect) []supervisor.Effect {
	return slices.DeleteFunc(list, func(e supervisor.Effect) bool {
		c, ok := e.(supervisor.Changed)
		return ok && c.To == supervisor.Ready
	})
}

func givesUp(list []supervisor.Effect) []supervisor.Effect {
	for i, e := range list {
		if c, ok := e.(supervisor.Changed); ok && c.From == supervisor.Starting && c.To == supervisor.Down {
			c.To = supervisor.Failed
			list[i] = c
		}
	}
	return list
}

func skipsState(list []supervisor.Effect) []supervisor.Effect {
	for i, e := range list {
		if c, ok := e.(supervisor.Changed); ok && c.To == supervisor.Stopping {
			c.To = supervisor.Starting
			list[i] = c
		}
	}
	return list
}

func finishesEarly(list []supervisor.Effect) []supervisor.Effect {
	for _, e := range list {
		if m, ok := e.(supervisor.Moved); ok && m.Top == supervisor.ShuttingDown {
			return append(list, supervisor.Finish{End: supervisor.Poweroff})
		}
	}
	return list
}

func climbsTwice(list []supervisor.Effect) []supervisor.Effect {
	for _, e := range list {
		if m, ok := e.(supervisor.Moved); ok && m.Top == supervisor.Transition && m.Reason == "recovery" {
			return append(list, m, m)
		}
	}
	return list
}

// sometimes does not store what every fourth step has changed, unless something is launched.
func sometimes() func(*supervisor.Machine, *supervisor.Table) error {
	n := 0
	return func(m *supervisor.Machine, t *supervisor.Table) error {
		if n++; n%4 == 0 {
			return nil
		}
		return m.Store(t)
	}
}

// hastens lets time go twice as fast for the machine.
func hastens(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
	return m.Step(2*now, ev)
}

func hastened(m *supervisor.Machine) (time.Duration, bool) {
	due, ok := m.Deadline()
	return (due + 1) / 2, ok
}

// triesForEver starts by hand, unasked, what the machine has given up.
func triesForEver(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
	list := m.Step(now, ev)
	for _, e := range list {
		if c, ok := e.(supervisor.Changed); ok && c.To == supervisor.Failed {
			return append(list, m.Step(now, supervisor.Start{Components: []int{c.Component}})...)
		}
	}
	return list
}

// hears changes every count of beats.
func hears(as func(int) int) func(*supervisor.Machine, time.Duration, supervisor.Event) []supervisor.Effect {
	return func(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
		if e, ok := ev.(supervisor.Beats); ok {
			for i := range e.List {
				e.List[i].Count = as(e.List[i].Count)
			}
		}
		return m.Step(now, ev)
	}
}

func takesOldRuns(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
	if e, ok := ev.(supervisor.Exited); ok {
		_, e.Run = m.StateOf(e.Component)
		ev = e
	}
	return m.Step(now, ev)
}

// believes takes an exec for readiness.
func believes(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
	list := m.Step(now, ev)
	if e, ok := ev.(supervisor.Launched); ok && m.Components()[e.Component].Kind == targets.Daemon {
		list = append(list, m.Step(now, supervisor.BecameReady(e))...)
	}
	return list
}

// sticks is a deadline that does not move on once it was reached.
func sticks() func(m *supervisor.Machine) (time.Duration, bool) {
	var at time.Duration
	return func(m *supervisor.Machine) (time.Duration, bool) {
		due, ok := m.Deadline()
		if at == 0 {
			at = due
		}
		return max(due, at), ok || at != 0
	}
}

// believesConditions takes every start condition for one that holds.
func believesConditions(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect {
	list := m.Step(now, ev)
	for i := 0; i < len(list); i++ {
		if e, ok := list[i].(supervisor.Await); ok {
			for _, n := range e.Conditions {
				list = append(list, m.Step(now, supervisor.Tested{Component: e.Component, Ask: e.Ask, Condition: n, Holds: true})...)
			}
		}
	}
	return list
}

// overlooks is a machine that is ill only while it has given somebody up.
func overlooks(m *supervisor.Machine) string {
	for c := range m.Graph().Needs {
		if state, _ := m.StateOf(c); state == supervisor.Failed {
			return m.Ill()
		}
	}
	return ""
}
