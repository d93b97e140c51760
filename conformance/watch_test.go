package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/orderly-init/orderly/control"
)

const (
	lastZombie = 4 * time.Second       // the oldest that may be: one second, and what a loaded machine adds
	lastAnswer = 50 * time.Millisecond // of the control socket, without what either side waited for a processor
)

// watching looks at a world while a scenario is played.
type watching struct {
	w      *world
	stop   chan struct{}
	once   sync.Once
	wait   sync.WaitGroup
	mu     sync.Mutex
	found  map[string]bool
	failed int // calls
}

func (w *world) watch(s *scenario) *watching {
	k := &watching{w: w, stop: make(chan struct{}), found: map[string]bool{}}
	k.wait.Go(k.sample)
	if !s.mortal || !s.loaded {
		k.wait.Go(k.ask)
	}
	return k
}

// stopped stops watching.
func (k *watching) stopped() {
	k.once.Do(func() { close(k.stop) })
	k.wait.Wait()
}

// end stops watching and tells what was found.
func (k *watching) end(s *scenario) {
	k.stopped()
	for what := range k.found {
		if !s.loaded || !strings.HasPrefix(what, "control") {
			k.w.Error(what)
		}
	}
	if k.failed > 0 && !s.mortal {
		k.w.Errorf("%d calls failed", k.failed)
	}
}

func (k *watching) finds(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.found[fmt.Sprintf(format, args...)] = true
}

// over waits a while, and says whether it is over.
func (k *watching) over(pause time.Duration) bool {
	select {
	case <-k.stop:
		return true
	case <-time.After(pause):
		return false
	}
}

// sample looks at all processes again and again.
func (k *watching) sample() {
	seen, zombies := known{}, map[[2]uint64]time.Time{}
	for !k.over(8 * time.Millisecond) {
		list := k.w.tree(seen)
		k.oneRun(list)
		k.noZombie(list, zombies)
	}
}

// oneRun finds processes of two runs of one component that were alive at one instant: the second was seen between two
// looks at the first.
func (k *watching) oneRun(list []process) {
	for i := range list {
		for j := range list {
			p, q := &list[i], &list[j]
			if p.component == "" || p.component != q.component || p.run >= q.run || !p.alive() || !q.alive() {
				continue
			}
			if p.same(k.w.proc) && q.same(k.w.proc) && p.same(k.w.proc) {
				k.finds("%s: runs %d (process %d) and %d (process %d) at once", p.component, p.run, p.pid, q.run, q.pid)
			}
		}
	}
}

// noZombie finds dead children of the keeper that nobody has reaped for long.
func (k *watching) noZombie(list []process, zombies map[[2]uint64]time.Time) {
	for _, p := range list {
		key := [2]uint64{uint64(p.pid), p.born}
		switch at, ok := zombies[key]; {
		case p.alive() || p.parent != k.w.keeperInside():
			delete(zombies, key)
		case !ok:
			zombies[key] = time.Now()
		case time.Since(at) > lastZombie:
			k.finds("process %d is a zombie for more than %v", p.pid, lastZombie)
		}
	}
}

// ask calls the control socket again and again. Three late answers in a row are a finding: a single one may be the
// scheduler of the test's own.
func (k *watching) ask() {
	var c *control.Client
	late := 0
	for !k.over(25 * time.Millisecond) {
		if c == nil {
			var err error
			if c, err = control.Dial(k.w.socket); err != nil {
				k.failed++
				continue
			}
		}
		took, err := k.w.answer(c, "")
		switch {
		case err != nil:
			k.failed++
			c.Close()
			c = nil
		case took > lastAnswer:
			if late++; late == 3 {
				k.finds("control answers three times in a row after more than %v", lastAnswer)
			}
		default:
			late = 0
		}
	}
	if c != nil {
		c.Close()
	}
}

// answer is how long a call took, without what either side waited for a processor. It asks for the status of one component, or of all.
func (w *world) answer(c *control.Client, name string) (time.Duration, error) {
	manager := fmt.Sprintf("%s/%d", w.proc, w.manager())
	begin, waited := time.Now(), delay(manager)+delay("/proc/self")
	var reply control.StatusReply
	err := c.Call("GetStatus", control.NameParam{Name: name}, &reply)
	return time.Since(begin) - (delay(manager) + delay("/proc/self") - waited), err
}

// delay is how long the threads of a process have waited for a processor so far.
func delay(dir string) time.Duration {
	_, waited := processor(dir)
	return waited
}

// processor is how long the threads of a process have had a processor, and have waited for one (the fields of schedstat).
func processor(dir string) (ran, waited time.Duration) {
	files, _ := filepath.Glob(dir + "/task/*/schedstat")
	for _, f := range files {
		var run, wait time.Duration
		b, _ := os.ReadFile(f)
		fmt.Sscan(string(b), &run, &wait)
		ran, waited = ran+run, waited+wait
	}
	return ran, waited
}
