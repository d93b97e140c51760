package manager

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/supervisor"
)

// What was stored and not told is told so that every change begins where the one before has ended, and each run with its start.
func TestSkippedChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		told    supervisor.State
		toldRun uint32
		now     supervisor.State
		run     uint32
		want    []string
	}{
		{supervisor.Ready, 1, supervisor.Ready, 1, nil},
		{supervisor.Down, 0, supervisor.Down, 0, nil},
		{supervisor.Starting, 1, supervisor.Ready, 1, []string{"1: starting>ready"}},
		{supervisor.Ready, 1, supervisor.Down, 1, []string{"1: ready>down"}},
		{supervisor.Down, 1, supervisor.Starting, 2, []string{"2: down>starting"}},
		{supervisor.Down, 1, supervisor.Down, 2, []string{"2: down>starting", "2: starting>down"}},
		{supervisor.Ready, 1, supervisor.Stopping, 2, []string{"1: ready>down", "2: down>starting", "2: starting>stopping"}},
		{supervisor.Failed, 3, supervisor.Starting, 4, []string{"3: failed>down", "4: down>starting"}},
		{supervisor.Stopping, 5, supervisor.Down, 0, []string{"5: stopping>down"}}, // removed, and there again
		{supervisor.Down, 5, supervisor.Down, 0, nil},
	} {
		var got []string
		last := journal.Event{Run: c.toldRun, To: uint8(c.told)}
		for _, e := range skipped(last, supervisor.Changed{Run: c.run, To: c.now}) {
			got = append(got, fmt.Sprintf("%d: %v>%v", e.Run, e.From, e.To))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("told %v of run %d, now %v of run %d:\n%s", c.told, c.toldRun, c.now, c.run, d)
		}
	}
}

// The whole goes to another target by a transition, and says that its cause is lost.
func TestSkippedWholes(t *testing.T) {
	t.Parallel()
	told := func(name string, top supervisor.Top) *journal.Event {
		return &journal.Event{Name: name, To: uint8(top)}
	}
	for _, c := range []struct {
		told *journal.Event
		now  supervisor.Top
		want []string
	}{
		{told("a", supervisor.Settled), supervisor.Settled, nil},
		{told("a", supervisor.Settled), supervisor.Degraded, []string{"degraded"}},
		{told("b", supervisor.Settled), supervisor.Transition, []string{"transition"}},
		{told("b", supervisor.Settled), supervisor.Settled, []string{"transition", "settled"}},
		{told("b", supervisor.Settled), supervisor.ShuttingDown, []string{"transition", "shutdown"}},
		{nil, supervisor.Transition, []string{"transition"}},
		{nil, supervisor.Settled, []string{"transition", "settled"}},
	} {
		var got []string
		for _, e := range skippedWhole(c.told, "a", supervisor.Moved{Top: c.now}) {
			got = append(got, e.Top.String())
			if e.Reason != untold {
				t.Errorf("%+v: %v (%s)", c, e.Top, e.Reason)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("told %+v, now %v:\n%s", c.told, c.now, d)
		}
	}
}
