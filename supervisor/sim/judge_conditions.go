package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// asked is what the judge knows of the test of a component's start conditions.
type asked struct {
	number  uint32 // 0: none goes on
	since   time.Duration
	held    uint16 // a bit for each condition that holds
	denied  uint16 // and for each that does not
	skipped bool
}

// own says whether the machine itself knows how a condition is.
func own(c *targets.StartCondition) bool {
	return c.Kind == targets.TestExit || c.Kind == targets.TestRaised
}

// worldly are the conditions that the world answers for.
func worldly(def *targets.Component) uint16 {
	var bits uint16
	for i := range def.StartConditions {
		if !own(&def.StartConditions[i]) {
			bits |= 1 << i
		}
	}
	return bits
}

// await is the beginning of a test: all else that a start needs is there (R8).
func (j *judge) await(e supervisor.Await) {
	s := j.units[e.Component]
	var open uint16
	for _, i := range e.Conditions {
		open |= 1 << i
	}
	switch {
	case s.test.number != 0:
		j.fail("condition", "%s is asked for twice", s.name)
	case s.state != supervisor.Down || j.ending || j.p.safe:
		j.fail("condition", "%s is asked for, and is %s", s.name, stored(s.state))
	case open != worldly(s.def):
		j.fail("condition", "%s is asked for %v", s.name, e.Conditions)
	case j.now() < s.notBefore:
		j.fail("delay", "%s is asked for %v too early", s.name, s.notBefore-j.now())
	}
	s.readyAt = 0
	s.test = asked{number: e.Ask, since: j.now()}
	j.mayStart(s)
}

// awaitAgain is the same test by another manager, which must not have forgotten what has held.
func (j *judge) awaitAgain(e supervisor.Await, sameConfig bool) {
	s := j.units[e.Component]
	held := worldly(s.def)
	for _, i := range e.Conditions {
		held &^= 1 << i
	}
	if sameConfig && held != s.test.held {
		j.fail("restore", "%s: conditions %b had held, known are %b", s.name, s.test.held, held)
	}
	s.test = asked{number: e.Ask, since: j.p.machine.SnapshotOf(e.Component, j.now()).Components[0].Since, held: held}
}

func (j *judge) cancelAwait(e supervisor.CancelAwait) {
	s := j.units[e.Component]
	if s.test.number != e.Ask {
		j.fail("condition", "test %d of %s ends, it has test %d", e.Ask, s.name, s.test.number)
	}
	s.test.number = 0
}

func (j *judge) hearTested(e supervisor.Tested) {
	s := j.units[e.Component]
	switch {
	case s.test.number != e.Ask || e.Ask == 0:
	case e.Holds:
		s.test.held |= 1 << e.Condition
	default:
		s.test.denied |= 1 << e.Condition
	}
}

// permitted says that every condition has held since the test began.
func (j *judge) permitted(s *shadow) {
	if s.test.held&worldly(s.def) != worldly(s.def) {
		j.fail("condition", "%s starts, and of its conditions only %b have held", s.name, s.test.held)
	}
}

// condition judges what follows from a condition that does not hold: a failed start, or a component left out.
func (j *judge) condition(s *shadow, e supervisor.Changed) {
	skips := strings.HasPrefix(e.Reason, "skipped: condition ")
	if !skips && !strings.HasPrefix(e.Reason, "condition ") {
		if e.To == supervisor.Down {
			j.fail("edges", "%s: %s", s.name, e.Reason)
		}
		s.state = e.To
		return
	}
	if !j.mayDeny(s, skips) {
		j.fail("condition", "%s: %s, and nobody said so", s.name, e.Reason)
	}
	s.test.number, s.test.held, s.test.skipped = 0, 0, skips
	s.state = e.To
	if !skips {
		s.fell, s.mayHave, s.everFell, s.barred = true, true, true, false
		j.isDown(s)
	}
}

// mayDeny says whether any condition can be the one that does not hold.
func (j *judge) mayDeny(s *shadow, skips bool) bool {
	for i := range s.def.StartConditions {
		c := &s.def.StartConditions[i]
		if c.Skip != skips || s.test.held&(1<<i) != 0 {
			continue
		}
		if own(c) || c.Timeout == 0 && s.test.denied&(1<<i) != 0 || c.Timeout > 0 && s.test.since+c.Timeout <= j.now() {
			return true
		}
	}
	return false
}

// testDue says that time-outs of conditions are acted on.
func (j *judge) testDue(s *shadow) {
	for i := range s.def.StartConditions {
		c := &s.def.StartConditions[i]
		open := s.test.number != 0 && s.test.held&(1<<i) == 0 && !own(c)
		if open && c.Timeout > 0 && s.test.since+c.Timeout <= j.now() {
			j.fail("deadline", "condition %d of %s was to hold by %v", i, s.name, s.test.since+c.Timeout)
		}
	}
}

// skips holds the snapshot to what was told: who is left out was told to be, and is looked at again when asked for.
func (j *judge) skips(after *supervisor.Snapshot) {
	for i := range after.Components {
		c := &after.Components[i]
		s := j.units[c.Component]
		if got := strings.Join(c.Announces, " "); got != s.raises {
			j.fail("condition", "%s has raised %q, known is %q", c.Name, s.raises, got)
		}
		if c.Skipped && (!s.test.skipped || !c.Wanted || c.State != supervisor.Down) {
			j.fail("condition", "%s is left out, and was not", c.Name)
		}
		s.test.skipped = c.Skipped
	}
}

// announced notes what a component has raised, and who is ready with it.
func (j *judge) announced(e supervisor.Announced) {
	s := j.of(e.Component, e.Run)
	if s == nil || !s.alive() {
		return
	}
	list := strings.Fields(s.raises)
	list = slices.DeleteFunc(list, func(name string) bool { return name == e.Condition })
	if e.Holds {
		list = append(list, e.Condition)
	}
	slices.Sort(list)
	s.raises = strings.Join(list, " ")
	for _, d := range j.units {
		if e.Holds && d.def.Ready.When == targets.Raised && d.def.Ready.Condition == e.Condition {
			d.heardReady = true
		}
	}
}
