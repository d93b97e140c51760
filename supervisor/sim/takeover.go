package sim

import (
	"slices"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// leave is the manager's death: callers, what was on its way and what it had not cloned yet are lost. Another one comes.
func (p *play) leave(a *action) {
	p.up = false
	p.world.epoch++
	p.judge.forsaken()
	for _, name := range p.names() {
		s := p.world.sets[name]
		s.watched = false
		if s.main == queued {
			s.main = unmade
		}
	}
	safe := a.roll%5 == 4
	p.world.after(a.span/4, func() { p.takeOver(safe) })
}

// names are the components that have ever been launched, sorted.
func (p *play) names() []string {
	var names []string
	for name := range p.world.sets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// takeOver is the new manager: it restores the machine, does again what may be lost, and tells what it finds.
func (p *play) takeOver(safe bool) {
	w := p.world
	w.epoch++
	same := p.machine.Graph().Config == p.config
	table, err := supervisor.OpenTable(p.facts)
	if err != nil {
		p.judge.fail("restore", "%v", err)
		return
	}
	machine, again := supervisor.Restore(targets.NewGraph(p.config), table, w.now)
	p.machine, p.table, p.up = machine, table, true
	p.story.line(w.now, "!", "another manager takes over")
	p.judge.restored(same)
	p.safe = safe
	machine.SetSafe(safe)
	if safe {
		p.story.line(w.now, "!", "in safe mode")
		w.after(time.Minute, func() {
			if p.up {
				p.leave(&action{roll: 3})
			}
		})
	}
	var found []supervisor.Event
	for c := range machine.Components() {
		found = append(found, p.resume(c)...)
	}
	p.judge.repeated(again, same)
	for _, e := range again {
		p.perform(e)
	}
	epoch := w.epoch
	for _, ev := range append(found, supervisor.Tick{}) {
		if epoch == w.epoch {
			p.step(ev)
		}
	}
}

// resume takes up one component: what has become of its run meanwhile.
func (p *play) resume(c int) []supervisor.Event {
	state, run := p.machine.StateOf(c)
	s := p.world.sets[p.component(c)]
	if s != nil {
		s.commands = nil // killed: the machine repeats them
	}
	switch state {
	case supervisor.Starting, supervisor.Ready, supervisor.Stopping, supervisor.Done:
	case supervisor.Down, supervisor.Failed, supervisor.Waiting, supervisor.Backoff:
		return nil
	}
	known := s != nil && s.run == run && s.main != unmade
	switch {
	case p.machine.MainAlive(c) && known:
		return p.caughtUp(c, s, state == supervisor.Starting)
	case p.machine.MainAlive(c):
		return []supervisor.Event{supervisor.Lost{Component: c, Run: run}}
	case known && !s.empty() && p.machine.Unnamed(c):
		s.watched = true
		return append(p.saidAgain(c, s), p.world.found(s, c)...)
	case known && !s.empty():
		s.watched = true
		return nil
	}
	return []supervisor.Event{supervisor.Emptied{Component: c, Run: run}}
}

// caughtUp is what a run with a pid has gone through that the facts may not know. What its readiness channel said
// may have been read by the dead manager; without a limit for the start it would wait for ever, so it is said again.
func (p *play) caughtUp(c int, s *set, starting bool) []supervisor.Event {
	var found []supervisor.Event
	if starting && (s.main == executed || s.main == ended) {
		ev := supervisor.Event(supervisor.Launched{Component: c, Run: s.run})
		if s.failed {
			ev = supervisor.LaunchFailed{Component: c, Run: s.run, Step: "start", Why: "no such file or directory"}
		}
		found = append(found, ev)
	}
	if starting {
		found = append(found, p.saidAgain(c, s)...)
	}
	if starting && s.closed && !s.ready {
		s.heard = true
		found = append(found, supervisor.NeverReady{Component: c, Run: s.run, Why: "closed"})
	}
	if s.fork.on && p.machine.Unnamed(c) {
		if named := p.world.found(s, c); named != nil {
			return append(found, named...)
		}
	}
	if s.main == ended {
		s.watched = !s.empty()
		found = append(found, s.exitOf(c))
	}
	return found
}

// saidAgain is the readiness that a starting run has told of.
func (p *play) saidAgain(c int, s *set) []supervisor.Event {
	unlimited := p.machine.Components()[c].StartTimeout == 0
	if !s.ready || s.heard && !unlimited {
		return nil
	}
	s.heard = true
	return []supervisor.Event{s.readyEvent(c)}
}
