package conformance

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// restarts are scenarios about starting again what failed.
func restarts() []scenario {
	return []scenario{
		{id: "F52", story: "a crash loop: the waits grow as configured up to the cap, and at the limit it has failed, once", play: crashLoop, config: `
[component.a]
command = ["sh", "-c", "exit 1"]
recovery = { attempts = 5, delay = "50ms", backoff = 2.0, max_delay = "200ms", then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "F54", story: "20 restarts by hand use up nothing, and a start by hand after the limit begins anew", play: byHand, config: `
[component.a]
command = ["sh", "-c", "test -e $DIR/good && exec sleep 1000; exit 1"]
recovery = { attempts = 2, delay = "10ms", then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "F55", story: "exit codes that forbid a restart forbid it; those of success end a oneshot well", play: codeClasses, config: `
[component.never]
command = ["sh", "-c", "exit 125"]
no_restart_exit_codes = [125]
recovery = { delay = "10ms", then = "stop" }
[component.good]
kind = "oneshot"
command = ["sh", "-c", "exit 7"]
success_exit_codes = [0, 7]
[component.bad]
kind = "oneshot"
command = ["sh", "-c", "exit 8"]
success_exit_codes = [0, 7]
recovery = { attempts = 1, delay = "10ms", then = "stop" }
[target.all]
wants = ["never", "good", "bad"]
`},
		{id: "F56", story: "an essential component is used up: its target fails, the fallback is tried as often as it says, once each episode", play: usedUp, config: `
fallback_target = "safe"
[component.a]
command = ["sh", "-c", "exit 1"]
recovery = { attempts = 1, delay = "10ms" }
[component.s]
command = ["sleep", "1000"]
[target.safe]
depends_on = ["s"]
[target.all]
depends_on = ["a"]
`},
		{id: "F57", story: "100 components crash together: all return, each with one restart", play: crashTogether, config: many100(), loaded: true},
	}
}

func many100() string {
	return strings.ReplaceAll(many(100), `recovery = { attempts = 0, then = "stop" }`, `recovery = { delay = "20ms" }`) + wanting(100)
}

func crashLoop(w *world) {
	w.activate("all")
	w.eventually("a", "failed")
	list, i := w.happened("a"), 0
	waits := []float64{50, 100, 200, 200, 200}
	for n, e := range list {
		if e.To != "starting" || e.Run == 1 {
			continue
		}
		if took := e.TimeMS - list[n-1].TimeMS; i >= len(waits) || took < waits[i] || took > waits[i]+float64(patience.Milliseconds()) { // above it a machine that stalls
			w.Errorf("wait %d was %.1f ms", i, took)
		}
		i++
	}
	if i != 5 || w.count("a", "failed") != 1 {
		w.Errorf("%d restarts, %d times failed", i, w.count("a", "failed"))
	}
}

func byHand(w *world) {
	w.write("good", "")
	w.reach("all")
	for range 20 {
		if r := w.restart("a"); r.Result != "done" {
			w.Fatalf("restart: %+v", r)
		}
	}
	if c := w.component("a"); c.Run != 21 || c.Restarts != 0 || c.State != "ready" {
		w.Errorf("a is %+v", c)
	}
	w.inside("rm", w.path("good"))
	w.kill(w.component("a").PID, unix.SIGKILL)
	w.eventually("a", "failed")
	w.write("good", "")
	if r := w.start("a"); r.Result != "done" {
		w.Errorf("start: %+v", r)
	}
	w.is("a", "ready", "")
}

func codeClasses(w *world) {
	w.activate("all")
	w.eventually("never", "failed") // a daemon counts as ready before it ends
	w.is("never", "failed", "exit 125")
	w.eventually("bad", "failed")
	for name, runs := range map[string]uint32{"never": 1, "good": 1, "bad": 2} {
		if c := w.component(name); c.Run != runs {
			w.Errorf("%s had %d runs, want %d", name, c.Run, runs)
		}
	}
	w.is("good", "ready", "")
}

func usedUp(w *world) {
	w.activate("all")
	w.await("the fallback", func() bool { s := w.status(); return s.Target == "safe" && s.State == "fallback" })
	w.is("s", "ready", "")
	if n := w.count("s", "starting"); n != 1 {
		w.Errorf("s was started %d times", n)
	}
	if n := w.count("a", "starting"); n != 2 {
		w.Errorf("a was started %d times", n)
	}
}

func crashTogether(w *world) {
	w.reach("all")
	s := w.status()
	for _, c := range s.Components {
		if c.PID != 0 {
			w.signal(c.PID)
		}
	}
	begin := time.Now()
	for i := range 100 {
		name := fmt.Sprintf("c%d", i)
		w.await(name+" again", func() bool { c := w.component(name); return c.State == "ready" && c.Run == 2 })
	}
	if took := time.Since(begin); took > patience {
		w.Errorf("all of them took %v", took)
	}
}

// signal kills without waiting for what does it.
func (w *world) signal(pid int) {
	w.Helper()
	w.kill(pid, unix.SIGKILL)
}
