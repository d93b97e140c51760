package supervisor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// remembered is a machine with components that a target wants, and the facts about it.
func remembered(t *testing.T, configuration ...string) (*script, *Table) {
	t.Helper()
	s := &script{}
	for _, line := range configuration {
		s.configure(t, line)
	}
	s.machine()
	return s, openTable(t, make([]byte, TableSize(16)))
}

func (s *script) play(t *testing.T, table *Table, events ...string) {
	t.Helper()
	for _, e := range events {
		s.event(t, strings.Fields(e))
		if err := s.m.Store(table); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRestoreRepeats: what the dead manager may not have done is done once more (R17).
func TestRestoreRepeats(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, component, events, want string }{
		{"abort", "a heartbeat=1s", "activate FULL; ready a; trigger a", "signal a ABRT"},
		{"stop signal", "a", "activate FULL; ready a; stop a", "signal a TERM"},
		{"stop command", "a stop_command=bye", "activate FULL; ready a; stop a", "run stop_command of a"},
		{"nothing to who ends by itself", "a stop_command=bye", "activate FULL; launched a; ready a; stop a; ended a", ""},
		{"kill", "a", "activate FULL; ready a; stop a; +1m tick", "kill a"},
		{"release", "a", "activate FULL; ready a; release a", "let go of a run 1"},
		{"nothing", "a", "activate FULL; ready a", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, table := remembered(t, row.component, "FULL needs=a")
			s.play(t, table, strings.Split(row.events, ";")...)
			_, effects := Restore(s.m.graph, table, s.now)
			var got []string
			for _, e := range effects {
				got = append(got, s.print(e))
			}
			if strings.Join(got, ", ") != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// TestRestoreListens: what has become ready while nobody was in control was in time; and what has not is late a second after.
func TestRestoreListens(t *testing.T) {
	t.Parallel()
	for _, ready := range []bool{true, false} {
		s, table := remembered(t, "a", "b", "FULL needs=a,b timeout=5s")
		s.play(t, table, "activate FULL")
		back := 20 * time.Second // both limits have passed
		m, _ := Restore(s.m.graph, table, back)
		m.Step(back, BecameReady{Component: 0, Run: 1})
		if due, ok := m.Deadline(); !ok || due != back+hearing {
			t.Errorf("the next limit is %v, %v", due, ok)
		}
		if ready {
			m.Step(back, BecameReady{Component: 1, Run: 1})
		}
		m.Step(back+hearing, Tick{})
		want := map[bool]State{true: Ready, false: Stopping}[ready]
		if b := m.units[1].state; b != want || m.units[0].state != Ready {
			t.Errorf("ready %v: a is %v, b is %v", ready, m.units[0].state, b)
		}
		if ready != (m.top() == Settled) {
			t.Errorf("ready %v: the whole is %v", ready, m.top())
		}
	}
}

// TestRestoreForgetsWhoIsGone: a removed component that was down needs no place, one that lives does.
func TestRestoreForgetsWhoIsGone(t *testing.T) {
	t.Parallel()
	s, table := remembered(t, "a", "b", "FULL wants=a", "NONE")
	s.play(t, table, "activate FULL", "ready a")
	graph := targets.NewGraph(sorted(targets.Config{}))
	if m, _ := Restore(graph, table, 0); len(m.units) != 1 || m.units[0].def.Name == "b" {
		t.Errorf("%d components are there, want a alone", len(m.units))
	}
}

// TestRestoreOfWhatIsDownRaisesNothing: a manager may die after it has stored that a component is down, and before it has taken
// away what that had raised.
func TestRestoreOfWhatIsDownRaisesNothing(t *testing.T) {
	t.Parallel()
	s, table := remembered(t, "a attempts=0", "FULL wants=a")
	s.play(t, table, "activate FULL", "ready a", "raise a warm")
	if m, _ := Restore(s.m.graph, table, 0); !m.holdsNow("warm") {
		t.Error("what is raised is lost")
	}
	s.event(t, strings.Fields("exit a code=1"))
	i, _ := table.Find(ComponentRecord, "a")
	var data [dataSize]byte
	s.m.encodeUnit(0, data[:])
	table.write(i, data[:])
	if m, _ := Restore(s.m.graph, table, 0); m.holdsNow("warm") {
		t.Error("a condition holds that nobody raises")
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	h := &targets.Heartbeat{Window: time.Second, Min: 4, Max: 8}
	for _, row := range []struct {
		watched time.Duration
		count   int
		failed  bool
	}{
		{time.Second, 4, false},
		{time.Second, 3, true},
		{time.Second, 8, false},
		{time.Second, 9, true},
		{500 * time.Millisecond, 2, false},
		{500 * time.Millisecond, 1, true},
		{100 * time.Millisecond, 1, false},
		{100 * time.Millisecond, 0, true},
		{100 * time.Millisecond, 8, false},
		{1500 * time.Millisecond, 4, false}, // not more than in a window
		{1500 * time.Millisecond, 13, false},
		{1500 * time.Millisecond, 14, true},
	} {
		if got := verdict(h, row.count, row.watched); (got != "") != row.failed {
			t.Errorf("%s: %q", fmt.Sprint(row.count, " beats in ", row.watched), got)
		}
	}
}

// TestRestoreExcuses: beats that a dead manager had counted in its memory, or that were sent before readiness, are nobody's fault.
func TestRestoreExcuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		via     targets.Via
		events  string
		excused bool
	}{
		{"pipe", targets.ViaFD, "activate FULL; +1s ready a; +1s beats a=1; +100ms tick", false},
		{"pipe, first window", targets.ViaFD, "activate FULL; +1s ready a; +100ms tick", true},
		{"socket", targets.ViaNotify, "activate FULL; +1s ready a; +1s beats a=1; +100ms tick", true},
		{"window over", targets.ViaFD, "activate FULL; +1s ready a; +1s beats a=1; +2s tick", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			s.configure(t, "a heartbeat=1s")
			s.configure(t, "FULL needs=a")
			s.config.Components[0].Heartbeat.Via = row.via
			s.machine()
			table := openTable(t, make([]byte, TableSize(16)))
			s.play(t, table, strings.Split(row.events, ";")...)
			m, _ := Restore(s.m.graph, table, s.now)
			if got := m.units[0].pulse.excused; got != row.excused {
				t.Errorf("excused %v, want %v", got, row.excused)
			}
		})
	}
}

// TestRemovedWhileItStops: a component that stops when its definition goes is still waited for (R14).
func TestRemovedWhileItStops(t *testing.T) {
	t.Parallel()
	s, table := remembered(t, "a", "b", "FULL needs=a wants=b")
	s.play(t, table, "activate FULL", "ready a", "ready b", "stop b", "apply #1 drop b")
	if got := s.m.Snapshot(s.now).Components; len(got) != 2 || got[1].Name != "b" || !got[1].Removed || got[1].State != Stopping {
		t.Errorf("%+v", got)
	}
	if _, there := table.Find(ComponentRecord, "b"); !there {
		t.Error("its record is gone while it lives")
	}
}
