package sim

import (
	"slices"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// goOn continues a start that is held before its exec (signal(7), SIGCONT).
const goOn = 18

// goOn lets a held start go on to its exec.
func (w *world) goOn(s *set) {
	if s.held {
		s.held = false
		w.after(0, func() { w.exec(s) })
	}
}

// takeIn makes a run of a process that is there already.
func (w *world) takeIn(def *targets.Component, run uint32) {
	s := &set{name: def.Name, run: run, when: def.Ready.When, main: executed, ready: true, heard: true,
		plan: planOf(w.seed, def.Name, run, false, w.mild)}
	w.sets[def.Name] = s
	if s.plan.exit != never {
		w.after(s.plan.exit, func() { w.exit(s) })
	}
}

// letGo makes the processes of a run nobody's: nothing is told of them any more.
func (w *world) letGo(s *set) {
	s.gone, s.main, s.kids = true, ended, 0
}

// hand follows a component whose state is changed by hand: adopted, or let go. It says whether that is so.
func (j *judge) hand(s *shadow, e *supervisor.Changed) bool {
	switch ev := j.ev.(type) {
	case supervisor.Adopt:
		if ev.Component != e.Component || e.To != supervisor.Ready {
			return false
		}
		if s.alive() || e.Run <= s.run || j.ending || j.p.safe {
			j.fail("by hand", "%s is adopted as run %d, and is %s", s.name, e.Run, stored(s.state))
		}
		*s = shadow{name: s.name, number: s.number, def: s.def, needs: s.needs, anyOf: s.anyOf, wanted: s.wanted, willBe: s.willBe, vital: s.vital,
			state: supervisor.Ready, run: e.Run, readyAt: j.now(), launchedAt: j.now(), adopted: true, landed: true}
		return true
	case supervisor.Release:
		if !slices.Contains(ev.Components, e.Component) || s.state != supervisor.Ready || e.To != supervisor.Down {
			return false
		}
		if !s.let {
			j.fail("by hand", "%s is released, and its processes are not let go", s.name)
		}
		s.state, s.raises = supervisor.Down, ""
		return true
	}
	return false
}

func (j *judge) takeIn(e supervisor.TakeIn) {
	s := j.of(e.Component, e.Run)
	if s == nil || !s.adopted || s.launched {
		j.fail("by hand", "%s run %d is taken in, and was not adopted", j.p.component(e.Component), e.Run)
		return
	}
	s.launched = true
}

func (j *judge) letGo(e supervisor.LetGo) {
	if s := j.of(e.Component, e.Run); s == nil || s.state != supervisor.Ready {
		j.fail("by hand", "%s run %d is let go, and is not ready", j.p.component(e.Component), e.Run)
	} else {
		s.let = true
	}
}

// taken judges that whoever was adopted in the step has been taken in.
func (j *judge) taken() {
	for _, s := range j.units {
		if s.adopted && !s.launched {
			j.fail("by hand", "%s is adopted as run %d, and is not taken in", s.name, s.run)
		}
	}
}

// letGoAgain is done by every manager, in case the one before died first.
func (j *judge) letGoAgain(e supervisor.LetGo, sameConfig bool) {
	if s := j.of(e.Component, e.Run); sameConfig && (s == nil || !s.let) {
		j.fail("by hand", "%s run %d is let go again, and never was", j.p.component(e.Component), e.Run)
	}
}
