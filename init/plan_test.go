package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/targets"
)

// TestPlanIsWhatHappens compares, for all pairs of targets of every configuration in configs/, what `plan` says with
// what a switch then does. The programs are replaced: what is planned does not depend on them.
func TestPlanIsWhatHappens(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("../configs/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if st, err := os.Stat(path); err != nil || !st.IsDir() && filepath.Ext(path) != ".toml" {
			continue
		}
		sources, problems := targets.ReadSources(path)
		if problems.Fatal() || len(sources) == 0 {
			continue // no configuration; configs' own test judges those that are
		}
		config, problems := targets.Load(sources)
		if problems.Fatal() {
			t.Fatal(problems)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			r := supervise(t, harmless(config), "--target", config.Targets[0].Name)
			for i := range config.Targets {
				for k := range config.Targets {
					r.compare(config, config.Targets[i].Name, config.Targets[k].Name)
				}
			}
		})
	}
}

// compare activates one target, plans another, activates that, and compares.
func (r *running) compare(config *targets.Config, from, to string) {
	r.Helper()
	r.activate(from)
	before := r.events(0)
	var reply control.PlanReply
	r.call("Plan", control.TargetParam{Target: to}, &reply)
	if res := r.activate(to); res.Result != "done" {
		r.Fatalf("%s -> %s: %+v", from, to, res)
	}
	var planned, done []string
	for _, w := range reply.Plan.Waves {
		for _, name := range w.Stop {
			planned = append(planned, "stop "+name)
		}
		for _, name := range w.Start {
			planned = append(planned, "start "+name)
		}
	}
	after := uint64(0)
	if len(before) > 0 {
		after = before[len(before)-1].Seq
	}
	for _, e := range r.events(after) {
		switch {
		case e.To == "starting":
			done = append(done, "start "+e.Component)
		case e.To == "stopping", e.To == "down" && e.From == "ready":
			done = append(done, "stop "+e.Component)
		}
	}
	r.inOrder(config, done)
	slices.Sort(planned)
	slices.Sort(done)
	if d := cmp.Diff(planned, done); d != "" {
		r.Errorf("%s -> %s: planned and done differ:\n%s", from, to, d)
	}
}

// inOrder checks that what was done kept to the dependencies.
func (r *running) inOrder(config *targets.Config, done []string) {
	g := targets.NewGraph(config)
	for c := range config.Components {
		for _, n := range g.Needs[c] {
			dependent, dependency := config.Components[c].Name, config.Components[n].Name
			a, b := slices.Index(done, "start "+dependency), slices.Index(done, "start "+dependent)
			if a >= 0 && b >= 0 && a > b {
				r.Errorf("%s was started before %s", dependent, dependency)
			}
			a, b = slices.Index(done, "stop "+dependency), slices.Index(done, "stop "+dependent)
			if a >= 0 && b >= 0 && a < b {
				r.Errorf("%s was stopped before %s", dependency, dependent)
			}
		}
	}
}

// harmless writes a configuration with the same kinds and edges whose programs do nothing.
func harmless(config *targets.Config) string {
	var b strings.Builder
	edges := func(e targets.Edges) {
		for key, names := range map[string][]string{
			"depends_on": e.DependsOn, "depends_on_any": e.DependsOnAny, "wants": e.Wants, "after": e.After, "conflicts": e.Conflicts,
		} {
			if len(names) > 0 {
				fmt.Fprintf(&b, "%s = [%q]\n", key, strings.Join(names, `","`))
			}
		}
	}
	for i := range config.Components {
		c := &config.Components[i]
		kind, verb := "daemon", "pause"
		if c.Kind == targets.Oneshot {
			kind, verb = "oneshot", "exit\", \"0"
		}
		fmt.Fprintf(&b, "[component.%s]\nkind = %q\ncommand = [\"prog\", \"%s\"]\n", c.Name, kind, verb)
		edges(c.Edges)
	}
	for i := range config.Targets {
		fmt.Fprintf(&b, "[target.%s]\n", config.Targets[i].Name)
		edges(config.Targets[i].Edges)
	}
	return "initial_target = " + fmt.Sprintf("%q\n", config.InitialTarget) + strings.ReplaceAll(b.String(), `\",\"`, `","`)
}
