package conformance

import (
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/orderly-init/orderly/control"
)

// transitions are scenarios about switches between run targets.
func transitions() []scenario {
	return []scenario{
		{id: "H70", story: "a switch leaves what both targets have alone, and does what its plan said and nothing else", play: plannedSwitch, config: twoTargets},
		{id: "H71", story: "asked for another target in the middle of a switch, and again: the last request counts, the others are told, nothing is left of them", play: overtaken, config: `
[component.slow]
command = ["sleep", "1000"]
ready = { fd = 3 }
start_timeout = "1m"
[component.only]
command = ["sleep", "1000"]
depends_on = ["slow"]
[component.a]
command = ["sleep", "1000"]
[component.c]
command = ["sleep", "1000"]
[target.A]
depends_on = ["a"]
[target.B]
depends_on = ["slow", "only"]
[target.C]
depends_on = ["c"]
`},
		{id: "H72", story: "the same target again: nothing happens where all is well, and only what failed is started", play: again, config: `
[component.a]
command = ["sleep", "1000"]
[component.b]
command = ["sh", "-c", "test -e $DIR/good && exec sleep 1000; exit 1"]
recovery = { attempts = 0, then = "stop" }
[target.all]
depends_on = ["a"]
wants = ["b"]
`},
		{id: "H73", story: "a target that is not there is refused; one that takes too long fails, and the machine goes to the target that is declared", play: failedSwitch, config: `
[component.a]
command = ["sleep", "1000"]
ready = { fd = 3 }
start_timeout = "1m"
[component.s]
command = ["sleep", "1000"]
[target.safe]
depends_on = ["s"]
[target.all]
depends_on = ["a"]
transition_timeout = "200ms"
recovery = { target = "safe" }
`},
		{id: "H75", story: "20 callers ask for five targets at once: each gets its own answer, and the machine is where the last one wanted it", play: manyCallers, config: fiveTargets(), loaded: true},
		{id: "H76", story: "a component fails after the switch to its target: that target's recovery acts, once, and what both need goes on; asked for again by hand, it acts once more", play: failsLater, config: `
[component.late]
command = ["sleep", "1000"]
recovery = { attempts = 0 }
[component.shared]
command = ["sleep", "1000"]
[target.full]
depends_on = ["late", "shared"]
recovery = { target = "small" }
[target.small]
depends_on = ["shared"]
`},
		{id: "H77", story: "plans of all pairs of targets change nothing", play: plansOnly, config: fiveTargets()},
	}
}

const twoTargets = `
[component.shared]
command = ["sleep", "1000"]
[component.old]
command = ["sleep", "1000"]
depends_on = ["shared"]
[component.new]
command = ["sleep", "1000"]
depends_on = ["shared"]
[target.A]
depends_on = ["old"]
[target.B]
depends_on = ["new"]
`

func fiveTargets() (text string) {
	text = "[component.shared]\ncommand = [\"sleep\", \"1000\"]\n"
	for i := range 5 {
		text += fmt.Sprintf("[component.c%d]\ncommand = [\"sleep\", \"1000\"]\ndepends_on = [\"shared\"]\n[target.t%d]\ndepends_on = [\"c%d\"]\n", i, i, i)
	}
	return text
}

// planned are the plan's stops and starts, in its order.
func (w *world) plannedActs(target string) (acts []string) {
	w.Helper()
	var reply control.PlanReply
	w.call("Plan", control.TargetParam{Target: target}, &reply)
	for _, wave := range reply.Plan.Waves {
		for _, n := range wave.Stop {
			acts = append(acts, n+":stopping")
		}
		for _, n := range wave.Start {
			acts = append(acts, n+":starting")
		}
	}
	return acts
}

func plannedSwitch(w *world) {
	w.reach("A")
	shared := w.component("shared")
	acts := w.plannedActs("B")
	if fmt.Sprint(acts) != "[new:starting old:stopping]" && fmt.Sprint(acts) != "[old:stopping new:starting]" {
		w.Errorf("the plan: %v", acts)
	}
	before := map[string]int{}
	for _, name := range []string{"shared", "old", "new"} {
		before[name] = len(w.happened(name))
	}
	w.reach("B")
	if now := w.component("shared"); now.PID != shared.PID || len(w.happened("shared")) != before["shared"] {
		w.Errorf("shared was %+v and is %+v", shared, now)
	}
	if len(w.happened("old")) != before["old"]+2 || len(w.happened("new")) != before["new"]+2 {
		w.Errorf("old: %+v, new: %+v", w.happened("old"), w.happened("new"))
	}
}

func overtaken(w *world) {
	w.reach("A")
	answers := make(chan control.Result, 1)
	go func() { answers <- w.apart("B") }()
	w.eventually("slow", "starting")
	w.reach("C")
	if r := <-answers; r.Result != "superseded" || r.By != "C" {
		w.Errorf("the first caller was told %+v", r)
	}
	go func() { answers <- w.apart("B") }()
	w.await("slow again", func() bool { c := w.component("slow"); return c.State == "starting" && c.Run == 2 })
	w.reach("A")
	if r := <-answers; r.Result != "superseded" {
		w.Errorf("the second caller was told %+v", r)
	}
	w.is("slow", "down", "not wanted by")
	w.is("c", "down", "not wanted by")
	w.is("a", "ready", "")
	if n := w.count("only", "starting"); n != 0 {
		w.Errorf("only was started %d times", n)
	}
}

func again(w *world) {
	w.write("good", "")
	w.reach("all")
	before := w.component("a")
	w.reach("all")
	if n := w.count("b", "starting"); n != 1 {
		w.Errorf("b was started %d times", n)
	}
	w.inside("rm", w.path("good"))
	w.signal(w.component("b").PID)
	w.eventually("b", "failed")
	w.write("good", "")
	w.reach("all")
	w.is("b", "ready", "")
	if now := w.component("a"); now.PID != before.PID || now.Run != 1 {
		w.Errorf("a was %+v and is %+v", before, now)
	}
}

func failedSwitch(w *world) {
	if out, code := w.orderly("activate", "al"); code != 1 || !strings.Contains(out, "did you mean all?") || w.status().Target != "idle" {
		w.Errorf("al: %d: %s", code, out)
	}
	if r := w.activate("all"); r.Result != "failed" || len(r.Failed) != 1 || r.Failed[0].Name != "a" {
		w.Errorf("all: %+v", r)
	}
	w.await("the other target", func() bool { s := w.status(); return s.Target == "safe" && s.State == "settled" })
	w.is("s", "ready", "")
	w.is("a", "down", "")
}

func manyCallers(w *world) {
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for n := range 3 {
				target := fmt.Sprintf("t%d", (i+n)%5)
				r := w.apart(target)
				if r.Target != target || r.Result != "done" && (r.Result != "superseded" || r.By == "") {
					w.Errorf("%s: %+v", target, r)
				}
			}
		})
	}
	all.Wait()
	s := w.status()
	for i := range 5 {
		want := "down"
		if s.Target == fmt.Sprintf("t%d", i) {
			want = "ready"
		}
		w.is(fmt.Sprintf("c%d", i), want, "")
	}
}

func plansOnly(w *world) {
	w.reach("t0")
	w.caughtUp()
	before := len(w.told())
	for i := range 5 {
		acts := w.plannedActs(fmt.Sprintf("t%d", i))
		for j := range 5 {
			w.orderly("plan", fmt.Sprintf("t%d", j), "--config", w.path("conf"), "--from", fmt.Sprintf("t%d", i))
		}
		if again := w.plannedActs(fmt.Sprintf("t%d", i)); fmt.Sprint(again) != fmt.Sprint(acts) {
			w.Errorf("the plan for t%d was %v and is %v", i, acts, again)
		}
	}
	w.caughtUp()
	if now := len(w.told()); now != before {
		w.Errorf("%d events were told meanwhile", now-before)
	}
}

func failsLater(w *world) {
	for run := range 2 {
		w.reach("full")
		shared := w.component("shared").PID
		w.signal(w.component("late").PID)
		w.await("the target of the recovery", func() bool { s := w.status(); return s.Target == "small" && s.State == "settled" })
		turns := 0
		for _, e := range w.eventsAfter(0, math.MaxInt) {
			if e.Target == "small" && e.To == "transition" {
				turns++
			}
		}
		if turns != run+1 {
			w.Errorf("%d switches to small, want %d", turns, run+1)
		}
		if n := w.count("late", "starting"); n != run+1 {
			w.Errorf("late was started %d times, want %d", n, run+1)
		}
		if c := w.component("shared"); c.PID != shared {
			w.Errorf("shared was process %d and is %d", shared, c.PID)
		}
	}
}
