package conformance

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// errand is something that the manager starts a process for, and the process on whose way it dies.
type errand struct {
	component string
	do        []string
	who       string
	calls     []int
}

func errands() []errand {
	var list []errand
	for _, who := range []string{"middle", "child"} {
		calls := []int{1, 2, 3, 9}
		if who == "middle" {
			calls = []int{1} // then it waits for the exec
		}
		for _, name := range []string{"shared", "box", "clock"} {
			list = append(list, errand{name, []string{"start", name}, who, calls})
		}
		list = append(list, errand{"gentle", []string{"stop", "gentle"}, who, calls}, errand{"shared", []string{"reload", "shared"}, who, calls})
	}
	return list
}

// TestManagerDiesBeforeTheExec kills the manager while a process is on its way to a program, and holds that process there until the
// next manager is in control: a program of a component is executed once all the same, and a command that was to be executed never is, but
// begun anew.
func TestManagerDiesBeforeTheExec(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: the manager is traced")
	}
	for _, e := range errands() {
		t.Run(strings.Join(e.do, " ")+"/"+e.who, func(t *testing.T) {
			t.Parallel()
			s := &scenario{story: "the manager dies before the exec", config: galleryText(gallery), mortal: true, loaded: true}
			s.play = func(w *world) {
				w.furnish()
				for _, n := range e.calls {
					w.holds(e, n)
				}
			}
			perform(t, s, foreground)
		})
	}
}

// holds kills the manager while who is on the way is before its Nth call.
func (w *world) holds(e errand, n int) {
	if e.do[0] != "start" {
		w.start(e.component)
	}
	w.empty()
	run := w.component(e.component).Run
	w.began = w.lastEvent()
	k := w.trace("-who", e.who, "-n", strconv.Itoa(n), "-deed", "manager")
	begun := time.Now()
	w.types(e.do...)
	story := k.did()
	w.client.Close()
	w.await("the next manager", w.connected)
	if e.do[0] != "start" {
		pid := processOf(story)
		w.await(fmt.Sprintf("%s: %s: the end of process %s", e.do, story, pid), func() bool { return !runs(pid) })
	}
	k.end()
	w.calm()
	if e.do[0] == "reload" {
		w.await("the reload", func() bool { return w.exists("reloads") })
	} else if state := map[string]string{"start": "starting", "stop": "stopping"}[e.do[0]]; !moves(state, e.component)(w) {
		w.types(e.do...)
		w.calm()
	}
	c, want := w.component(e.component), map[string]string{"start": "ready", "reload": "ready", "stop": "down"}[e.do[0]]
	if c.State != want || e.do[0] == "start" && c.Run != run+1 {
		w.Errorf("%s: %s: %+v after %v", e.do, story, c, time.Since(begun))
	}
	for file, times := range map[string][]int{"starts": {0, 1}, "stops": {1}, "reloads": {1}} {
		if did := len(strings.Fields(w.read(file))); did > 0 && !slices.Contains(times, did) {
			w.Errorf("%s: %s: %d lines in %s", e.do, story, did, file)
		}
	}
	w.reality()
	w.stop("shared", e.component)
}

// TestManagerDiesInTheShutdown kills the manager while everything stops for good: the end is the same.
func TestManagerDiesInTheShutdown(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: the manager is traced")
	}
	end := func(t *testing.T, p place, args ...string) (calls int, story string) {
		s := &scenario{config: galleryText(gallery), mortal: true, loaded: true}
		w := begin(t, s, p)
		finish := sync.OnceFunc(w.finish)
		defer finish()
		defer w.guard().Stop()
		w.furnish()
		w.warm()
		w.reach("A")
		k := w.trace(args...)
		finish()
		if w.read("stops") == "" {
			w.Error("gentle was not stopped by its command")
		}
		return k.end()
	}
	calls, _ := end(t, foreground)
	if calls == 0 {
		t.Fatal("the manager made no call")
	}
	points := 8
	if *long {
		points = 16
	}
	for i := range points {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			args := []string{"-n", strconv.Itoa((i*calls/points+*seed)%calls + 1), "-deed", []string{"kill", "crash", "freeze"}[i%3]}
			if i%2 == 1 {
				args = append(args, "-exit")
			}
			_, story := end(t, []place{foreground, first}[i/2%2], args...)
			t.Log(story)
		})
	}
}
