package sim

import (
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// play is one seed's run in progress: the manager between machine and world.
type play struct {
	seed   uint64
	land   *land
	script []action
	world  *world
	story  *story
	judge  *judge
	fault  fault

	config  *targets.Config // the running one, which outlives a manager
	facts   []byte          // the mapping that outlives a manager
	machine *supervisor.Machine
	table   *supervisor.Table
	up      bool    // a manager lives
	safe    bool    // it came back in safe mode
	dying   *action // it dies in its next step

	requests supervisor.Request
	steps    int
	finished bool
	calm     time.Duration // when the script has ended
}

// fault is a hand-made fault: what tests put between machine and world to show that the judge sees it.
type fault struct {
	step     func(m *supervisor.Machine, now time.Duration, ev supervisor.Event) []supervisor.Effect
	deadline func(m *supervisor.Machine) (time.Duration, bool)
	store    func(m *supervisor.Machine, t *supervisor.Table) error
	ill      func(m *supervisor.Machine) string
}

// Bounds of one run.
const (
	tableRecords = 64
	calmFor      = 3 * time.Minute // until every new run does well
	calmLimit    = 3 * time.Hour   // when nothing may be due any more
	mildSteps    = 1500            // or after so many
	maxSteps     = 20000
)

func newPlay(seed uint64, o options) *play {
	l := newLand(seed, o.without)
	l.fixed = o.config
	p := &play{seed: seed, land: l, story: &story{}, fault: o.fault, facts: make([]byte, supervisor.TableSize(tableRecords))}
	p.world = &world{seed: seed, sets: map[string]*set{}, asked: map[string]uint32{}, epoch: 1, notice: p.hear}
	p.config = l.config(0)
	p.machine = supervisor.New(targets.NewGraph(p.config))
	p.table, _ = supervisor.OpenTable(p.facts)
	p.up = true
	script := o.script
	if script == nil {
		script = l.script()
	}
	for i := range script {
		if !o.skip[i] {
			p.script = append(p.script, script[i])
		}
	}
	if len(script) > 0 {
		p.calm = script[len(script)-1].at
	}
	p.judge = newJudge(p)
	return p
}

// component and target name numbers for the story.
func (p *play) component(c int) string {
	if defs := p.machine.Components(); c >= 0 && c < len(defs) {
		return defs[c].Name
	}
	return "?"
}

func (p *play) target(t int) string {
	if list := p.machine.Graph().Config.Targets; t >= 0 && t < len(list) {
		return list[t].Name
	}
	return "?"
}

// number is the present number of a component, or None.
func (p *play) number(name string) int {
	for c, def := range p.machine.Components() {
		if def.Name == name {
			return c
		}
	}
	return supervisor.None
}

// run goes on until nothing is due any more, the end is reached, or a rule is broken.
func (p *play) run() {
	for p.judge.err == nil && !p.finished {
		if p.steps > maxSteps || p.world.now > p.calm+calmLimit {
			p.judge.fail("calm", "no rest after %d steps and %v", p.steps, p.world.now)
			return
		}
		if !p.advance() {
			p.judge.atRest()
			return
		}
	}
}

// sources of what comes next, in the order in which they go at one time.
const (
	nobody = iota
	theWorld
	theScript
	theDeadline
	theBeats
)

// advance lets the next thing happen, and says whether there was one.
func (p *play) advance() bool {
	w, from, at := p.world, nobody, time.Duration(0)
	consider := func(source int, t time.Duration) {
		if from == nobody || t < at {
			from, at = source, t
		}
	}
	if len(w.due) > 0 {
		consider(theWorld, w.due[len(w.due)-1].at)
	}
	if len(p.script) > 0 {
		consider(theScript, p.script[0].at)
	}
	if due, ok := p.deadline(); ok {
		consider(theDeadline, due)
	}
	if due, ok := p.beatDeadline(); ok {
		consider(theBeats, due)
	}
	if from == nobody {
		return false
	}
	w.now = max(w.now, at)
	w.mild = w.mild || p.steps > mildSteps || len(p.script) == 0 && w.now > p.calm+calmFor
	switch from {
	case theWorld:
		w.next().do()
	case theScript:
		a := p.script[0]
		p.script = p.script[1:]
		p.act(&a)
	case theDeadline:
		p.step(supervisor.Tick{})
	case theBeats:
		p.look()
	}
	return true
}

func (p *play) deadline() (time.Duration, bool) {
	if !p.up {
		return 0, false
	}
	if p.fault.deadline != nil {
		return p.fault.deadline(p.machine)
	}
	return p.machine.Deadline()
}

// hear is the manager's ear: a notice becomes an event, unless its component has gone.
func (p *play) hear(n notice) {
	if c := p.number(n.set.name); p.up && c != supervisor.None && !n.set.gone {
		if ev := n.event(c); ev != nil {
			p.step(ev)
		}
	}
}

// step does what a manager does with an event: step, store, carry out. A manager that is to die does so before it
// stores, or before one of the effects, or after all.
func (p *play) step(ev supervisor.Event) {
	if !p.up || p.judge.err != nil || p.finished {
		return
	}
	p.steps++
	p.story.event(p.world.now, p, ev)
	dying := p.dying
	p.dying = nil
	before := p.judge.copies(dying != nil)
	p.judge.hear(ev)
	effects := p.ask(ev)
	last := len(effects)
	if dying != nil {
		last = dying.roll%(len(effects)+2) - 1
		if last < 0 {
			p.story.line(p.world.now, "!", "the manager dies before it stores")
			p.judge.forget(before)
			p.leave(dying)
			return
		}
	}
	if err := p.keep(); err != nil {
		p.judge.fail("facts first", "store: %v", err)
		return
	}
	p.judge.saw(effects)
	for _, e := range effects[:last] {
		p.perform(e)
	}
	if dying != nil {
		p.story.line(p.world.now, "!", "the manager dies after %d of %d effects", last, len(effects))
		p.leave(dying)
	}
}

func (p *play) ask(ev supervisor.Event) []supervisor.Effect {
	if p.fault.step != nil {
		return p.fault.step(p.machine, p.world.now, ev)
	}
	return p.machine.Step(p.world.now, ev)
}

func (p *play) keep() error {
	if p.fault.store != nil {
		return p.fault.store(p.machine, p.table)
	}
	return p.machine.Store(p.table)
}

// perform carries out one effect.
func (p *play) perform(e supervisor.Effect) {
	if p.judge.err != nil {
		return
	}
	switch e := e.(type) {
	case supervisor.Launch:
		p.launch(e)
	case supervisor.TakeIn:
		p.world.takeIn(p.machine.Components()[e.Component], e.Run)
	case supervisor.LetGo:
		if s := p.set(e.Component, e.Run); s != nil {
			p.world.letGo(s)
		}
	case supervisor.RunCommand:
		if s := p.set(e.Component, e.Run); s != nil {
			p.world.runCommand(s, e.Command)
		}
	case supervisor.CancelCommand:
		if s := p.set(e.Component, e.Run); s != nil {
			p.world.cancel(s, e.Command)
		}
	case supervisor.Signal:
		if s := p.set(e.Component, e.Run); s != nil && e.Signal == goOn {
			p.world.goOn(s)
			return
		}
		if s := p.set(e.Component, e.Run); s != nil && (e.Signal == 15 || e.Signal == abort) {
			p.world.signal(s, e.Group)
		}
	case supervisor.Await:
		p.await(e)
	case supervisor.CancelAwait:
		delete(p.world.asked, p.component(e.Component))
	case supervisor.Kill:
		if s := p.set(e.Component, e.Run); s != nil {
			p.world.kill(s)
		}
	case supervisor.Renumbered:
		p.config = p.machine.Graph().Config
		for name, s := range p.world.sets {
			if p.number(name) == supervisor.None {
				s.gone = true
				delete(p.world.sets, name)
			}
		}
	case supervisor.Finish:
		p.finished = true
		p.judge.atEnd()
	case supervisor.LastResort:
		if throw(p.seed, "last resort").chance(50) {
			p.world.after(time.Millisecond, func() { p.step(supervisor.Shutdown{End: supervisor.Reboot, Why: "last resort"}) })
		}
	case supervisor.Changed:
		p.beginBeat(e)
	case supervisor.Moved, supervisor.Answer, supervisor.Bug:
	}
}

// set is what a run has, when it is the newest one of its component.
func (p *play) set(c int, run uint32) *set {
	if s := p.world.sets[p.component(c)]; s != nil && s.run == run {
		return s
	}
	return nil
}

func (p *play) launch(e supervisor.Launch) {
	def := p.machine.Components()[e.Component]
	i, ok := p.table.Find(supervisor.ComponentRecord, def.Name)
	if !ok {
		p.judge.fail("facts first", "%s is launched without a record", def.Name)
		return
	}
	if r, ok := p.table.Read(i); !ok || r.Run != e.Run {
		p.judge.fail("facts first", "%s is launched as run %d, its record says %d", def.Name, e.Run, r.Run)
		return
	}
	if old := p.world.sets[def.Name]; old.alive() {
		p.judge.fail("one set", "%s is launched as run %d while run %d lives", def.Name, e.Run, old.run)
		return
	}
	p.world.launch(def, e.Run, e.Hold)
}
