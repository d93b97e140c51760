package sim

import (
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// act does one action of the script.
func (p *play) act(a *action) {
	switch a.verb {
	case die:
		if p.up {
			p.dying = a
		}
	case jump:
		p.world.now += a.span
		p.story.line(p.world.now, "!", "nothing was done for %v", a.span)
		p.judge.heartFrom = p.world.now
	case stale:
		p.old(a)
	case report:
		p.report(a)
	case activate, start, stop, restart, reload, apply, shutdown, adopt, release, hold:
		if p.up {
			p.requests++
			p.step(p.request(a))
		}
	}
}

// request is a caller's event. Who is not in the configuration is asked for by a number that nobody has.
func (p *play) request(a *action) supervisor.Event {
	var list []int
	for _, name := range a.names {
		if c, ok := p.machine.Graph().Config.Component(name); ok {
			list = append(list, c)
		} else {
			list = append(list, 99)
		}
	}
	id := p.requests
	switch a.verb {
	case activate:
		t, ok := p.machine.Graph().Config.Target(a.target)
		if !ok {
			t = 99
		}
		return supervisor.Activate{Request: id, Target: t, Queue: a.queue, StopFirst: a.stopFirst}
	case start:
		return supervisor.Start{Request: id, Components: list}
	case hold:
		return supervisor.Start{Request: id, Components: list, Hold: true}
	case adopt:
		return supervisor.Adopt{Request: id, Component: list[0], PID: 1 + a.roll}
	case release:
		return supervisor.Release{Request: id, Components: list}
	case stop:
		return supervisor.Stop{Request: id, Components: list}
	case restart:
		return supervisor.Restart{Request: id, Components: list}
	case reload:
		return supervisor.Reload{Request: id, Components: list}
	case apply:
		return supervisor.Apply{Request: id, Graph: targets.NewGraph(p.land.config(a.generation)), Back: p.land.back(a.generation)}
	case shutdown:
		return supervisor.Shutdown{Request: id, End: a.end}
	case die, jump, stale, report:
	}
	return supervisor.Tick{}
}

// old gives the machine an event that must change nothing: of another run, or one that it knows already.
func (p *play) old(a *action) {
	c := p.number(a.names[0])
	due, limited := p.deadline()
	if !p.up || c == supervisor.None || limited && due <= p.world.now {
		return
	}
	state, run := p.machine.StateOf(c)
	if run == 0 {
		return
	}
	other := run - 1
	if a.roll%4 == 0 {
		other = run + 1
	}
	events := []supervisor.Event{
		supervisor.Exited{Component: c, Run: other, Empty: true},
		supervisor.BecameReady{Component: c, Run: other},
		supervisor.Launched{Component: c, Run: other},
		supervisor.LaunchFailed{Component: c, Run: other},
		supervisor.Emptied{Component: c, Run: other},
		supervisor.NeverReady{Component: c, Run: other},
		supervisor.Lost{Component: c, Run: other},
		supervisor.CommandEnded{Component: c, Run: other, Command: supervisor.StopCommand},
		supervisor.Tested{Component: c, Holds: a.roll&8 != 0}, // of no test
	}
	if state != supervisor.Starting {
		events = append(events, supervisor.BecameReady{Component: c, Run: run}, supervisor.Launched{Component: c, Run: run},
			supervisor.NeverReady{Component: c, Run: run})
	}
	p.judge.inert(events[a.roll/4%len(events)])
}

// report is a component that asks for more time, or tells how it is.
func (p *play) report(a *action) {
	c := p.number(a.names[0])
	if !p.up || c == supervisor.None {
		return
	}
	_, run := p.machine.StateOf(c)
	if s := p.set(c, run); run == 0 || s != nil && s.main == cloned { // who has not executed says nothing
		return
	}
	r := supervisor.Reported{Component: c, Run: run, Text: "well", Degraded: a.roll&1 != 0, Healthy: a.roll&2 != 0}
	if a.roll&4 != 0 {
		r.Extend = int64(a.span)
	}
	p.step(r)
	p.announce(a, c, run)
}
