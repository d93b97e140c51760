package sim

import (
	"reflect"

	"github.com/orderly-init/orderly/supervisor"
)

// finish is told once everything is down or cannot be killed.
func (j *judge) finish(e supervisor.Finish) {
	if !j.ending || e.End == supervisor.GoOn {
		j.fail("shutdown", "finished without a shutdown")
	}
	for _, s := range j.units {
		if s.alive() && !s.stuck {
			j.fail("shutdown", "finished while %s is %s", s.name, stored(s.state))
		}
	}
}

// present holds the machine's present to what was told.
func (j *judge) present(after *supervisor.Snapshot) {
	for _, s := range j.units {
		if state, run := j.p.machine.StateOf(s.number); state != s.state || run != s.run {
			j.fail("edges", "%s is %s run %d, told was %s run %d", s.name, stored(state), run, stored(s.state), s.run)
		}
		j.due(s)
		j.testDue(s)
	}
	j.skips(after)
	if j.vague {
		j.vague, j.top = false, after.State
	}
	if after.State != j.top {
		j.fail("top", "the whole is %s, told was %s", after.State, j.top)
	}
	j.wanted(after)
	j.beating(after)
	j.illness()
	j.whole(after)
	if due, ok := j.p.deadline(); ok && due < j.now() {
		j.fail("deadline", "%v is past, now is %v", due, j.now())
	}
}

// due says that limits are acted on once they have passed.
func (j *judge) due(s *shadow) {
	set := j.p.world.sets[s.name]
	switch {
	case s.state == supervisor.Starting && !s.launched:
		j.fail("one set", "%s starts and is not launched", s.name)
	case j.late(s):
		j.fail("deadline", "%s was to be ready by %v", s.name, s.startLimit)
	case s.state == supervisor.Stopping && !s.killed && s.killFrom <= j.now() && set.alive() && set.run == s.run:
		j.fail("kill", "%s was to be killed at %v", s.name, s.killFrom)
	}
}

// whole holds the top state to the components.
func (j *judge) whole(after *supervisor.Snapshot) {
	lacking := ""
	for i := range after.Components {
		c := &after.Components[i]
		if c.Wanted && c.State != supervisor.Ready && !c.Skipped {
			lacking = c.Name
		}
		if c.State != supervisor.Ready && c.State != supervisor.Down && c.Reason == "" {
			j.fail("top", "%s is %s without a reason", c.Name, c.State)
		}
	}
	switch after.State {
	case supervisor.Settled:
		if lacking != "" {
			j.fail("top", "settled while %s is not ready", lacking)
		}
	case supervisor.Degraded:
		if lacking == "" {
			j.fail("top", "degraded while all is ready")
		}
	case supervisor.Fallback:
		if after.Target != j.p.machine.Graph().Config.FallbackTarget {
			j.fail("top", "fallback while %s is active", after.Target)
		}
	case supervisor.Transition, supervisor.ShuttingDown:
	}
	if (after.State == supervisor.ShuttingDown) != j.ending {
		j.fail("top", "%s, a shutdown was told: %v", after.State, j.ending)
	}
}

// inert gives the machine an event that must change nothing.
func (j *judge) inert(ev supervisor.Event) {
	p := j.p
	before := p.machine.Snapshot(j.now())
	p.story.event(j.now(), p, ev)
	effects := p.ask(ev)
	after := p.machine.Snapshot(j.now())
	if len(effects) > 0 || !reflect.DeepEqual(before, after) {
		j.fail("stale", "%s has changed something: %d effects", eventText(p, ev), len(effects))
	}
}
