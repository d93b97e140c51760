package sim

import (
	"strings"

	"github.com/orderly-init/orderly/supervisor"
)

// atEnd holds the world to a finished shutdown: everything is dead but what could not be killed.
func (j *judge) atEnd() {
	for _, s := range j.units {
		if set := j.p.world.sets[s.name]; set.alive() && !s.stuck {
			j.fail("shutdown", "finished while %s lives", s.name)
		}
	}
	for id := range j.open {
		j.fail("answers", "#%d was not answered before the end", id)
	}
}

// atRest judges the end of a run without a shutdown: nothing is due any more.
func (j *judge) atRest() {
	p := j.p
	if j.err != nil {
		return
	}
	if !p.up || j.ending {
		j.fail("calm", "nothing is due, up %v, ending %v", p.up, j.ending)
		return
	}
	snap := p.machine.Snapshot(j.now())
	waiting := false // for something without a limit
	for i := range snap.Components {
		waiting = j.rest(&snap.Components[i]) || waiting
	}
	for _, name := range p.names() {
		if c := p.number(name); p.world.sets[name].alive() && (c == supervisor.None || !j.units[c].alive()) {
			j.fail("calm", "%s lives and is not known", name)
		}
	}
	if waiting {
		return
	}
	if snap.State == supervisor.Transition {
		j.fail("calm", "the transition to %s does not end", snap.Target)
	}
	for id := range j.open {
		j.fail("answers", "#%d was never answered", id)
	}
	j.climbed(&snap)
}

// rest judges where a component has come to rest, and says whether it waits for what has no limit.
func (j *judge) rest(c *supervisor.ComponentStatus) bool {
	s := j.units[c.Component]
	why := strings.Join(j.p.machine.Why(j.now(), c.Component), "\n")
	if why == "" || c.State != supervisor.Ready && c.Wanted && c.Reason == "" {
		j.fail("calm", "%s is %s without a reason", c.Name, c.State)
	}
	switch c.State {
	case supervisor.Ready:
		if !c.Wanted {
			j.fail("calm", "%s lives and nobody wants it", c.Name)
		}
		set := j.p.world.sets[c.Name]
		return s.def.StartTimeout == 0 && set != nil && len(set.commands) > 0 // a reload command that hangs
	case supervisor.Starting:
		if s.startLimit == 0 {
			return true
		}
		j.fail("calm", "%s goes on starting", c.Name)
	case supervisor.Stopping, supervisor.Backoff:
		j.fail("calm", "%s stays %s", c.Name, c.State)
	case supervisor.Waiting:
		j.blocked(c)
	case supervisor.Down, supervisor.Failed, supervisor.Done:
	}
	return false
}

// blocked judges one that waits at rest: for somebody that is not ready, or for its own start by hand.
func (j *judge) blocked(c *supervisor.ComponentStatus) {
	if j.p.safe {
		return
	}
	for _, w := range c.WaitsFor {
		if w.State != supervisor.Ready || j.inConflict(c.Component, w.Component) {
			return
		}
	}
	if !strings.HasPrefix(c.Reason, "stays down") {
		j.fail("calm", "%s waits at rest: %s", c.Name, c.Reason)
	}
}

func (j *judge) inConflict(a, b int) bool {
	g := j.p.machine.Graph()
	for _, n := range g.Conflicts[a] {
		if n == b {
			return true
		}
	}
	return false
}

// climbed asks, where an essential component is given up, whether the ladder was climbed to its end.
func (j *judge) climbed(snap *supervisor.Snapshot) {
	g := j.p.machine.Graph()
	t, ok := g.Config.Target(snap.Target)
	if !ok || j.p.safe || !j.ladder.began || j.ladder.excused {
		return
	}
	for i := range snap.Components {
		c := &snap.Components[i]
		if !c.Essential || c.State != supervisor.Failed {
			continue
		}
		recovery, fallback := g.Config.Targets[t].Recovery, g.Config.FallbackTarget
		switch {
		case fallback != "" && !j.ladder.last:
			j.fail("ladder", "%s has failed in %s, the fallback is %s, last resort %v", c.Name, snap.Target, fallback, j.ladder.last)
		case fallback == "" && recovery != "" && !j.ladder.visited[recovery]:
			j.fail("ladder", "%s has failed in %s, its recovery %s was not entered", c.Name, snap.Target, recovery)
		}
	}
}
