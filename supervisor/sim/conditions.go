package sim

import (
	"fmt"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// conditional says whether a seed's components have start conditions. The seeds of TestKnown have none, so that their stories
// stay what they were.
func (l *land) conditional() bool { return l.seed%7 == 4 || l.seed%7 == 6 }

// startConditions are those of one definition of a component. One for the exit of a oneshot leaves it out: that may never come.
func (l *land) startConditions(place, version int) []targets.StartCondition {
	d := throw(l.seed, "conditions", l.names[place], version)
	if !l.conditional() || !d.chance(40) {
		return nil
	}
	var list []targets.StartCondition
	for i := range 1 + d.below(3) {
		s := targets.StartCondition{Subject: fmt.Sprint("/", i), Skip: d.chance(40)}
		if d.chance(60) {
			s.Timeout = d.span(50*time.Millisecond, 3*time.Second)
		}
		if d.chance(15) {
			s.Kind, s.Skip, s.Subject = targets.TestRaised, true, one(d, "p", "q")
		}
		if place > 0 && d.chance(15) {
			s.Kind, s.Skip, s.Subject, s.Code = targets.TestExit, true, l.names[d.below(place)], one(d, 0, 0, 1)
		}
		list = append(list, s)
	}
	return list
}

// raising makes some daemons ready with a condition that they raise themselves, by their own name.
func (l *land) raising(c *targets.Component, version int) {
	if c.Kind == targets.Daemon && l.conditional() && throw(l.seed, "raising", c.Name, version).chance(20) {
		c.Ready.When, c.Ready.Condition = targets.Raised, c.Name
	}
}

// announce is a component that raises a condition, or takes it back.
func (p *play) announce(a *action, c int, run uint32) {
	if p.land.conditional() {
		p.step(supervisor.Announced{Component: c, Run: run, Condition: []string{"p", "q"}[a.roll>>3&1], Holds: a.roll>>4&3 != 0})
	}
}

// readyEvent is how a run says that it is ready.
func (s *set) readyEvent(c int) supervisor.Event {
	if s.when == targets.Raised {
		return supervisor.Announced{Component: c, Run: s.run, Condition: s.name, Holds: true}
	}
	return supervisor.BecameReady{Component: c, Run: s.run}
}

// await is what becomes of conditions: they hold, come to hold, or never do. What is told to a dead manager, or about a
// test that is over, is lost.
func (w *world) await(name string, e supervisor.Await, limits []time.Duration, tell func(supervisor.Tested)) {
	epoch := w.epoch
	w.asked[name] = e.Ask
	answer := func(after time.Duration, i int, holds bool) {
		w.after(after, func() {
			if epoch == w.epoch && w.asked[name] == e.Ask {
				tell(supervisor.Tested{Ask: e.Ask, Condition: i, Holds: holds, Why: map[bool]string{false: "not there"}[holds]})
			}
		})
	}
	for _, i := range e.Conditions {
		d := throw(w.seed, "condition", name, i, int(e.Ask), int(w.now/time.Millisecond))
		late := d.span(time.Millisecond, 20*time.Millisecond)
		switch holds := w.mild || d.chance(55); {
		case holds:
			answer(late, i, true)
		default:
			answer(late, i, false)
			if limits[i] > 0 && d.chance(60) {
				answer(late+d.span(0, 4*time.Second), i, true)
			}
		}
	}
}

// await lets the world answer for a component by its present number.
func (p *play) await(e supervisor.Await) {
	def := p.machine.Components()[e.Component]
	var limits []time.Duration
	for i := range def.StartConditions {
		limits = append(limits, def.StartConditions[i].Timeout)
	}
	p.world.await(def.Name, e, limits, func(t supervisor.Tested) {
		if t.Component = p.number(def.Name); p.up && t.Component != supervisor.None {
			p.step(t)
		}
	})
}
