package supervisor

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// TestAtRest throws events at machines of any shape. After each one every derived value is what it would be if
// everything were derived anew, nobody is left who could start or stop, every limit lies ahead, and a machine restored
// from the facts is the same one.
func TestAtRest(t *testing.T) {
	t.Parallel()
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := New(randomGraph(r))
		now := time.Duration(0)
		for range 150 {
			now += time.Duration(r.IntN(300)) * time.Millisecond
			ev := randomEvent(r, m)
			for _, e := range m.Step(now, ev) {
				if bug, ok := e.(Bug); ok {
					t.Fatalf("seed %d, %v, %T: %s", seed, now, ev, bug.Text)
				}
			}
			if text := atRest(m); text != "" {
				t.Fatalf("seed %d, %v, after %T%+v: %s", seed, now, ev, ev, text)
			}
			if r.IntN(10) == 0 {
				m = restored(t, m, now)
			}
		}
	}
}

// atRest says what is wrong with a machine between two steps.
func atRest(m *Machine) string {
	var count tally
	for c := range m.units {
		u := &m.units[c]
		count.add(u.view, 1)
		switch {
		case m.see(c) != u.view:
			return fmt.Sprintf("the view of %s is %b and should be %b", m.name(c), u.view, m.see(c))
		case u.state == Down && m.mayStart(c):
			return m.name(c) + " may start"
		case u.alive() && u.state != Stopping && u.view.has(viewGoes) && m.mayStop(c):
			return m.name(c) + " may stop"
		case (u.state == Starting || u.state == Stopping && !u.stuck) && m.due[c] == 0 && !(u.state == Starting && u.hold):
			return m.name(c) + " has no limit"
		case m.due[c] != 0 && m.limitOf(c) <= m.now:
			return m.name(c) + " has a limit in the past"
		case (u.state == Starting || u.state == Ready) && !u.main || !u.alive() && (u.main || u.group):
			return fmt.Sprintf("%s is %v with main %v, group %v", m.name(c), u.state, u.main, u.group)
		}
	}
	if count != m.count {
		return fmt.Sprintf("counted %+v, should be %+v", m.count, count)
	}
	return ""
}

// restored is m after a manager's death. Where removed components still stop, m goes on: of those only the name survives.
func restored(t *testing.T, m *Machine, now time.Duration) *Machine {
	t.Helper()
	table := openTable(t, make([]byte, TableSize(64)))
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	for c := range m.units {
		if m.units[c].leaver {
			return m
		}
	}
	other, _ := Restore(m.graph, table, now)
	before, after := m.Snapshot(now), other.Snapshot(now)
	for i := range before.Components {
		before.Components[i].Heartbeat, after.Components[i].Heartbeat = "", "" // what was counted is not kept
	}
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("restored is\n%+v, was\n%+v", after, before)
	}
	return other
}

func randomGraph(r *rand.Rand) *targets.Graph {
	var config targets.Config
	name := func(i int) string { return fmt.Sprintf("c%d", i) }
	n := 2 + r.IntN(7)
	for i := range n {
		c := component(name(i))
		c.Kind = targets.Kind(r.IntN(4) / 3)
		for j := range i {
			lists := []*[]string{&c.DependsOn, &c.DependsOnAny, &c.Wants, &c.After}
			if k := r.IntN(9); k < len(lists) {
				*lists[k] = append(*lists[k], name(j))
			}
		}
		c.StopTimeout = time.Duration(r.IntN(3)) * time.Second
		c.StopCommand = [][]string{nil, {"x"}}[r.IntN(2)]
		c.ReloadCommand = [][]string{nil, {"x"}}[r.IntN(2)]
		c.OnDependencyFailure = targets.OnFailure(r.IntN(3))
		c.Recovery.Attempts = r.IntN(3)
		c.Recovery.Action = targets.Action(r.IntN(8)) * targets.Action(r.IntN(2))
		c.Recovery.Then = targets.Action(1 + r.IntN(6))
		c.Recovery.Target, c.Recovery.Replacement = "T0", name((i+1)%n)
		c.NoRestartExitCodes = [][]int{nil, {1}}[r.IntN(2)]
		if r.IntN(3) == 0 {
			early := c.Recovery
			early.Action, early.Attempts = targets.Action(r.IntN(8)), r.IntN(3)
			c.StartRecovery = &early
		}
		c.Start = r.Uint64N(3)
		c.AbortSignal = 6
		c.Heartbeat = targets.Heartbeat{Via: targets.Via(r.IntN(2)), Window: time.Second, Min: 1, Max: 3 * r.IntN(2), Tolerance: r.IntN(2)}
		config.Components = append(config.Components, c)
	}
	for i := range 3 {
		target := targets.Target{Name: fmt.Sprintf("T%d", i), TransitionTimeout: time.Duration(r.IntN(2)) * time.Second,
			Recovery: []string{"", "T0", "T1", "T2"}[r.IntN(4)]}
		for j := range n {
			lists := []*[]string{&target.DependsOn, &target.Wants}
			if k := r.IntN(4); k < len(lists) {
				*lists[k] = append(*lists[k], name(j))
			}
		}
		config.Targets = append(config.Targets, target)
	}
	config.FallbackTarget = []string{"", "T2"}[r.IntN(2)]
	return targets.NewGraph(sorted(config))
}

func randomEvent(r *rand.Rand, m *Machine) Event {
	c := r.IntN(len(m.units))
	u := &m.units[c]
	hand := []int{r.IntN(len(m.graph.Needs))}
	status := Status{Code: r.IntN(2)}
	events := []Event{
		Tick{}, Launched{c, u.run}, BecameReady{c, u.run}, Emptied{c, u.run}, Lost{c, u.run}, NeverReady{c, u.run, "closed"},
		Exited{Component: c, Run: u.run, Status: status, Empty: r.IntN(2) == 0}, LaunchFailed{c, u.run, "exec", "no"},
		CommandEnded{Component: c, Run: u.run, Command: Command(1 + r.IntN(2)), Status: status},
		Reported{Component: c, Run: u.run, Extend: r.Int64N(1e9)}, Triggered{c, u.run},
		Beats{[]Beat{{c, u.run, r.IntN(5), r.IntN(9) == 0}}}, Beats{[]Beat{{c, u.run, 0, false}}},
		Start{1, hand, r.IntN(4) == 0, r.IntN(4) == 0}, Stop{2, hand}, Restart{3, hand}, Reload{4, hand}, Adopt{6, c, 7}, Release{8, hand},
		Activate{Request: 5, Target: r.IntN(3), Queue: r.IntN(4) == 0, StopFirst: r.IntN(4) == 0},
	}
	switch r.IntN(100) {
	case 0:
		return Shutdown{Request: 6, End: Reboot}
	case 1, 2:
		return Apply{Request: 7, Graph: randomGraph(r)}
	case 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35:
		return BecameReady{c, u.run}
	}
	return events[r.IntN(len(events))]
}
