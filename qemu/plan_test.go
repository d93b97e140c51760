package qemu

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// What `orderly plan` says before a switch is what the switch does, for every pair of targets of the example.
func TestPlanIsWhatHappens(t *testing.T) {
	m, _, _ := bootExample(t, systems()[0], "orderly.target=safe")
	m.reaches("safe")
	names := []string{"console", "debug", "full", "minimal", "safe"}
	for i, a := range names {
		m.run("orderly", "activate", a)
		for _, b := range names[i+1:] {
			m.switches(a, b)
			m.switches(b, a)
		}
	}
}

// switches compares the plan of a switch, from the active target, with what happens.
func (m machine) switches(from, to string) {
	m.t.Helper()
	before := m.events("0")
	stops, starts := m.plan(to)
	if len(stops)+len(starts) == 0 {
		m.t.Errorf("%s to %s: nothing is planned", from, to)
	}
	m.run("orderly", "activate", to)
	var stopped, started []string
	for _, e := range m.events(fmt.Sprint(before[len(before)-1].Seq)) {
		// demo crashes by itself, which is in no plan
		switch {
		case e.Kind != "component" || e.Component == "demo":
		case e.To == "starting":
			started = append(started, e.Component)
		case e.To == "stopping" || e.To == "down":
			stopped = append(stopped, e.Component)
		}
	}
	same(m.t, from+" to "+to+": stopped", stopped, stops)
	same(m.t, from+" to "+to+": started", started, starts)
}

// same compares two sets of names.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	got = slices.Compact(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s %v, planned %v", what, got, want)
	}
}

// plan is what a switch would do, without demo.
func (m machine) plan(target string) (stops, starts []string) {
	m.t.Helper()
	var p struct {
		Waves []struct{ Stop, Start []string }
	}
	text := m.run("orderly", "plan", target, "--json")
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		m.t.Fatalf("plan %q: %v", text, err)
	}
	for _, w := range p.Waves {
		stops, starts = append(stops, w.Stop...), append(starts, w.Start...)
	}
	isDemo := func(name string) bool { return name == "demo" }
	return slices.DeleteFunc(stops, isDemo), slices.DeleteFunc(starts, isDemo)
}
