package supervisor

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orderly-init/orderly/targets"
)

func planGraph(t *testing.T) *targets.Graph {
	t.Helper()
	var config targets.Config
	for _, line := range []string{"fs oneshot", "net oneshot needs=fs stop_command=down", "db needs=fs", "web needs=db,net",
		"log wants=fs", "ntp after=net", "alt needs=net conflicts=web", "MIN needs=fs wants=log", "FULL needs=web,MIN wants=ntp", "ALT needs=alt,MIN"} {
		if err := readConfig(&config, line); err != nil {
			t.Fatal(err)
		}
	}
	return targets.NewGraph(sorted(config))
}

func TestPlanFromNothing(t *testing.T) {
	t.Parallel()
	g := planGraph(t)
	full, _ := g.Config.Target("FULL")
	want := []Wave{
		{Start: []string{"fs"}},
		{Start: []string{"db", "log", "net"}},
		{Start: []string{"ntp", "web"}},
	}
	if diff := cmp.Diff(want, Plan(g, Snapshot{}, full, false)); diff != "" {
		t.Error(diff)
	}
}

// TestPlanIsWhatHappens switches between all pairs of targets: the plan from the status is what the machine does.
func TestPlanIsWhatHappens(t *testing.T) {
	t.Parallel()
	g := planGraph(t)
	for from := range g.Config.Targets {
		for to := range g.Config.Targets {
			for _, stopFirst := range []bool{false, true} {
				m := New(g)
				live := dryWorld{m: m}
				for events := []Event{Activate{Target: from}}; len(events) > 0; {
					events = live.round(events, &Wave{})
				}
				planned := Plan(g, m.Snapshot(time.Second), to, stopFirst)
				var happened []Wave
				for events := []Event{Activate{Target: to, StopFirst: stopFirst}}; len(events) > 0; {
					var wave Wave
					events = live.round(events, &wave)
					if len(wave.Start)+len(wave.Stop) > 0 {
						happened = append(happened, wave)
					}
				}
				if diff := cmp.Diff(happened, planned); diff != "" {
					t.Errorf("%s to %s: %s", g.Config.Targets[from].Name, g.Config.Targets[to].Name, diff)
				}
			}
		}
	}
}

// TestPlanInBetween plans from a snapshot in which things are starting, waiting and stopping.
func TestPlanInBetween(t *testing.T) {
	t.Parallel()
	g := planGraph(t)
	full, _ := g.Config.Target("FULL")
	alt, _ := g.Config.Target("ALT")
	m := New(g)
	m.Step(0, Activate{Target: full})
	fs, _ := g.Config.Component("fs")
	m.Step(0, Exited{Component: fs, Run: 1, Empty: true})
	want := []Wave{{Stop: []string{"db"}}, {Start: []string{"alt"}}}
	got := Plan(g, m.Snapshot(0), alt, false)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(fmt.Sprint(got), diff)
	}
}
