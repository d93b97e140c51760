package sim

import (
	"fmt"
	"reflect"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// judge holds every step to the rules. What it knows of a component is its shadow, made of what was told.
type judge struct {
	p   *play
	err *Violation

	units  []*shadow // by the machine's number
	snap   supervisor.Snapshot
	ev     supervisor.Event
	open   map[supervisor.Request]bool // callers who wait; true where it may be in the queue
	top    supervisor.Top
	vague  bool // what was told last of the top state is not known
	ticks  int  // at one instant
	ticked time.Duration

	lost      bool // a manager died while somebody waited for a target
	turned    bool // a transition begins in the step: who is wanted in between is not known
	ending    bool
	killAllAt time.Duration // shutdown_timeout
	ladder    climb
	fallback  string        // of the configuration that ladder is about
	heartFrom time.Duration // when a manager took over, or another configuration, last
	tookOver  time.Duration // when a manager took over last; 0 is never
}

// shadow is what the judge knows of one component.
type shadow struct {
	name    string
	number  int
	def     *targets.Component
	needs   []string // edges, for one that has left the configuration
	anyOf   []string
	removed bool
	state   supervisor.State
	run     uint32

	wanted, willBe bool // before the step, after it
	launched       bool // Launch was seen for the run
	held           bool // before its exec
	adopted        bool // the run was begun by somebody else
	let            bool // it was let go
	landed         bool
	heardReady     bool
	heardNamed     bool // its pid file named a process
	heardWell      bool // a success exit
	heardEnd       bool // an event of this step ends the run
	stuck          bool
	killed         bool
	killFrom       time.Duration
	stopAt         time.Duration
	stopTimeout    time.Duration // as it was at stopAt
	startLimit     time.Duration
	readyAt        time.Duration
	launchedAt     time.Duration
	fell           bool // the run ended by a failure, as far as can be told
	doubtful       bool // the run was alive when something was asked
	fellReady      bool // it was ready before it fell
	aborted        bool // its heartbeat was lost
	barred         bool // it ended with a code after which it is not started again
	mayHave        bool // the run may have ended by a failure
	fellNow        bool // it stopped being ready in this step, by failure
	everFell       bool // since it became wanted, or perhaps earlier
	vital          vital

	test   asked  // of the start conditions
	raises string // the conditions that it has raised, sorted, each followed by a space

	sure, perhaps []time.Duration // failures since the last pardon; all of them
	streak        int
	notBefore     time.Duration
}

func newJudge(p *play) *judge {
	j := &judge{p: p, open: map[supervisor.Request]bool{}}
	j.renumber()
	j.snap = p.machine.Snapshot(0)
	j.ladder.visited = map[string]bool{}
	j.fallback = p.machine.Graph().Config.FallbackTarget
	return j
}

func (j *judge) now() time.Duration { return j.p.world.now }

// fail notes the first broken rule.
func (j *judge) fail(rule, format string, words ...any) {
	if j.err == nil {
		j.err = &Violation{Seed: j.p.seed, Rule: rule, Text: fmt.Sprintf(format, words...)}
		j.p.story.line(j.now(), "#", "%s: %s", rule, j.err.Text)
	}
}

// renumber follows the machine's numbers.
func (j *judge) renumber() {
	byName := map[string]*shadow{}
	for _, s := range j.units {
		byName[s.name] = s
	}
	g := j.p.machine.Graph()
	j.units = nil
	for c, def := range j.p.machine.Components() {
		s := byName[def.Name]
		if s == nil {
			s = &shadow{name: def.Name} // down, as a component is before its first run
		}
		if s.def != nil && !reflect.DeepEqual(s.def.StartConditions, def.StartConditions) {
			s.test.held, s.test.denied = 0, 0
		}
		s.number, s.def = c, def
		s.removed = c >= len(g.Needs)
		if !s.removed {
			s.needs, s.anyOf = namesOf(g, g.Needs[c]), namesOf(g, g.AnyOf[c])
		}
		j.units = append(j.units, s)
	}
}

func namesOf(g *targets.Graph, list []int) []string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = g.Config.Components[c].Name
	}
	return names
}

// saw judges what the machine answered; it is stored by now.
func (j *judge) saw(effects []supervisor.Effect) {
	after := j.p.machine.Snapshot(j.now())
	if r, ok := first(effects).(supervisor.Renumbered); ok {
		j.swapped(r)
	}
	for _, s := range j.units {
		s.willBe = false
	}
	for i := range after.Components {
		j.units[after.Components[i].Component].willBe = after.Components[i].Wanted
	}
	j.pardon(effects)
	j.asked(effects)
	for _, e := range effects {
		j.p.story.effect(j.now(), j.p, e)
		j.effect(e)
	}
	j.taken()
	j.present(&after)
	j.snap = after
	for _, s := range j.units {
		s.wanted = s.willBe
	}
}

// asked notes that a request for a target is taken up at once: served, or joined to a transition. That ends the episode of
// failures; of one in the queue it is known only when it is answered.
func (j *judge) asked(effects []supervisor.Effect) {
	e, ok := j.ev.(supervisor.Activate)
	if !ok || e.Queue && j.snap.State == supervisor.Transition {
		return
	}
	for _, effect := range effects {
		if a, ok := effect.(supervisor.Answer); ok && a.Request == e.Request && a.Result.Kind == supervisor.ResultRefused {
			return
		}
	}
	j.open[e.Request] = false
	j.ladder = climb{visited: map[string]bool{}, to: j.ladder.to, ended: j.ladder.ended, began: j.ladder.began, excused: j.ladder.excused}
}

func first(effects []supervisor.Effect) supervisor.Effect {
	if len(effects) == 0 {
		return nil
	}
	return effects[0]
}

// swapped follows to another configuration; what left it may be visited again by the ladder.
func (j *judge) swapped(r supervisor.Renumbered) {
	j.renumber()
	_, there := j.p.machine.Graph().Config.Target(j.snap.Target)
	j.ladder.gone = !there
	kept := map[string]bool{}
	for _, t := range j.p.machine.Graph().Config.Targets {
		kept[t.Name] = j.ladder.visited[t.Name]
	}
	j.ladder.visited, j.ladder.excused = kept, true
	if name := j.p.machine.Graph().Config.FallbackTarget; name != j.fallback { // it has its own tries
		j.fallback, j.ladder.last, j.ladder.tries = name, false, 0
	}
	j.heartFrom = j.now()
}

// pardon notes that failures may be forgotten: by a request, by a new wanted set, by an activation.
func (j *judge) pardon(effects []supervisor.Effect) {
	all := false
	j.turned = false
	switch j.ev.(type) {
	case supervisor.Activate, supervisor.Start, supervisor.Stop, supervisor.Restart, supervisor.Apply, supervisor.Shutdown,
		supervisor.Adopt, supervisor.Release:
		all = true
	}
	for _, e := range effects {
		if m, ok := e.(supervisor.Moved); ok && (m.Top == supervisor.Transition || m.Top == supervisor.ShuttingDown) {
			all, j.turned = true, true
		}
	}
	for _, s := range j.units {
		if all || s.willBe && !s.wanted {
			s.pardon()
		}
	}
}

// pardon forgets failures. A run that is alive then may have to go for another reason than a failure.
func (s *shadow) pardon() {
	s.sure, s.streak, s.notBefore, s.fell = nil, 0, 0, false
	s.doubtful, s.fellReady, s.vital.missing = s.alive(), false, false
}

func (j *judge) effect(e supervisor.Effect) {
	switch e := e.(type) {
	case supervisor.Changed:
		j.changed(e)
	case supervisor.Launch:
		j.launch(e)
	case supervisor.TakeIn:
		j.takeIn(e)
	case supervisor.LetGo:
		j.letGo(e)
	case supervisor.Signal:
		j.signal(e)
	case supervisor.Kill:
		j.kill(e)
	case supervisor.RunCommand:
		j.command(e)
	case supervisor.Moved:
		j.moved(e)
	case supervisor.Answer:
		j.answer(e)
	case supervisor.Finish:
		j.finish(e)
	case supervisor.LastResort:
		j.lastResort()
	case supervisor.Bug:
		j.fail("bug", "%s", e.Text)
	case supervisor.Await:
		j.await(e)
	case supervisor.CancelAwait:
		j.cancelAwait(e)
	case supervisor.CancelCommand, supervisor.Renumbered:
	}
}

func (j *judge) answer(e supervisor.Answer) {
	queued, waits := j.open[e.Request]
	if !waits {
		j.fail("answers", "#%d is answered and nobody waits", e.Request)
	}
	if queued && e.Result.Kind == supervisor.ResultDone { // perhaps without a word on the way
		j.served()
	}
	delete(j.open, e.Request)
	for _, f := range e.Result.Failed {
		if f.Name == "" || f.Step == "" || f.Reason == "" {
			j.fail("answers", "#%d: a failure without a reason: %+v", e.Request, f)
		}
	}
	if e.Result.Kind == supervisor.ResultRefused && e.Result.Why == "" {
		j.fail("answers", "#%d is refused without a reason", e.Request)
	}
}

// legal are the edges between stored states; a remark stays where it is.
var legal = [...][]supervisor.State{
	supervisor.Down:     {supervisor.Starting, supervisor.Down, supervisor.Failed}, // the last two by a start condition
	supervisor.Starting: {supervisor.Starting, supervisor.Ready, supervisor.Done, supervisor.Stopping, supervisor.Down, supervisor.Failed},
	supervisor.Ready:    {supervisor.Ready, supervisor.Stopping, supervisor.Down, supervisor.Failed},
	supervisor.Stopping: {supervisor.Stopping, supervisor.Down, supervisor.Failed},
	supervisor.Failed:   {supervisor.Down},
	supervisor.Done:     {supervisor.Done, supervisor.Stopping, supervisor.Down},
}
