package oracle

import (
	"bufio"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How soon the control socket has to answer, without what either side waited for a processor.
const (
	lastAnswer = 50 * time.Millisecond // of three in a row
	LastSingle = 5 * lastAnswer        // of one call alone
	LastLoaded = time.Second           // of one call, where so much is done at once that it takes its time
	lastBeside = 3 * time.Second       // of one call, where a machine is busy with other tests
	lastHeld   = 5 * time.Second       // of one call, where the test holds up who is to answer it
)

// Answers judges how soon a control socket answers.
type Answers struct {
	Finds  func(format string, args ...any)
	Loaded bool        // so much is done at once that an answer takes its time
	Beside bool        // there are other tests: while the machine is busy only a standstill is found
	Held   atomic.Bool // somebody holds up the manager, or who is on the way to a component
	Failed int         // calls, when Wait has returned

	letGo atomic.Int64 // when it was last let go on, of CLOCK_MONOTONIC
	wait  sync.WaitGroup
}

// LetGo says that nobody is held up any more. Calls that began before say nothing.
func (a *Answers) LetGo() {
	a.letGo.Store(Monotonic())
	a.Held.Store(false)
}

// Monotonic is the time of CLOCK_MONOTONIC in nanoseconds, which all processes have in common (clock_gettime(2)).
func Monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// Ask has a process of its own call the control socket again and again until over is closed, so that the scheduler of the test has no say
// in it. For each call that says something it prints how long it took, in nanoseconds, and when it began; or that it failed. It ends with
// its input.
func (a *Answers) Ask(asker *exec.Cmd, over <-chan struct{}) error {
	in, err := asker.StdinPipe()
	if err != nil {
		return err
	}
	out, err := asker.StdoutPipe()
	if err != nil {
		return err
	}
	if err := asker.Start(); err != nil {
		return err
	}
	a.wait.Go(func() {
		late := 0
		for s := bufio.NewScanner(out); s.Scan(); {
			var took time.Duration
			var began int64
			if _, err := fmt.Sscan(s.Text(), &took, &began); err != nil {
				a.Failed++
				continue
			}
			late = a.heard(took, began, late)
		}
		asker.Wait()
	})
	a.wait.Go(func() {
		<-over
		in.Close()
	})
	return nil
}

// Wait returns when nobody asks any more.
func (a *Answers) Wait() { a.wait.Wait() }

// heard is inTime for a call whose begin is known.
func (a *Answers) heard(took time.Duration, began int64, before int) int {
	held := a.Held.Load() // before letGo, which is stored before it
	if began < a.letGo.Load() {
		return before
	}
	return a.inTime(took, held, Busy(), before)
}

// inTime finds an answer that is late by far, and three in a row that are late. It returns how many were in a row. Who is started waits for a
// processor too, and the manager for him: so on a busy machine they have to be later by more.
func (a *Answers) inTime(took time.Duration, held, busy bool, before int) int {
	single, each := LastSingle, lastAnswer
	switch {
	case held:
		single, each = lastHeld, lastHeld
	case a.Loaded:
		single, each = LastLoaded, LastLoaded
	case busy && a.Beside:
		single, each = lastBeside, lastBeside
	case busy:
		single, each = LastLoaded, LastSingle
	}
	switch {
	case took > single:
		a.Finds("control answers after %v", took)
	case took <= each:
		return 0
	case before == 2:
		a.Finds("control answers three times in a row after more than %v", each)
	}
	return before + 1
}
