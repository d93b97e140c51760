package conformance

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/control"
)

// point is one way to die.
type point struct {
	deed string
	n    int  // before this call of the manager
	exit bool // or behind it
	then int  // and the next manager before this one of its own; 0: that lives
}

func (p *point) args() []string {
	if p == nil {
		return nil
	}
	args := []string{"-deed", p.deed, "-n", strconv.Itoa(p.n), "-then", strconv.Itoa(p.then)}
	if p.exit {
		args = append(args, "-exit")
	}
	return args
}

// ownCalls is about how many calls a manager makes until it is in control.
const ownCalls = 250

// points are those of a passage of so many calls: most are sudden deaths, some are panics, and in some the manager hangs.
func (p *passage) points(calls int) []point {
	count := p.count()
	if *every { // another seed has the other side of each
		count = calls
	}
	list := make([]point, count)
	for i := range list {
		list[i] = point{deed: "kill", n: (i*calls/count+*seed)%calls + 1, exit: i%2 == 1}
		if p.twice {
			list[i].then = (i*ownCalls/count+*seed*5)%ownCalls + 1
		}
		switch i % 8 {
		case 1, 6:
			list[i].deed = "crash"
		case 3:
			list[i].deed = "freeze"
		}
	}
	return list
}

// count is how many points are tried of a passage.
func (p *passage) count() int {
	switch {
	case p.few:
		return 4
	case *long:
		return 16
	}
	return 8
}

// worlds is how many supervisors share the points of a passage.
func (p *passage) worlds() int {
	if *every {
		return 16
	}
	return (p.count() + p.most() - 1) / p.most()
}

// most is how many of them one supervisor can bear: five deaths of managers within a minute mean safe mode.
func (p *passage) most() int {
	switch {
	case p.fails:
		return 1
	case p.twice:
		return 2
	}
	return 4
}

// TestManagerDiesAtAnyCall ends the manager at system calls of every kind of transition: each comes to the same end as without.
func TestManagerDiesAtAnyCall(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: the manager is traced, and containers")
	}
	for _, p := range passages() {
		pipes := 0
		if p.config == "" {
			p.config, pipes = gallery, 1
		}
		for from := range p.worlds() {
			t.Run(fmt.Sprintf("%s/%d", p.name, from), func(t *testing.T) {
				t.Parallel()
				s := &scenario{story: p.name, config: galleryText(p.config), mortal: true, loaded: true, pipes: pipes, wrap: p.wrap}
				s.play = func(w *world) { w.dies(&p, from) }
				perform(t, s, []place{foreground, first}[from%2])
			})
		}
	}
}

// dies plays a passage undisturbed, and then with as many deaths as this supervisor bears.
func (w *world) dies(p *passage, from int) {
	w.furnish()
	w.equip()
	w.pids, w.runs = map[string]int{}, map[string]uint32{}
	before, calls, _ := w.through(p, nil)
	outcome := func(before control.Status) outcome {
		o := w.outcome(before)
		if p.hasty {
			o.Starts, o.Restarts, o.Lines = nil, nil, nil
		}
		delete(o.Marks, p.unsure)
		return o
	}
	want := outcome(before)
	points := p.points(calls)
	defer w.types("apply") // leaves no note of what was not confirmed
	deaths := 0
	for i := from; i < len(points); i += p.worlds() {
		if deaths++; deaths > p.most() { // with -every: until the first of them are forgotten
			time.Sleep(time.Minute)
			deaths = 1
		}
		before, _, story := w.through(p, &points[i])
		w.Logf("%s: %s", p.name, story)
		got := want
		if !launch.Soon(func() bool { got = outcome(before); got.bear(want); return cmp.Equal(want, got) }) {
			w.Errorf("%s: %s (%+v):\n%s", p.name, story, points[i], cmp.Diff(want, got))
		}
	}
}

// aWhile is how long the calls of a passage are counted behind its answer: who asks whether all is calm makes many that are no part of it.
const aWhile = 200 * time.Millisecond

// through plays a passage once, with a tracer. What must not notice does not.
func (w *world) through(p *passage, at *point) (before control.Status, calls int, story string) {
	w.Helper()
	p.before(w)
	w.calm()
	w.empty()
	before = w.status()
	kept := w.rests()
	for _, c := range before.Components {
		w.pids[c.Name], w.runs[c.Name] = c.PID, c.Run
	}
	w.began = w.lastEvent()
	k := w.trace(at.args()...)
	done := p.do(w)
	if at == nil {
		time.Sleep(aWhile)
	} else {
		w.calm()
	}
	if calls, story = k.end(); at != nil && !done && !p.begun(w) {
		w.calm()
		p.do(w)
	}
	w.calm()
	if p.after != nil {
		p.after(w)
	}
	for _, name := range strings.Fields(p.keeps) {
		diff := ""
		if !launch.Soon(func() bool { diff = cmp.Diff(kept[name], w.alive()[name]); return diff == "" }) {
			w.Errorf("%s: %s: %s has changed (-before +now):\n%s", p.name, story, name, diff)
		}
	}
	return before, calls, story
}

// TestEveryDeedIsDone: however few points of a passage are tried, the manager is killed, panics and hangs in it.
func TestEveryDeedIsDone(t *testing.T) {
	t.Parallel()
	for _, p := range passages() {
		deeds := map[string]int{}
		for _, at := range p.points(250) {
			deeds[at.deed]++
			if at.n < 1 || at.n > 250 {
				t.Errorf("%s: call %d of 250", p.name, at.n)
			}
		}
		if deeds["kill"] == 0 || deeds["crash"] == 0 || deeds["freeze"] == 0 {
			t.Errorf("%s: %v", p.name, deeds)
		}
	}
}
