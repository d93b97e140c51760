package sim

import (
	"strings"
	"time"

	"github.com/orderly-init/orderly/supervisor"
)

// climb is what the judge knows of an episode of failures (R12).
type climb struct {
	visited map[string]bool
	again   bool
	tries   int // of the fallback
	last    bool
	led     bool          // to the active target, which is
	to      string        // the one of the last transition
	gone    bool          // that is not in the configuration that has just come
	ended   time.Duration // of the last transition
	began   bool          // there was one
	excused bool          // the configuration has changed since a transition began: what has failed by another one stays
}

// moved follows the top state, and the ladder's steps.
func (j *judge) moved(e supervisor.Moved) {
	was := j.top
	j.top = e.Top
	if was == supervisor.Transition && e.Top != supervisor.Transition {
		j.ladder.ended, j.ladder.began = j.now(), true
		j.servesQueue()
	}
	switch {
	case e.Top == supervisor.ShuttingDown:
		if !j.ending {
			j.ending, j.killAllAt = true, j.now()+j.p.machine.Graph().Config.ShutdownTimeout
		}
		return
	case e.Top != supervisor.Transition:
		return
	}
	j.ladder.excused = false
	for _, s := range j.units {
		s.pardon()
	}
	switch {
	case strings.HasPrefix(e.Reason, "recovery"):
		j.climbs(j.p.target(e.Target))
	case strings.HasPrefix(e.Reason, "back "):
		j.returns(j.p.target(e.Target))
	case strings.HasPrefix(e.Reason, "requested"):
		j.served()
	}
	j.ladder.to = j.p.target(e.Target)
	if j.ending {
		j.fail("shutdown", "a transition begins")
	}
}

// servesQueue is the end of a transition after a manager's death: the next one in the queue, whose caller is gone, may have
// been served without a word.
func (j *judge) servesQueue() {
	if j.lost {
		j.served()
		j.ladder.excused = true
	}
}

// served is a caller's request for a target that was served: the episode ends, failures are forgotten.
func (j *judge) served() {
	j.ladder = climb{visited: map[string]bool{}, to: j.ladder.to, ended: j.ladder.ended, began: j.ladder.began}
	for _, s := range j.units {
		s.pardon()
	}
}

// climbs judges one step of the ladder: no target twice in an episode, but the active one once, and the fallback a few times.
func (j *judge) climbs(to string) {
	l, fallback := &j.ladder, j.p.machine.Graph().Config.FallbackTarget
	from := j.snap.Target
	if l.began && j.now()-l.ended >= time.Minute {
		*l = climb{visited: map[string]bool{}, led: l.led, to: l.to, ended: l.ended, began: true}
	}
	l.led = l.led || to != l.to
	l.visited[from] = true
	switch {
	case j.p.safe:
		j.fail("ladder", "recovery enters %s in safe mode", to)
	case to == fallback && from == fallback && l.last:
		j.fail("ladder", "the fallback %s is tried after the last resort", to)
	case to == fallback && l.tries >= 6:
		j.fail("ladder", "the fallback %s is tried %d times", to, l.tries+1)
	case to == fallback:
		l.tries++
	case l.visited[to] && (to != from || l.again):
		j.fail("ladder", "recovery enters %s again, from %s", to, from)
	case to == from:
		l.again = true
	}
	l.visited[to] = true
}

// returns judges the way back with a configuration: only from where the ladder led, or from what is not in it.
// After a death of the manager it is not known which request was served last.
func (j *judge) returns(to string) {
	if e, ok := j.ev.(supervisor.Apply); !ok || e.Back != to || !j.ladder.led && !j.ladder.gone && !j.lost {
		j.fail("ladder", "it goes back to %s from %s", to, j.snap.Target)
	}
	j.served()
}

func (j *judge) lastResort() {
	if fallback := j.p.machine.Graph().Config.FallbackTarget; j.ladder.last || j.snap.Target != fallback && !j.ladder.visited[fallback] && !j.lost {
		j.fail("ladder", "last resort in %s, had there been one: %v", j.snap.Target, j.ladder.last)
	}
	j.ladder.last = true
}
