package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scale are scenarios about many.
func scale() []scenario {
	return []scenario{
		{id: "R148", story: "1000 components start in the order of their names, each once, and end at their signal; manager and keeper stay small", play: func(w *world) { thousands(w, 1000) }, config: swift(1000), loaded: true, alone: true, places: []place{foreground}},
		{id: "R148b", story: "R148 with 5000", play: func(w *world) { thousands(w, 5000) }, config: swift(5000), loaded: true, alone: true, flooded: true, places: []place{foreground}, long: true},
		{id: "R149", story: "300 components run and do nothing: nobody is woken", play: idling, config: swift(300), loaded: true, places: []place{foreground}},
		{id: "R149b", story: "1000 do, for a minute: nobody is woken but by Go's runtime, which looks after itself about once in that time", play: idleMinute, config: swift(1000), loaded: true, alone: true, places: []place{foreground}, long: true},
		{id: "R151", story: "one of 100 is killed, without a delay of its restart: the next run is there at once", play: swiftly, config: swift(100), loaded: true, alone: true, places: []place{foreground}},
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
	for i, pid := range []int{w.manager(), w.keeper} {
		kib, _ := strconv.Atoi(strings.TrimSuffix(field(w.proc, pid, "RssAnon"), " kB"))
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

func idling(w *world) {
	w.reach("all")
	w.watching.stopped() // it asks the control socket
	w.quiet(2 * calm)
}

// itself is how often Go's runtime wakes a thread in a minute in which nothing happens: sysmon looks once, and a collection that is forced every two
// minutes takes a few more; in each of two processes (sysmon and forcegcperiod in runtime/proc.go).
const itself = 10

func idleMinute(w *world) {
	idling(w)
	if n := w.woken(time.Minute, time.Second); n > itself {
		w.Errorf("woken %d times in a minute", n)
	}
}

func swiftly(w *world) {
	w.reach("all")
	var took []time.Duration
	for i := range 11 {
		name := fmt.Sprintf("c%d", i*9)
		pid := w.component(name).PID
		begin := time.Now()
		w.signal(pid)
		w.await("another run of "+name, func() bool {
			for _, p := range children("/proc", w.keeper) {
				if q, ok := look("/proc", p); ok && p != pid && q.alive() && field("/proc", p, "Name") == "sleep" {
					q.of("/proc")
					if q.component == name && q.run == 2 {
						return true
					}
				}
			}
			return false
		})
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	if took[5] > 500*time.Millisecond { // 100 processes are looked at for it, on a loaded machine
		w.Errorf("it took %v", took)
	}
}
