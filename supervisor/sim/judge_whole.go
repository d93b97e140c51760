package sim

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// climb is what the judge knows of an episode of failures (R12).
type climb struct {
	visited map[string]bool
	again   bool
	tries   int // of the fallback
	last    bool
	ended   time.Duration // of the last transition
	began   bool          // there was one
	excused bool          // the configuration has changed since a transition began: what has failed by another one stays
}

// moved follows the top state, and the ladder's steps.
func (j *judge) moved(e supervisor.Moved) {
	was := j.top
	j.top = e.Top
	if was == supervisor.Transition && e.Top != supervisor.Transition {
		j.ladder.ended, j.ladder.began = j.now(), true
		j.servesQueue()
	}
	switch {
	case e.Top == supervisor.ShuttingDown:
		if !j.ending {
			j.ending, j.killAllAt = true, j.now()+j.p.machine.Graph().Config.ShutdownTimeout
		}
		return
	case e.Top != supervisor.Transition:
		return
	}
	j.ladder.excused = false
	for _, s := range j.units {
		s.pardon()
	}
	switch {
	case strings.HasPrefix(e.Reason, "recovery"):
		j.climbs(j.p.target(e.Target))
	case strings.HasPrefix(e.Reason, "requested"):
		j.served()
	}
	if j.ending {
		j.fail("shutdown", "a transition begins")
	}
}

// servesQueue is the end of a transition after a manager's death: the next one in the queue, whose caller is gone, may have
// been served without a word.
func (j *judge) servesQueue() {
	if j.lost {
		j.served()
		j.ladder.excused = true
	}
}

// served is a caller's request for a target that was served: the episode ends, failures are forgotten.
func (j *judge) served() {
	j.ladder = climb{visited: map[string]bool{}, ended: j.ladder.ended, began: j.ladder.began}
	for _, s := range j.units {
		s.pardon()
	}
}

// climbs judges one step of the ladder: no target twice in an episode, but the active one once, and the fallback a few times.
func (j *judge) climbs(to string) {
	l, fallback := &j.ladder, j.p.machine.Graph().Config.FallbackTarget
	from := j.snap.Target
	if l.began && j.now()-l.ended >= time.Minute {
		*l = climb{visited: map[string]bool{}, ended: l.ended, began: true}
	}
	l.visited[from] = true
	switch {
	case j.p.safe:
		j.fail("ladder", "recovery enters %s in safe mode", to)
	case to == fallback && from == fallback && l.last:
		j.fail("ladder", "the fallback %s is tried after the last resort", to)
	case to == fallback && l.tries >= 6:
		j.fail("ladder", "the fallback %s is tried %d times", to, l.tries+1)
	case to == fallback:
		l.tries++
	case l.visited[to] && (to != from || l.again):
		j.fail("ladder", "recovery enters %s again, from %s", to, from)
	case to == from:
		l.again = true
	}
	l.visited[to] = true
}

func (j *judge) lastResort() {
	if fallback := j.p.machine.Graph().Config.FallbackTarget; j.ladder.last || j.snap.Target != fallback && !j.ladder.visited[fallback] && !j.lost {
		j.fail("ladder", "last resort in %s, had there been one: %v", j.snap.Target, j.ladder.last)
	}
	j.ladder.last = true
}

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
	}
	if after.State != j.top {
		j.fail("top", "the whole is %s, told was %s", after.State, j.top)
	}
	j.wanted(after)
	j.whole(after)
	if due, ok := j.p.deadline(); ok && due < j.now() {
		j.fail("deadline", "%v is past, now is %v", due, j.now())
	}
}

// due says that limits are acted on once they have passed.
func (j *judge) due(s *shadow) {
	set := j.p.world.sets[s.name]
	switch {
	case s.state == supervisor.Starting && s.launched == false:
		j.fail("one set", "%s starts and is not launched", s.name)
	case s.state == supervisor.Starting && s.startLimit != 0 && s.startLimit <= j.now():
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
		if c.Wanted && c.State != supervisor.Ready {
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

// wanted is R2 to R4, worked out anew from the configuration and the marks.
func (j *judge) wanted(after *supervisor.Snapshot) {
	g := j.p.machine.Graph()
	w := wish{g: g, marks: after.Components, in: make([]bool, len(g.Needs)), target: map[string]bool{}}
	essential := wish{g: g, marks: after.Components, in: make([]bool, len(g.Needs)), target: map[string]bool{}, strict: true}
	if !j.ending {
		w.node(after.Target)
		essential.node(after.Target)
		for i := range after.Components {
			if after.Components[i].Started {
				w.node(after.Components[i].Name)
			}
		}
	}
	for i := range after.Components {
		c := &after.Components[i]
		in := !c.Removed && w.in[c.Component]
		r := &j.units[c.Component].def.Recovery
		forgone := r.Action == targets.Stop || r.Action == targets.Restart && r.Then == targets.Stop
		if c.Wanted != in || !c.Removed && c.Essential != (essential.in[c.Component] && !forgone) {
			j.fail("wanted", "%s: wanted %v, essential %v", c.Name, c.Wanted, c.Essential)
		}
	}
}

// wish is one walk over what is written: depends_on alone, or every edge that makes something wanted.
type wish struct {
	g      *targets.Graph
	marks  []supervisor.ComponentStatus
	in     []bool
	target map[string]bool
	strict bool
}

func (w *wish) node(name string) {
	config := w.g.Config
	if c, ok := config.Component(name); ok {
		if w.in[c] || w.marks[c].Stopped {
			return
		}
		w.in[c] = true
		for _, list := range [][]int{w.g.Needs[c], w.g.AnyOf[c], w.g.Wants[c]} {
			for _, n := range list {
				w.node(config.Components[n].Name)
			}
			if w.strict {
				return
			}
		}
		return
	}
	t, ok := config.Target(name)
	if !ok || w.target[name] {
		return
	}
	w.target[name] = true
	lists := config.Targets[t].DependsOn
	if !w.strict {
		lists = slices.Concat(lists, config.Targets[t].Wants)
	}
	for _, n := range lists {
		w.node(n)
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

// forsaken says that the callers are gone with the manager.
func (j *judge) forsaken() {
	for _, activation := range j.open {
		j.lost = j.lost || activation
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
	c.Component, c.Text, c.Reason, c.WaitsFor, c.Exit, c.State = 0, "", "", nil, nil, supervisor.Down
	return c
}

// resync takes what a restored machine says as it is.
func (j *judge) resync(after *supervisor.Snapshot) {
	j.top, j.snap = after.State, *after
	for _, s := range j.units {
		s.state, s.run = j.p.machine.StateOf(s.number)
		s.needs, s.anyOf = nil, nil
		s.launched, s.notBefore, s.sure, s.streak = true, 0, nil, 0
	}
	j.renumber()
	for i := range after.Components {
		s := j.units[after.Components[i].Component]
		s.wanted, s.willBe = after.Components[i].Wanted, after.Components[i].Wanted
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
			if !j.ladder.last {
				j.fail("ladder", "last resort again, and there was none")
			}
		default:
			j.fail("restore", "a restored machine does something new: %s", effectText(j.p, e))
		}
	}
}
