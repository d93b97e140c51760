package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// watching looks at a world while a scenario is played.
type watching struct {
	w       *world
	answers oracle.Answers // held where the test says what becomes of a system call, and by a tracer
	stop    chan struct{}  // closed: nobody looks any more
	deaf    chan struct{}  // closed: nobody asks any more
	wait    sync.WaitGroup
	mu      sync.Mutex
	found   map[string]bool
}

func newWatching(w *world) *watching {
	k := &watching{w: w, stop: make(chan struct{}), deaf: make(chan struct{}), found: map[string]bool{}}
	k.answers.Finds = k.finds
	return k
}

func (w *world) watch(s *scenario) *watching {
	k := newWatching(w)
	k.answers.Loaded = s.loaded
	k.answers.Held.Store(s.traps != nil)
	k.wait.Go(k.sample)
	if !s.mortal || !s.loaded {
		k.ask()
	}
	return k
}

// unasked stops calling the control socket.
func (k *watching) unasked() {
	end(k.deaf)
	k.answers.Wait()
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
	if k.answers.Failed > 0 && !s.mortal {
		k.w.Errorf("%d calls failed", k.answers.Failed)
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

// sample looks at all processes again and again; no execution is missed between two looks (see executions).
func (k *watching) sample() {
	parts := 10
	if *every { // of fifty worlds at once
		parts = 100
	}
	oracle.NewWatch(k.w.Proc, k.w.Inside(), k.finds).Run(k.stop, parts, func([]oracle.Process) {})
}

// ask has a process of its own call the control socket again and again.
func (k *watching) ask() {
	k.w.must(k.answers.Ask(exec.Command(filepath.Join(programs, "victim"), "asks", k.w.socket, strconv.Itoa(k.w.Keeper)), k.deaf))
}

// answer is how long a call took, without what either side waited for a processor. It asks for the status of one component, or of all.
func (w *world) answer(c *control.Client, name string) (time.Duration, error) {
	manager := fmt.Sprintf("%s/%d", w.Proc, w.Manager())
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
