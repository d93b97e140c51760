package conformance

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

const (
	lastAnswer = 50 * time.Millisecond // of the control socket, without what either side waited for a processor
	lastSingle = 5 * lastAnswer        // of one call alone
	lastLoaded = time.Second           // of one call, where so much is done at once that it takes its time
	lastHeld   = 5 * time.Second       // of one call, where the test holds up who is to answer it
)

// watching looks at a world while a scenario is played.
type watching struct {
	w      *world
	loaded bool          // as the scenario is
	held   atomic.Bool   // the manager, or who is on the way to a component: until the test says what becomes of a call, or by a tracer
	stop   chan struct{} // closed: nobody looks any more
	deaf   chan struct{} // closed: nobody asks any more
	wait   sync.WaitGroup
	asking sync.WaitGroup
	mu     sync.Mutex
	found  map[string]bool
	failed int // calls
}

func (w *world) watch(s *scenario) *watching {
	k := &watching{w: w, loaded: s.loaded, stop: make(chan struct{}), deaf: make(chan struct{}), found: map[string]bool{}}
	k.held.Store(s.traps != nil)
	k.wait.Go(k.sample)
	if !s.mortal || !s.loaded {
		k.ask()
	}
	return k
}

// unasked stops calling the control socket.
func (k *watching) unasked() {
	end(k.deaf)
	k.asking.Wait()
}

// stopped stops watching.
func (k *watching) stopped() {
	k.unasked()
	end(k.stop)
	k.wait.Wait()
}

// end closes a channel if it is open still; one goroutine does.
func end(c chan struct{}) {
	if !over(c, 0) {
		close(c)
	}
}

// end stops watching and tells what was found.
func (k *watching) end(s *scenario) {
	k.stopped()
	for what := range k.found {
		k.w.Error(what)
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
func over(c chan struct{}, pause time.Duration) bool {
	select {
	case <-c:
		return true
	default:
	}
	select {
	case <-c:
		return true
	case <-time.After(pause):
		return false
	}
}

// sample looks at all processes again and again, and takes a tenth of a processor for that at most: what is tested needs them more, and no
// execution is missed between two looks (see executions).
func (k *watching) sample() {
	watch := oracle.NewWatch(k.w.proc, k.w.keeperInside(), k.finds)
	rest := 9
	if *every { // of fifty worlds at once
		rest = 99
	}
	for took := time.Duration(0); !over(k.stop, max(8*time.Millisecond, took*time.Duration(rest))); {
		begin := time.Now()
		watch.Look()
		took = time.Since(begin)
	}
}

// ask has a process of its own call the control socket again and again, so that the scheduler of the test has no say in it.
func (k *watching) ask() {
	c := exec.Command(filepath.Join(programs, "victim"), "asks", k.w.socket, strconv.Itoa(k.w.keeper))
	in, err := c.StdinPipe()
	k.w.must(err)
	out, err := c.StdoutPipe()
	k.w.must(err)
	k.w.must(c.Start())
	k.asking.Go(func() {
		late := 0
		for s := bufio.NewScanner(out); s.Scan(); {
			var took time.Duration
			if _, err := fmt.Sscan(s.Text(), &took); err != nil {
				k.failed++
				continue
			}
			late = k.inTime(took, oracle.Busy(), late)
		}
		c.Wait()
	})
	k.asking.Go(func() {
		<-k.deaf
		in.Close()
	})
}

// inTime finds an answer that is late by far, and three in a row that are late. It returns how many were in a row. Who is started waits for a
// processor too, and the manager for him: so on a busy machine they have to be later by more.
func (k *watching) inTime(took time.Duration, busy bool, before int) int {
	single, each := lastSingle, lastAnswer
	switch {
	case k.held.Load():
		single, each = lastHeld, lastHeld
	case k.loaded:
		single, each = lastLoaded, lastLoaded
	case busy:
		single, each = lastLoaded, lastSingle
	}
	switch {
	case took > single:
		k.finds("control answers after %v", took)
	case took <= each:
		return 0
	case before == 2:
		k.finds("control answers three times in a row after more than %v", each)
	}
	return before + 1
}

// answer is how long a call took, without what either side waited for a processor. It asks for the status of one component, or of all.
func (w *world) answer(c *control.Client, name string) (time.Duration, error) {
	manager := fmt.Sprintf("%s/%d", w.proc, w.manager())
	begin, waited := time.Now(), delay(manager)+delay("/proc/self")
	var reply control.StatusReply
	err := c.Call("GetStatus", control.NameParam{Name: name}, &reply)
	return time.Since(begin) - (delay(manager) + delay("/proc/self") - waited), err
}

// delay is how long the threads of a process have waited for a processor so far (the second field of schedstat).
func delay(dir string) (sum time.Duration) {
	files, _ := filepath.Glob(dir + "/task/*/schedstat")
	for _, f := range files {
		var ran, waited time.Duration
		b, _ := os.ReadFile(f)
		fmt.Sscan(string(b), &ran, &waited)
		sum += waited
	}
	return sum
}
