package supervisor

import "github.com/orderly-init/orderly/targets"

// Wave is what a switch does at one time: everything in it runs in parallel, and the next wave needs some of it.
type Wave struct{ Stop, Start []string }

// Plan tells what the activation of a target would stop and start, when everything goes well and takes no time. It
// is the machine itself in a dry world, so it is what then happens. The zero Snapshot is a machine at rest.
func Plan(g *targets.Graph, from Snapshot, target int, stopFirst bool) []Wave {
	d := dryWorld{m: New(g)}
	d.m.permitAll()
	d.load(from)
	var waves []Wave
	events := []Event{Activate{Target: target, StopFirst: stopFirst}}
	for range 2*len(d.m.units) + 4 {
		if len(events) == 0 {
			break
		}
		var wave Wave
		events = append(d.round(events, &wave), d.pending...)
		d.pending = nil
		if len(wave.Stop)+len(wave.Start) > 0 {
			waves = append(waves, wave)
		}
	}
	return waves
}

// dryWorld answers every effect with instant success.
type dryWorld struct {
	m       *Machine
	pending []Event // of what was going on when the snapshot was taken
}

// round steps through the events of one moment and returns those that answer the effects.
func (d *dryWorld) round(events []Event, wave *Wave) []Event {
	var next []Event
	for _, ev := range events {
		for _, effect := range d.m.Step(0, ev) {
			d.note(effect, wave)
			next = append(next, d.react(effect)...)
		}
	}
	return next
}

func (d *dryWorld) note(e Effect, wave *Wave) {
	c, ok := e.(Changed)
	if !ok {
		return
	}
	switch {
	case c.To == Starting:
		wave.Start = append(wave.Start, d.m.name(c.Component))
	case c.To == Stopping && c.From != Stopping, c.To == Down && (c.From == Done || c.From == Ready):
		wave.Stop = append(wave.Stop, d.m.name(c.Component))
	}
}

func (d *dryWorld) react(e Effect) []Event {
	switch e := e.(type) {
	case Launch:
		return d.started(e.Component, e.Run)
	case RunCommand:
		return append(d.exited(e.Component, e.Run), CommandEnded{Component: e.Component, Run: e.Run, Command: e.Command})
	case Signal:
		return d.exited(e.Component, e.Run)
	case Kill:
		return d.exited(e.Component, e.Run)
	case CancelCommand, Await, CancelAwait, Changed, Moved, Answer, Renumbered, Finish, LastResort, Bug:
	}
	return nil
}

func (d *dryWorld) started(c int, run uint32) []Event {
	if def := d.m.units[c].def; def.Kind == targets.Oneshot {
		code := 0
		if len(def.SuccessExitCodes) > 0 {
			code = def.SuccessExitCodes[0]
		}
		return []Event{Launched{c, run}, Exited{Component: c, Run: run, Status: Status{Code: code}, Empty: true}}
	}
	return []Event{Launched{c, run}, BecameReady{c, run}}
}

// exited ends the processes of a run, if there are any.
func (d *dryWorld) exited(c int, run uint32) []Event {
	if d.m.units[c].main {
		return []Event{Exited{Component: c, Run: run, Empty: true}}
	}
	return []Event{Emptied{c, run}}
}

// load puts the machine into the state of a snapshot. What is starting will be ready, what is stopping will be down.
func (d *dryWorld) load(from Snapshot) {
	m := d.m
	m.target = m.targetNumber(from.Target)
	for i := range from.Components {
		s := &from.Components[i]
		c, ok := m.graph.Config.Component(s.Name)
		if !ok || s.Removed {
			continue
		}
		u := &m.units[c]
		u.run, u.started, u.stopped, u.state = max(s.Run, 1), s.Started, s.Stopped, s.State
		u.main = s.State == Starting || s.State == Stopping || s.State == Ready && u.def.Kind == targets.Daemon
		u.group = u.main
		switch s.State {
		case Ready:
			if u.def.Kind == targets.Oneshot {
				u.state = Done
			}
		case Starting:
			d.pending = append(d.pending, d.started(c, u.run)...)
		case Stopping:
			d.pending = append(d.pending, d.exited(c, u.run)...)
		case Waiting, Backoff:
			u.state = Down
		case Down, Failed, Done:
		}
		m.touch(c)
	}
	m.want()
	m.settleViews()
}
