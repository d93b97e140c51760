package supervisor

import (
	"flag"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/targets"
)

var exits = flag.Int("exits", 100_000, "so many exits in TestChurn; ten million are ten a second for twelve days")

// TestChurn has 20 components of which one exits every 100 ms, is restarted and is ready again, for as long as it takes: neither
// memory nor the time of a step grows, and no exit is lost.
func TestChurn(t *testing.T) {
	config := targets.Config{Targets: []targets.Target{{Name: "ALL"}}}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"} {
		c := component(name)
		c.Recovery = targets.Recovery{Attempts: 10, Window: time.Minute, Delay: 50 * time.Millisecond, Backoff: 2, MaxDelay: time.Second, Then: targets.Retry}
		config.Components = append(config.Components, c)
		config.Targets[0].DependsOn = append(config.Targets[0].DependsOn, name)
	}
	m := New(targets.NewGraph(sorted(config)))
	table := openTable(t, make([]byte, TableSize(64)))
	boot(m, 0)
	runtime.LockOSThread() // the time of a step is its thread's: a loaded machine may hold it up
	defer runtime.UnlockOSThread()
	w := churn{t: t, m: m, table: table, now: time.Hour}
	w.play(*exits / 10) // what is made once is made
	heap, began := held(), worked(t)
	w.play(*exits / 10)
	first := worked(t) - began
	w.play(*exits / 10 * 7)
	began = worked(t)
	w.play(*exits / 10)
	last := worked(t) - began
	if now := held(); now > heap+256<<10 {
		t.Errorf("the heap had %d bytes, and has %d after %d exits", heap, now, *exits)
	}
	if last > 2*first+time.Second {
		t.Errorf("the first %d exits took %v, the last %v", *exits/10, first, last)
	}
	if w.slow > w.steps/1000+5 { // the collector may hold up a few
		t.Errorf("%d of %d steps took more than %v", w.slow, w.steps, slowStep)
	}
	t.Logf("%d exits, %d steps, %d of them longer than %v; the first tenth took %v of processors and the last %v; the heap had %d bytes and has %d",
		w.n, w.steps, w.slow, slowStep, first, last, heap, held())
}

// worked is the time of processors that the test has used.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// threadTime is the time of processors that the calling thread has used.
func threadTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) // every kernel has it
	return time.Duration(ts.Nano())
}

// held is what lives on the heap.
func held() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// churn plays exits.
type churn struct {
	t     *testing.T
	m     *Machine
	table *Table
	now   time.Duration
	n     int
	steps int
	slow  int // steps that used a processor for longer than slowStep
}

const slowStep = 10 * time.Millisecond

func (c *churn) play(exits int) {
	for range exits {
		number := c.n % 20
		c.n++
		_, run := c.m.StateOf(number)
		launched := c.step(Exited{Component: number, Run: run, Status: Status{Code: 1}, Empty: true})
		for at, ok := c.m.Deadline(); launched == 0 && ok; at, ok = c.m.Deadline() {
			c.now = max(c.now, at)
			launched = c.step(Tick{})
		}
		if launched != run+1 {
			c.t.Fatalf("behind run %d of %d came %d", run, number, launched)
		}
		c.now += 100 * time.Millisecond
	}
}

// step answers each launch at once and returns the run of the last one.
func (c *churn) step(ev Event) (run uint32) {
	queue := []Event{ev}
	for len(queue) > 0 {
		begin := threadTime()
		effects := c.m.Step(c.now, queue[0])
		if err := c.m.Store(c.table); err != nil {
			c.t.Fatal(err)
		}
		c.steps++
		if threadTime()-begin > slowStep {
			c.slow++
		}
		queue = queue[1:]
		for _, e := range effects {
			if l, ok := e.(Launch); ok {
				run = l.Run
				queue = append(queue, Launched{Component: l.Component, Run: l.Run}, BecameReady{Component: l.Component, Run: l.Run})
			}
		}
	}
	return run
}
