package sim

import (
	"strings"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// abort is the abort signal of every component.
const abort = 6

// heartbeat lets some components of some lands beat.
func (l *land) heartbeat(c *targets.Component, version int) {
	d := throw(l.seed, "heartbeat", c.Name, version)
	if !throw(l.seed, "beating land").chance(30) || c.Kind == targets.Oneshot || !d.chance(50) {
		return
	}
	c.AbortSignal = abort
	c.Heartbeat = targets.Heartbeat{Via: targets.ViaFD, Window: one(d, 500*time.Millisecond, time.Second, 3*time.Second),
		Min: 1 + d.below(3), Tolerance: d.below(3)}
	c.Heartbeat.Max = one(d, 0, 6*c.Heartbeat.Min)
	if c.Ready.When == targets.Notified && d.chance(40) {
		c.Ready.When = targets.Beating
	}
}

// pulse is how one run beats: at even times, until it stalls; some beat far too often at one time.
type pulse struct {
	every  time.Duration // 0 is not at all
	from   time.Duration
	stall  time.Duration // never, or when
	burst  time.Duration // never, or when
	looked time.Duration // beats up to then have been read
}

const burstSize = 10000

func pulseOf(seed uint64, def *targets.Component, run uint32, mild bool) pulse {
	h, d := &def.Heartbeat, throw(seed, "pulse", def.Name, int(run))
	p := pulse{stall: never, burst: never}
	if h.Via == targets.ViaNothing {
		return p
	}
	p.every = h.Window / time.Duration(3*h.Min)
	if d.chance(25) && !mild {
		p.stall = d.span(0, 30*time.Second)
	}
	if d.chance(15) && !mild {
		p.burst = d.span(0, 30*time.Second)
	}
	return p
}

// begin makes times since exec times since boot.
func (p *pulse) begin(now time.Duration) {
	p.from = now
	for _, t := range []*time.Duration{&p.stall, &p.burst} {
		if *t != never {
			*t += now
		}
	}
}

// end is that of the process.
func (p *pulse) end(now time.Duration) {
	if p.stall == never || p.stall > now {
		p.stall = now
	}
}

// read takes the beats since the last look.
func (p *pulse) read(now time.Duration) int {
	last := now
	if p.stall != never {
		last = min(last, p.stall)
	}
	n := 0
	if p.every > 0 {
		upTo := func(t time.Duration) int { return int(max(t-p.from, 0) / p.every) }
		n = max(upTo(last)-upTo(p.looked), 0)
	}
	if p.burst != never && p.burst > p.looked && p.burst <= last {
		n += burstSize
	}
	p.looked = now
	return n
}

// unwell says whether there is, or has been, a reason for a failure.
func (p *pulse) unwell(now time.Duration) bool {
	return p.stall != never && p.stall <= now || p.burst != never && p.burst <= now
}

// beatDeadline is when the manager next looks at heartbeats. In the end it is left out: else nothing would ever be at rest.
func (p *play) beatDeadline() (time.Duration, bool) {
	if !p.up || len(p.script) == 0 && p.world.now > p.calm+calmFor+time.Minute {
		return 0, false
	}
	return p.machine.BeatDeadline()
}

// look is the manager's look at everybody whose window has ended.
func (p *play) look() {
	var ev supervisor.Beats
	for _, c := range p.machine.BeatsDue(p.world.now, nil) {
		_, run := p.machine.StateOf(c)
		b := supervisor.Beat{Component: c, Run: run}
		if s := p.set(c, run); s != nil {
			b.Count = s.pulse.read(p.world.now)
		}
		ev.List = append(ev.List, b)
	}
	p.steps-- // as many as there are windows: no sign of unrest
	p.step(ev)
}

// beginBeat throws away what was said before a run was ready.
func (p *play) beginBeat(e supervisor.Changed) {
	if s := p.set(e.Component, e.Run); s != nil && e.To == supervisor.Ready && e.From == supervisor.Starting {
		s.pulse.read(p.world.now)
	}
}

// hearBeats notes who may be found to have lost its heartbeat.
func (j *judge) hearBeats(e supervisor.Beats) {
	for _, b := range e.List {
		if s := j.of(b.Component, b.Run); s != nil && j.unwell(s) {
			s.heardEnd = true
		}
	}
}

func (j *judge) unwell(s *shadow) bool {
	set := j.p.world.sets[s.name]
	return set != nil && set.run == s.run && set.pulse.unwell(j.now())
}

// lostBeat: only who was silent or too fast has failed by its heartbeat.
func (j *judge) lostBeat(s *shadow, e *supervisor.Changed) {
	if e.From != supervisor.Ready || !strings.HasPrefix(e.Reason, "heartbeat: ") {
		return
	}
	s.aborted = e.To != supervisor.Ready
	if s.aborted && !j.unwell(s) {
		j.fail("heartbeat", "%s: %s, and it beats in time", s.name, e.Reason)
	}
}

// beating: who has stalled is found within one window more than are borne, or the one before; a manager's death and
// another configuration give two more.
func (j *judge) beating(after *supervisor.Snapshot) {
	if _, listening := j.p.beatDeadline(); !listening || j.p.safe {
		return
	}
	for i := range after.Components {
		c := &after.Components[i]
		s := j.units[c.Component]
		set, h := j.p.world.sets[c.Name], &s.def.Heartbeat
		if s.state != supervisor.Ready || h.Via == targets.ViaNothing || set == nil || set.run != s.run || len(c.WaitsFor) > 0 {
			continue
		}
		stall := set.pulse.stall
		if stall == never || !set.mainAlive() {
			continue
		}
		limit := time.Duration(h.Tolerance+2) * h.Window
		from := max(stall, s.readyAt)
		if j.heartFrom > s.readyAt {
			from, limit = max(from, j.heartFrom), limit+2*h.Window
		}
		if j.now() > from+limit+h.Window {
			j.fail("heartbeat", "%s is silent since %v, and is ready at %v", s.name, stall, j.now())
		}
	}
}
