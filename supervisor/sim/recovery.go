package sim

import (
	"slices"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// answers gives some components other answers to failures: exit codes, ones of their own before ready, a replacement. A
// replacement comes from an earlier place: it needs nothing of the one it replaces, and replaces in no circle.
func (l *land) answers(c *targets.Component, place, version int) {
	d := throw(l.seed, "answers", c.Name, version)
	if d.chance(20) {
		c.NoRestartExitCodes = []int{2}
	}
	if d.chance(15) {
		c.Recovery.Action = one(d, targets.Replace, targets.Ignore)
	}
	if d.chance(15) {
		c.Recovery.Then = targets.Replace
	}
	if d.chance(25) {
		early := l.recovery(d)
		early.Action = one(d, early.Action, targets.Replace)
		early.Replacement = one(d, l.names[:max(place, 1)]...)
		c.StartRecovery = &early
	}
	c.Recovery.Replacement = one(d, l.names[:max(place, 1)]...)
	l.heartbeat(c, version)
}

// replacements takes out those that are not there: then nothing replaces.
func (l *land) replacements(c *targets.Config) {
	fix := func(name string, r *targets.Recovery) {
		if _, ok := c.Component(r.Replacement); ok && r.Replacement != name {
			return
		}
		r.Replacement = ""
		if r.Action == targets.Replace {
			r.Action = targets.Stop
		}
		if r.Then == targets.Replace {
			r.Then = targets.Stop
		}
	}
	for i := range c.Components {
		x := &c.Components[i]
		fix(x.Name, &x.Recovery)
		if early := x.StartRecovery; early != nil {
			if _, ok := c.Target(early.Target); !ok {
				early.Target = ""
			}
			fix(x.Name, early)
		}
	}
}

// replacing are the components that may come to run in place of members of a target, and of those in turn.
func replacing(g *targets.Graph, t int) []int {
	var more []int
	for {
		n := len(more)
		for c, in := range g.Closure(t, more).In {
			def := &g.Config.Components[c]
			for _, r := range []*targets.Recovery{&def.Recovery, def.RecoveryOf(false)} {
				by, ok := g.Config.Component(r.Replacement)
				if in && ok && r.Replaces() && !slices.Contains(more, by) {
					more = append(more, by)
				}
			}
		}
		if len(more) == n {
			return more
		}
	}
}

// lastOf is what recovery does in the end with a component, by what is shown of it.
func lastOf(def *targets.Component, c *supervisor.ComponentStatus) targets.Action {
	r := def.RecoveryOf(c.Ready != 0)
	if r.Action == targets.Restart {
		return r.Then
	}
	return r.Action
}

func isForgone(def *targets.Component, c *supervisor.ComponentStatus) bool {
	last := lastOf(def, c)
	return last == targets.Stop || last == targets.Ignore || last == targets.Replace
}

// replacedBy names who has to be wanted in place of a component, "" where nobody.
func replacedBy(def *targets.Component, c *supervisor.ComponentStatus) string {
	if c.State != supervisor.Failed || lastOf(def, c) != targets.Replace {
		return ""
	}
	return def.RecoveryOf(c.Ready != 0).Replacement
}

// bars notes an exit code after which there is no further start.
func (j *judge) bars(e supervisor.Exited) {
	s := j.of(e.Component, e.Run)
	if s != nil && (s.state == supervisor.Starting || s.state == supervisor.Ready) {
		s.barred = e.Status.Signal == 0 && slices.Contains(s.def.NoRestartExitCodes, e.Status.Code)
	}
}
