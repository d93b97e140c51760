package sim

import (
	"time"

	"github.com/orderly-init/orderly/supervisor"
)

// action is one thing that a seed does to the machine from outside, or to the manager.
type action struct {
	at         time.Duration
	verb       verb
	names      []string
	target     string
	generation int
	queue      bool
	stopFirst  bool
	end        supervisor.End
	span       time.Duration // of a jump, an absence, an extension
	roll       int           // chance for what depends on the moment
}

type verb uint8

const (
	activate verb = iota
	start
	stop
	restart
	reload
	apply
	shutdown
	die   // the manager, in the middle of its next step
	jump  // nothing is done for a while, then everything at once
	stale // an event of another run, or one told twice
	report
	adopt
	release
	hold // a start that is held before its exec
)

// verbs are drawn from this list.
var verbs = [...]verb{activate, activate, activate, activate, start, start, stop, stop, restart, reload, apply, apply,
	die, die, die, jump, stale, stale, stale, report}

// byHand says whether a seed adopts, releases and holds. Those of TestKnown do not.
func (l *land) byHand() bool { return l.seed%7 == 2 || l.seed%7 == 3 }

func (l *land) verb(d dice) verb {
	v := verbs[d.below(len(verbs))]
	if l.byHand() && d.chance(25) {
		v = one(d, adopt, release, release, hold, hold)
	}
	return v
}

// script is what a seed does, in order of time.
func (l *land) script() []action {
	d := throw(l.seed, "script")
	list := []action{{verb: activate, target: one(d, l.targets...)}}
	at, generation := time.Duration(0), 0
	for range 2 + d.below(16) {
		at += one(d, 0, d.span(0, 50*time.Millisecond), d.span(0, time.Second), d.span(0, 20*time.Second))
		a := action{at: at, verb: l.verb(d), target: one(d, l.targets...), queue: d.chance(20),
			stopFirst: d.chance(20), span: d.span(time.Millisecond, 8*time.Second), roll: d.below(1 << 20)}
		a.names = append(a.names, one(d, l.names...))
		if d.chance(25) {
			a.names = append(a.names, one(d, l.names...))
		}
		if d.chance(3) {
			a.target = "nowhere"
		}
		if a.verb == apply {
			generation++
			a.generation = generation
		}
		list = append(list, a)
	}
	if d.chance(35) {
		for range 1 + d.below(2) {
			at += d.span(0, 10*time.Second)
			list = append(list, action{at: at, verb: shutdown, end: one(d, supervisor.Poweroff, supervisor.Poweroff, supervisor.Reboot)})
		}
		list = append(list, action{at: at + d.span(0, 3*time.Second), verb: one(d, die, activate, start, jump),
			target: l.targets[0], names: l.names[:1], span: d.span(0, time.Second), roll: d.below(1 << 20)})
	}
	return list
}
