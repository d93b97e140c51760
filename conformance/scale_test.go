package conformance

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderly-init/orderly/conformance/oracle"
)

// scale are scenarios about many.
func scale() []scenario {
	return []scenario{
		{id: "R148", story: "1000 components start in the order of their names, each once, and end at their signal; manager and keeper stay small", play: func(w *world) { thousands(w, 1000) }, config: swift(1000), loaded: true, alone: true, places: []place{foreground}},
		{id: "R148b", story: "R148 with 5000", play: func(w *world) { thousands(w, 5000) }, config: swift(5000), loaded: true, alone: true, flooded: true, places: []place{foreground}, long: true},
		{id: "R149", story: "300 components run and do nothing: nobody is woken, or once in twelve seconds by Go's runtime", play: idling, config: swift(300), loaded: true, places: []place{foreground}},
		{id: "R149b", story: "1000 do, for a minute: nobody is woken but by Go's runtime, which looks after itself about once in that time, and takes no time of a processor", play: idleMinute, config: swift(1000), loaded: true, alone: true, places: []place{foreground}, long: true},
		{id: "R151", story: "of 100 one after another is killed, without a delay of its restart: half of the next runs are executed within 2 ms of the end of the one before, and all but one in a hundred within 10 ms, not counting what anybody waited for a processor", play: func(w *world) { swiftly(w, 100) }, config: swift(100), loaded: true, alone: true, places: []place{foreground}},
		{id: "R151b", story: "R151 with 1000", play: func(w *world) { swiftly(w, 1000) }, config: swift(1000), loaded: true, alone: true, places: []place{foreground}, long: true},
		{id: "R152", story: "1000 components that end at their signal are stopped within 150 ms, not counting what anybody waited for a processor", play: stoppedAtOnce, config: swift(1000), loaded: true, alone: true, flooded: true, places: []place{foreground}},
	}
}

// swift are components that start again without a delay.
func swift(n int) string {
	return strings.ReplaceAll(many(n), `recovery = { attempts = 0, then = "stop" }`, `recovery = { delay = "0s", then = "retry" }`) + wanting(n)
}

func thousands(w *world, n int) {
	w.reach("all")
	var order []string
	w.await("all starts in the log", func() bool {
		order = nil
		for _, c := range w.begun() {
			if name, ok := strings.CutSuffix(c, ":starting"); ok {
				order = append(order, name)
			}
		}
		return len(order) >= n
	})
	want := manyNames(n)
	slices.Sort(want)
	if !slices.Equal(order, want) {
		w.Errorf("%d starts, the first %v", len(order), order[:min(len(order), 20)])
	}
	for i, pid := range []int{w.Manager(), w.Keeper} {
		kib, _ := strconv.Atoi(strings.TrimSuffix(oracle.Field(w.Proc, pid, "RssAnon"), " kB"))
		if most := 32<<10 + 16*n; kib > most {
			w.Errorf("the %s has %d KiB of its own", []string{"manager", "keeper"}[i], kib)
		}
	}
	begin := time.Now()
	w.activate("idle")
	if took := time.Since(begin); took > time.Duration(n)*9*time.Millisecond { // one that ignores its signal takes 10 s
		w.Errorf("%d stops took %v", n, took)
	}
}

// twelve seconds are measured once: what comes with a period of less than six is found. Go's sysmon looks a minute after the last work.
const twelve = 12 * time.Second

func idling(w *world) {
	w.reach("all")
	w.watching.stopped() // it asks the control socket
	w.quiet(2 * oracle.Calm)
	n, who := w.wakes(twelve)
	for range 3 { // what a start has cost Go gives back a little at a time, on a busy machine for longer (bgscavenge in runtime/mgcscavenge.go)
		if n > 1 {
			n, who = w.wakes(twelve)
		}
	}
	if n > 1 {
		w.Errorf("woken %d times in %v: %s", n, twelve, who)
	}
}

// aMinute is long enough for Go's sysmon to look once in each of two processes, which wakes it twice, and too short for it to look twice. A
// collection of garbage is forced only two minutes after the last one (sysmon and forcegcperiod in runtime/proc.go).
const (
	aMinute = 58 * time.Second
	itself  = 2 * 2
)

func idleMinute(w *world) {
	idling(w)
	before := w.ticks()
	if n, who := w.wakes(aMinute); n > itself {
		w.Errorf("woken %d times in %v: %s", n, aMinute, who)
	}
	if n := w.ticks() - before; n > 1 {
		w.Errorf("a processor worked for %d ticks in %v", n, aMinute)
	}
}

// wakes is how often manager and keeper are woken in a while, and which of their threads.
func (w *world) wakes(while time.Duration) (sum int, who string) {
	before := w.seen().Sleeps()
	time.Sleep(while)
	now := w.seen().Sleeps()
	for _, thread := range slices.Sorted(maps.Keys(now)) {
		if n := now[thread] - before[thread]; n > 0 {
			sum += n
			who += fmt.Sprintf("%d of thread %d, ", n, thread)
		}
	}
	return sum, fmt.Sprintf("%sof keeper %d and manager %d", who, w.Inside(), w.Manager())
}

// ticks are those of a processor that manager and keeper have used so far (proc(5), utime and stime).
func (w *world) ticks() (sum int) {
	for _, pid := range []int{w.Manager(), w.Inside()} {
		b, _ := os.ReadFile(fmt.Sprintf("%s/%d/stat", w.Proc, pid))
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		for _, n := range f[11:13] {
			used, _ := strconv.Atoi(n)
			sum += used
		}
	}
	return sum
}

// How long half of the restarts take at most, and all but one in a hundred, from the end of one run to the exec of the next.
const (
	halfRestart = 2 * time.Millisecond
	lastRestart = 10 * time.Millisecond
)

// swiftly restarts one in turn a hundred times. What others do on the machine can hold up a few, so it is measured again where those are too many.
func swiftly(w *world, n int) {
	if trace == nil {
		w.Skip("the kernel does not tell of executions: it has no proc connector, or this is no root of the first namespaces")
	}
	w.reach("all")
	w.watching.stopped() // it takes a processor
	var half, last time.Duration
	for range 12 {
		took := make([]time.Duration, 100)
		for i := range took {
			took[i] = w.restarted(fmt.Sprintf("c%d", i*n/len(took)))
		}
		slices.Sort(took)
		half, last = took[len(took)/2], took[len(took)*99/100-1]
		if w.Logf("half took %v, all but one %v, and that %v", half, last, took[len(took)-1]); half <= halfRestart && last <= lastRestart {
			return
		}
	}
	w.Errorf("half of them took more than %v, or all but one more than %v, each time", halfRestart, lastRestart)
}

// restarted is how long it takes until one that is killed runs again, not counting what anybody waited for a processor.
func (w *world) restarted(name string) time.Duration {
	w.Helper()
	c := w.component(name)
	ran, waited := w.loops()
	w.signal(c.PID)
	var old, next execution
	w.await("another run of "+name, func() bool {
		old, _ = trace.find(w.dir, name, c.Run)
		next, _ = trace.find(w.dir, name, c.Run+1)
		return old.ended > 0 && next.at > 0
	})
	w.eventually(name, "ready")
	ranThen, waitedThen := w.loops()
	waited = waitedThen - waited + delay(fmt.Sprintf("/proc/%d", next.pid))
	return max(ranThen-ran, next.at-old.ended-waited)
}

// loops is how long the loops of manager and keeper have run and have waited for a processor so far.
func (w *world) loops() (ran, waited time.Duration) {
	ran, waited = w.loop(w.Manager())
	run, wait := w.loop(w.Inside())
	return ran + run, waited + wait
}

// loop is how long the first thread of a process has run and has waited for a processor so far: manager and keeper do all of it there, one
// after another.
func (w *world) loop(pid int) (ran, waited time.Duration) {
	b, _ := os.ReadFile(fmt.Sprintf("%s/%d/schedstat", w.Proc, pid))
	fmt.Sscan(string(b), &ran, &waited)
	return ran, waited
}

// lastStop is how long it takes at most until 1000 are down that end at their signal.
const lastStop = 150 * time.Millisecond

func stoppedAtOnce(w *world) {
	best := time.Hour
	w.watching.stopped() // it takes a processor
	for i := 0; i < 6 && best > lastStop; i++ {
		w.reach("all")
		ran, waited := w.loops()
		begin := time.Now()
		w.activate("idle")
		took := time.Since(begin)
		ranThen, waitedThen := w.loops()
		w.Logf("1000 are stopped after %v; the loops of manager and keeper ran for %v and waited for %v", took, ranThen-ran, waitedThen-waited)
		best = min(best, max(ranThen-ran, took-(waitedThen-waited)))
	}
	if best > lastStop {
		w.Errorf("1000 are stopped after %v", best)
	}
}
