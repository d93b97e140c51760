package sim

import (
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// of is the shadow of a run, nil where the event speaks of another one.
func (j *judge) of(c int, run uint32) *shadow {
	if c >= 0 && c < len(j.units) && j.units[c].run == run && run != 0 {
		return j.units[c]
	}
	return nil
}

// copies are the shadows as they are, for a step that may not have happened for whoever comes after.
func (j *judge) copies(needed bool) []shadow {
	if !needed {
		return nil
	}
	list := make([]shadow, len(j.units))
	for i, s := range j.units {
		list[i] = *s
	}
	return list
}

// forget goes back to copies.
func (j *judge) forget(list []shadow) {
	for i := range list {
		*j.units[i] = list[i]
	}
}

// hear notes what the world tells, before the machine is asked.
func (j *judge) hear(ev supervisor.Event) {
	j.ev = ev
	for _, s := range j.units {
		s.heardEnd, s.fellNow = false, false
	}
	switch e := ev.(type) {
	case supervisor.Activate:
		j.ask(e.Request)
		j.open[e.Request] = true
	case supervisor.Start:
		j.ask(e.Request)
	case supervisor.Adopt:
		j.ask(e.Request)
	case supervisor.Release:
		j.ask(e.Request)
	case supervisor.Stop:
		j.ask(e.Request)
	case supervisor.Restart:
		j.ask(e.Request)
	case supervisor.Reload:
		j.ask(e.Request)
	case supervisor.Shutdown:
		j.ask(e.Request)
	case supervisor.Apply:
		j.ask(e.Request)
	case supervisor.Tick:
		j.tick()
	case supervisor.Beats:
		j.hearBeats(e)
	case supervisor.Tested:
		j.hearTested(e)
	case supervisor.Launched, supervisor.LaunchFailed, supervisor.BecameReady, supervisor.NeverReady, supervisor.Exited,
		supervisor.Emptied, supervisor.CommandEnded, supervisor.Reported, supervisor.Lost, supervisor.Announced, supervisor.Named:
		j.hearRun(ev)
	}
}

func (j *judge) hearRun(ev supervisor.Event) {
	switch e := ev.(type) {
	case supervisor.Launched:
		if s := j.of(e.Component, e.Run); s != nil {
			j.landed(s)
		}
	case supervisor.BecameReady:
		if s := j.of(e.Component, e.Run); s != nil {
			s.heardReady = true
		}
	case supervisor.Named:
		if s := j.of(e.Component, e.Run); s != nil {
			s.heardNamed = true
			s.heardReady = s.heardReady || s.def.Ready.When == targets.Forked
		}
	case supervisor.Emptied:
		if s := j.of(e.Component, e.Run); s != nil && s.def.PIDFile != "" && s.state == supervisor.Starting {
			s.heardEnd = true // there may be no main process to tell of it
		}
	case supervisor.LaunchFailed:
		j.ends(e.Component, e.Run)
	case supervisor.NeverReady:
		j.ends(e.Component, e.Run)
	case supervisor.Lost:
		j.ends(e.Component, e.Run)
	case supervisor.Exited:
		j.ends(e.Component, e.Run)
		if s := j.of(e.Component, e.Run); s != nil && e.Status == (supervisor.Status{}) {
			s.heardWell = true
		}
		j.bars(e)
	case supervisor.Reported:
		j.extend(e)
	case supervisor.Announced:
		j.announced(e)
	}
}

func (j *judge) ends(c int, run uint32) {
	if s := j.of(c, run); s != nil {
		s.heardEnd = true
	}
}

// landed notes that a program has been executed.
func (j *judge) landed(s *shadow) {
	if s.state == supervisor.Starting && !s.landed {
		s.landed, s.held = true, false
		s.startLimit = j.limit(s.def.StartTimeout)
		s.heardReady = s.heardReady || s.def.Ready.When == targets.Started
	}
}

// maxExtension is how much longer a start or stop may take by its own wish.
const maxExtension = 10 * time.Minute

// extend gives a run more time (sd_notify(3), EXTEND_TIMEOUT_USEC). Who asks for it has been executed.
func (j *judge) extend(e supervisor.Reported) {
	s := j.of(e.Component, e.Run)
	if s == nil || e.Extend <= 0 {
		return
	}
	j.landed(s)
	until := j.now() + time.Duration(e.Extend)
	if s.state == supervisor.Starting && s.startLimit != 0 {
		s.startLimit = max(s.startLimit, min(until, s.launchedAt+s.def.StartTimeout+maxExtension))
	}
	if s.state == supervisor.Stopping && !s.killed && s.killFrom != 0 {
		s.killFrom = max(s.killFrom, min(until, s.stopAt+s.stopTimeout+maxExtension))
	}
}

func (j *judge) limit(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return j.now() + d
}

func (j *judge) ask(id supervisor.Request) {
	if id != 0 {
		j.open[id] = false
	}
}

func (j *judge) tick() {
	if j.ticked != j.now() {
		j.ticked, j.ticks = j.now(), 0
	}
	if j.ticks++; j.ticks > 3 {
		j.fail("deadline", "%d ticks at one instant", j.ticks)
	}
}
