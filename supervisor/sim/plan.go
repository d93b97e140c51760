package sim

import (
	"time"

	"github.com/orderly-init/orderly/supervisor"
)

// never is the time of what does not happen.
const never = time.Duration(-1)

// plan is what one run is going to do, unless somebody ends it. Times that are never do not come.
type plan struct {
	queued   time.Duration // before the clone
	exec     time.Duration // from the clone to exec, or to its failure
	noExec   bool
	ready    time.Duration // from exec
	closed   time.Duration // from exec to the closing of the readiness channel
	exit     time.Duration // from exec
	status   supervisor.Status
	kids     int
	kidsLive time.Duration // from the end of the main process
	term     time.Duration // from the stop signal to the end of the main process
	kidsTerm time.Duration
	kill     time.Duration // from SIGKILL to the end of all
}

// temper is how a component does in general.
type temper uint8

const (
	sound temper = iota
	flaky
	broken
)

func temperOf(seed uint64, name string) temper {
	return one(throw(seed, "temper", name), sound, sound, sound, flaky, flaky, broken)
}

// planOf says what a run of a component does. oneshot ones end by themselves. A mild world has only good runs.
func planOf(seed uint64, name string, run uint32, oneshot, mild bool) plan {
	d := throw(seed, "run", name, int(run))
	p := plan{exec: d.span(0, 40*time.Millisecond), ready: d.span(0, 300*time.Millisecond), closed: never, exit: never,
		term: d.span(0, 200*time.Millisecond), kidsTerm: d.span(0, 200*time.Millisecond), kill: d.span(0, 20*time.Millisecond)}
	if oneshot {
		p.exit, p.ready = p.ready, never
	}
	p.stubborn(d)
	t := temperOf(seed, name)
	if mild || t == sound || t == flaky && d.chance(50) {
		return p
	}
	if t == flaky {
		p.misbehave(d, one(d, 0, 1, 2, 3, 4, 5, 6))
	} else {
		p.misbehave(d, one(throw(seed, "broken", name), 0, 1, 2, 3, 4))
	}
	return p
}

// stubborn makes the end of some runs long.
func (p *plan) stubborn(d dice) {
	if d.chance(8) {
		p.queued = d.span(0, 60*time.Millisecond)
	}
	if d.chance(20) {
		p.kids = 1 + d.below(2)
		p.kidsLive = one(d, never, d.span(0, 3*time.Second))
	}
	if d.chance(15) {
		p.term = one(d, never, d.span(0, 8*time.Second))
	}
	if d.chance(25) {
		p.kidsTerm = one(d, never, d.span(0, 8*time.Second))
	}
	if d.chance(8) {
		p.kill = d.span(0, 15*time.Second)
	}
}

// misbehave is one of the ways not to do one's job; up to 4 a run that is not ready in time or at all.
func (p *plan) misbehave(d dice, how int) {
	failed := supervisor.Status{Code: 1 + d.below(3)}
	if d.chance(40) {
		failed = supervisor.Status{Signal: one(d, 6, 9, 11), Core: d.chance(20)}
	}
	switch how {
	case 0:
		p.noExec = true
	case 1:
		p.exit, p.status, p.ready = d.span(0, 2*time.Second), failed, never
	case 2:
		p.ready, p.exit = never, never
	case 3:
		p.ready, p.exit, p.closed = never, never, d.span(0, time.Second)
	case 4:
		p.ready, p.exit, p.status = d.span(0, 8*time.Second), d.span(0, 6*time.Second), failed
	case 5: // ready, and then not for long
		p.exit = max(p.ready, 0) + d.span(0, 20*time.Second)
		p.status = one(d, failed, supervisor.Status{})
	case 6:
		p.exit = max(p.ready, 0) + d.span(0, 90*time.Second)
		p.status = failed
	}
}

// commandPlan is what a stop or reload command does.
type commandPlan struct {
	fails  bool // cannot be started
	ends   time.Duration
	status supervisor.Status
	stops  bool // makes the main process end
}

func commandPlanOf(seed uint64, name string, run uint32, command supervisor.Command) commandPlan {
	d := throw(seed, "command", name, int(run), int(command))
	p := commandPlan{fails: d.chance(8), ends: d.span(0, time.Second), stops: d.chance(75)}
	if d.chance(12) {
		p.ends = never
	}
	if d.chance(15) {
		p.status = one(d, supervisor.Status{Code: 1}, supervisor.Status{Signal: 11})
	}
	return p
}
