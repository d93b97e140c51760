package sim

import (
	"reflect"
	"strings"
	"time"

	"github.com/orderly-init/orderly/supervisor"
)

// forsaken says that the callers are gone with the manager.
func (j *judge) forsaken() {
	for _, queued := range j.open {
		j.lost = j.lost || queued
	}
	clear(j.open)
}

// restored holds a new machine to what the old one had stored. One that died between the facts of another configuration and
// its use goes on by the old one, with what the facts say of it.
func (j *judge) restored(sameConfig bool) {
	p := j.p
	after := p.machine.Snapshot(j.now())
	j.renumber()
	j.p.safe = false
	j.heartFrom = j.now()
	j.tookOver = j.now()
	if !sameConfig {
		j.resync(&after)
		return
	}
	known := map[string]*supervisor.ComponentStatus{}
	for i := range j.snap.Components {
		known[j.snap.Components[i].Name] = &j.snap.Components[i]
	}
	for i := range after.Components {
		c, s := after.Components[i], j.units[after.Components[i].Component]
		was := known[c.Name]
		if was == nil {
			j.fail("restore", "%s is new", c.Name)
			return
		}
		if state, _ := p.machine.StateOf(c.Component); state != s.state || !reflect.DeepEqual(facts(c), facts(*was)) {
			j.fail("restore", "%s was %+v and is %+v", c.Name, facts(*was), facts(c))
		}
		if s.test.held == worldly(s.def) { // nothing is asked any more
			s.test.number = 0
		}
		if s.removed {
			s.needs, s.anyOf, s.def = nil, nil, p.machine.Components()[c.Component]
		}
	}
	was := &j.snap
	if len(after.Components) != len(was.Components) || after.Target != was.Target || after.State != was.State || after.End != was.End ||
		after.Limit != was.Limit || after.Since != was.Since {
		j.fail("restore", "%s of %s until %v, was %s of %s until %v", after.State, after.Target, after.Limit, was.State, was.Target, was.Limit)
	}
}

// facts is what must survive of a component.
func facts(c supervisor.ComponentStatus) supervisor.ComponentStatus {
	c.Component, c.Text, c.Reason, c.WaitsFor, c.Exit, c.State, c.Heartbeat = 0, "", "", nil, nil, supervisor.Down, ""
	if len(c.Announces) == 0 { // all taken back, or none ever raised
		c.Announces = nil
	}
	return c
}

// hearing is how long a new manager listens before it finds that something that began before was not ready in time.
const hearing = time.Second

// late says whether a start takes too long.
func (j *judge) late(s *shadow) bool {
	limit := s.startLimit
	if s.launchedAt < j.tookOver {
		limit = max(limit, j.tookOver+hearing)
	}
	return s.state == supervisor.Starting && s.startLimit != 0 && limit <= j.now()
}

// resync takes what a restored machine says as it is.
func (j *judge) resync(after *supervisor.Snapshot) {
	j.vague, j.snap = true, *after
	for _, s := range j.units {
		s.state, s.run = j.p.machine.StateOf(s.number)
		s.needs, s.anyOf = nil, nil
		s.launched, s.notBefore, s.sure, s.streak = true, 0, nil, 0
		s.believed()
	}
	j.renumber()
	for i := range after.Components {
		s := j.units[after.Components[i].Component]
		s.wanted, s.willBe = after.Components[i].Wanted, after.Components[i].Wanted
		s.raises = strings.Join(after.Components[i].Announces, " ")
		s.test = asked{skipped: after.Components[i].Skipped, held: worldly(s.def)} // where nothing is asked any more
	}
}

// repeated judges what a restored machine does once more: nothing that was not decided.
func (j *judge) repeated(again []supervisor.Effect, sameConfig bool) {
	for _, e := range again {
		j.p.story.effect(j.now(), j.p, e)
		switch e := e.(type) {
		case supervisor.Kill:
			s := j.of(e.Component, e.Run)
			if s == nil || !s.killed && sameConfig {
				j.fail("kill", "%s is killed again, and never was", j.p.component(e.Component))
				continue
			}
			s.killed = true
		case supervisor.Signal:
			j.signal(e)
		case supervisor.RunCommand:
			j.command(e)
		case supervisor.Finish:
			j.finish(e)
		case supervisor.LastResort:
			if !j.ladder.last && !j.lost {
				j.fail("ladder", "last resort again, and there was none")
			}
		case supervisor.LetGo:
			j.letGoAgain(e, sameConfig)
		case supervisor.Await:
			j.awaitAgain(e, sameConfig)
		default:
			j.fail("restore", "a restored machine does something new: %s", effectText(j.p, e))
		}
	}
}
