package sim

import (
	"math"
	"slices"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// changed follows a component from state to state.
func (j *judge) changed(e supervisor.Changed) {
	if e.Component < 0 || e.Component >= len(j.units) {
		j.fail("edges", "no component %d", e.Component)
		return
	}
	s := j.units[e.Component]
	if j.hand(s, &e) {
		return
	}
	if e.From != s.state || int(e.From) >= len(legal) || !slices.Contains(legal[e.From], e.To) {
		j.fail("edges", "%s: %s -> %s, it was %s", s.name, stored(e.From), stored(e.To), stored(s.state))
		return
	}
	if e.To == supervisor.Starting && e.From != supervisor.Starting {
		j.starts(s, e.Run)
		return
	}
	if e.Run != s.run {
		j.fail("edges", "%s: run %d changes, it has run %d", s.name, e.Run, s.run)
	}
	if s.state == supervisor.Down {
		j.condition(s, e)
		return
	}
	j.lostBeat(s, &e)
	j.outOfMemory(s, &e)
	if e.From == e.To { // a remark
		s.stuck = s.stuck || s.killed && e.Reason == "cannot be killed"
		return
	}
	if s.alive() && s.state != supervisor.Stopping && e.To != supervisor.Ready && e.To != supervisor.Done {
		j.leaves(s)
	}
	s.state = e.To
	if !s.alive() {
		s.raises = ""
	}
	switch e.To {
	case supervisor.Ready, supervisor.Done:
		j.isReady(s)
	case supervisor.Stopping:
		s.killed, s.stuck, s.killFrom = false, false, j.now()+s.def.StopTimeout
		s.stopAt, s.stopTimeout = j.now(), s.def.StopTimeout
	case supervisor.Down, supervisor.Failed:
		s.stuck = false
		j.isDown(s)
	}
}

func (j *judge) isReady(s *shadow) {
	s.readyAt, s.vital.served = j.now(), true
	unnamed := s.def.PIDFile != "" && !s.heardNamed
	if s.state == supervisor.Ready && (!s.heardReady || unnamed) || s.state == supervisor.Done && !s.heardWell {
		j.fail("ready", "%s is ready, and nobody said so", s.name)
	}
}

// starts judges the beginning of a run.
func (j *judge) starts(s *shadow, run uint32) {
	if run <= s.run {
		j.fail("one set", "%s: run %d after run %d", s.name, run, s.run)
	}
	if j.ending || j.p.safe {
		j.fail("shutdown", "%s starts, and nothing may", s.name)
	}
	if !s.wanted && !s.willBe && !j.turned || s.removed {
		j.fail("wanted", "%s starts, and nobody wants it", s.name)
	}
	if j.now() < s.notBefore {
		j.fail("delay", "%s starts %v too early", s.name, s.notBefore-j.now())
	}
	j.mayStart(s)
	j.permitted(s)
	j.tookAlong(s)
	*s = shadow{name: s.name, number: s.number, def: s.def, needs: s.needs, anyOf: s.anyOf, wanted: s.wanted, willBe: s.willBe,
		everFell: s.everFell, vital: s.vital, sure: s.sure, perhaps: s.perhaps, streak: s.streak,
		state: supervisor.Starting, run: run, launchedAt: j.now(), startLimit: j.limit(s.def.StartTimeout)}
}

// mayStart is rule 1.
func (j *judge) mayStart(s *shadow) {
	if s.removed {
		return
	}
	g := j.p.machine.Graph()
	for _, n := range g.Needs[s.number] {
		if !j.units[n].ready() {
			j.fail("start order", "%s starts while %s is %s", s.name, j.units[n].name, stored(j.units[n].state))
		}
	}
	if list := g.AnyOf[s.number]; len(list) > 0 && !slices.ContainsFunc(list, func(n int) bool { return j.units[n].ready() }) {
		j.fail("start order", "%s starts while none of its depends_on_any is ready", s.name)
	}
	for _, n := range slices.Concat(g.Wants[s.number], g.After[s.number]) {
		if !j.settled(n) {
			j.fail("start order", "%s starts while %s, %s, has not settled", s.name, j.units[n].name, stored(j.units[n].state))
		}
	}
	for _, n := range g.Conflicts[s.number] {
		if j.units[n].alive() || j.p.world.sets[j.units[n].name].alive() && !j.units[n].let {
			j.fail("start order", "%s starts while %s is %s, in conflict with it", s.name, j.units[n].name, stored(j.units[n].state))
		}
	}
}

// tookAlong is the end of rule 1: who had to go with the failure of s is gone.
func (j *judge) tookAlong(s *shadow) {
	for _, d := range j.units {
		if s.fellReady && d.alive() && !d.stuck && d.def.OnDependencyFailure != targets.Leave && slices.Contains(d.needs, s.name) {
			j.fail("along", "%s starts again while its dependent %s is %s", s.name, d.name, stored(d.state))
		}
	}
}

// ready says whether dependents may start; one that was left out counts.
func (s *shadow) ready() bool { return s.served() || s.test.skipped }

func (s *shadow) served() bool { return s.state == supervisor.Ready || s.state == supervisor.Done }

func (s *shadow) alive() bool {
	return s.served() || s.state == supervisor.Starting || s.state == supervisor.Stopping
}

// settled is R1, as far as it can be told from outside: where in doubt it is true.
func (j *judge) settled(c int) bool {
	s := j.units[c]
	if !s.wanted || !s.willBe || j.turned || s.ready() || s.state == supervisor.Failed || s.everFell {
		return true
	}
	if s.state != supervisor.Down || s.removed {
		return false
	}
	g := j.p.machine.Graph()
	hopeless := func(n int) bool {
		d := j.units[n]
		return !d.served() && (!d.test.skipped || !d.wanted || !d.willBe) && j.settled(n)
	}
	taken := func(n int) bool { return j.units[n].alive() && (j.units[n].wanted || j.units[n].willBe) }
	if slices.ContainsFunc(g.Needs[c], hopeless) || slices.ContainsFunc(g.Conflicts[c], taken) {
		return true
	}
	list := g.AnyOf[c]
	return len(list) > 0 && !slices.ContainsFunc(list, func(n int) bool { return !hopeless(n) })
}

// leaves judges the end of a run's good times: a failure, or rule 2.
func (j *judge) leaves(s *shadow) {
	timedOut := j.late(s)
	failed := s.heardEnd || timedOut
	if _, lost := j.ev.(supervisor.Lost); !lost && failed && s.wanted && s.willBe && !s.doubtful {
		s.fell = j.unforced(s)
		s.fellReady = s.fell && s.ready() && s.def.Recovery.Action != targets.Ignore
		s.fallen()
	}
	s.mayHave = s.mayHave || failed
	s.everFell = s.everFell || failed
	if failed || j.along(s) {
		s.fellNow = s.ready()
		return
	}
	if j.ending && j.now() >= j.killAllAt {
		return
	}
	for _, d := range j.units {
		if j.holds(d, s) {
			j.fail("stop order", "%s stops while its dependent %s is %s", s.name, d.name, stored(d.state))
		}
	}
}

// unforced says that nothing but its own failure can have ended a run: all that it needs is ready.
func (j *judge) unforced(s *shadow) bool {
	return !slices.ContainsFunc(j.units, func(n *shadow) bool {
		return (slices.Contains(s.needs, n.name) || slices.Contains(s.anyOf, n.name)) && !n.ready()
	})
}

// along says that a dependency failed in this step and takes s along (R11).
func (j *judge) along(s *shadow) bool {
	if s.def.OnDependencyFailure == targets.Leave {
		return false
	}
	found := slices.ContainsFunc(j.units, func(n *shadow) bool {
		return n.fellNow && (slices.Contains(s.needs, n.name) || slices.Contains(s.anyOf, n.name))
	})
	s.everFell = s.everFell || found
	return found
}

// holds says whether d keeps s from being stopped.
func (j *judge) holds(d, s *shadow) bool {
	if d == s || !d.alive() || d.stuck || d.state == supervisor.Done && (s.willBe || j.turned) { // it may have been wanted in between
		return false
	}
	if slices.Contains(d.needs, s.name) {
		return true
	}
	if slices.Contains(d.anyOf, s.name) {
		other := func(n *shadow) bool { return n != s && slices.Contains(d.anyOf, n.name) && n.ready() }
		return !slices.ContainsFunc(j.units, other)
	}
	if d.removed || s.removed {
		return false
	}
	g := j.p.machine.Graph()
	weak := slices.Contains(g.WantedBy[s.number], d.number) || slices.Contains(g.BeforeOf[s.number], d.number)
	return weak && (d.state == supervisor.Stopping || !d.wanted && !d.willBe)
}

// isDown judges what follows a run: a delay, or the end of recovery (R12).
func (j *judge) isDown(s *shadow) {
	now, fell := j.now(), s.fell && s.willBe && !j.p.safe
	defer func() {
		if s.mayHave {
			s.perhaps = append(s.perhaps, now)
		}
		s.fell, s.mayHave = false, false
	}()
	if !fell {
		if s.mayHave { // nobody can tell: what was known of earlier failures may be forgotten
			s.sure, s.streak = nil, 0
		}
		return
	}
	r, barred := s.def.RecoveryOf(s.readyAt != 0), s.barred
	if s.readyAt != 0 && r.ResetAfter > 0 && now-s.readyAt >= r.ResetAfter {
		s.sure, s.streak = nil, 0
	}
	const rounding = 2 * time.Millisecond
	used := func(list []time.Duration, window time.Duration) int {
		n := 0
		for _, t := range list {
			if t > now-window {
				n++
			}
		}
		return n
	}
	endless := r.Action == targets.Retry || r.Action == targets.Restart && r.Then == targets.Retry
	if s.state == supervisor.Down {
		switch {
		case barred:
			j.fail("attempts", "%s is to start again after an exit code that forbids it", s.name)
		case endless:
		case r.Action != targets.Restart:
			j.fail("attempts", "%s is to start again, its recovery is no restart", s.name)
		case used(s.sure, r.Window-rounding) >= r.Attempts:
			j.fail("attempts", "%s failed %d times within %v and is to start again, %d are allowed", s.name, len(s.sure)+1, r.Window, r.Attempts)
		}
		s.notBefore = now + minDelay(r, s.streak)
		s.streak++
	}
	if s.state == supervisor.Failed && !barred && (endless || r.Action == targets.Restart && used(s.perhaps, r.Window+rounding) < r.Attempts) {
		j.fail("attempts", "%s is given up after %d failures", s.name, len(s.perhaps)+1)
	}
	s.sure = append(s.sure, now)
}

// minDelay is the least delay before the next start after so many.
func minDelay(r *targets.Recovery, streak int) time.Duration {
	d := float64(r.Delay) * math.Pow(max(r.Backoff, 1), float64(min(streak, 255)))
	if r.MaxDelay > 0 {
		d = min(d, float64(r.MaxDelay))
	}
	return time.Duration(min(d*(1-r.Jitter), math.MaxInt64/4)) - time.Microsecond
}

func (j *judge) launch(e supervisor.Launch) {
	s := j.of(e.Component, e.Run)
	if s == nil || s.state != supervisor.Starting || s.launched {
		j.fail("one set", "%s run %d is launched, and is not starting", j.p.component(e.Component), e.Run)
		return
	}
	s.launched = true
	if e.Hold {
		s.held, s.startLimit = true, 0
	}
}

// signal judges the stop signal, or that of a reload.
func (j *judge) signal(e supervisor.Signal) {
	s := j.of(e.Component, e.Run)
	switch {
	case s == nil:
		j.fail("kill", "a signal to an old run of %s", j.p.component(e.Component))
	case s.state == supervisor.Ready && e.Signal == s.def.ReloadSignal:
	case s.state == supervisor.Starting && s.held && e.Signal == goOn:
	case s.aborted && e.Signal == s.def.AbortSignal && s.state == supervisor.Stopping:
	case s.state != supervisor.Stopping || e.Signal != s.def.StopSignal:
		j.fail("kill", "signal %d to %s, which is %s", e.Signal, s.name, stored(s.state))
	}
}

// kill is once, and once more for what a killed main process leaves; and not early.
func (j *judge) kill(e supervisor.Kill) {
	s := j.of(e.Component, e.Run)
	switch {
	case s == nil || s.state != supervisor.Stopping:
		j.fail("kill", "%s is killed, and was not stopping", j.p.component(e.Component))
		return
	case s.killed && !j.leftBy(e):
		j.fail("kill", "%s is killed twice", s.name)
	case j.now() < s.killFrom && !s.held && !(j.ending && j.now() >= j.killAllAt):
		j.fail("kill", "%s is killed %v too early", s.name, s.killFrom-j.now())
	}
	s.killed = true
}

// leftBy says whether the step is about the end of a main process that leaves others, or about the one that follows it.
func (j *judge) leftBy(e supervisor.Kill) bool {
	switch ev := j.ev.(type) {
	case supervisor.Exited:
		return ev.Component == e.Component && ev.Run == e.Run && !ev.Empty
	case supervisor.Named:
		return ev.Component == e.Component && ev.Run == e.Run
	}
	return false
}

func (j *judge) command(e supervisor.RunCommand) {
	s := j.of(e.Component, e.Run)
	switch {
	case s == nil:
		j.fail("edges", "a command for an old run of %s", j.p.component(e.Component))
	case e.Command == supervisor.StopCommand && s.state != supervisor.Stopping,
		e.Command == supervisor.ReloadCommand && s.state != supervisor.Ready:
		j.fail("edges", "%s of %s, which is %s", e.Command, s.name, stored(s.state))
	}
}
