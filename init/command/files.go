package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/manager"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// load reads and checks a configuration; the config is nil where it has errors.
func load(paths []string) (*targets.Config, targets.Problems) {
	return inspect(paths, func(*targets.Config) []targets.Finding { return nil })
}

// inspect is load for a configuration that is held against something.
func inspect(paths []string, look func(*targets.Config) []targets.Finding) (*targets.Config, targets.Problems) {
	sources, problems := targets.ReadSources(paths...)
	if problems.Fatal() {
		return nil, problems
	}
	if len(sources) == 0 {
		return nil, append(problems, targets.Problem{What: "no configuration in " + strings.Join(paths, ", ")})
	}
	config, more := targets.Inspect(sources, look)
	return config, append(problems, more...)
}

// offline loads the configuration of --config for a command that can work without a daemon.
func offline(paths []string) (*targets.Config, error) {
	config, problems := load(paths)
	if problems.Fatal() {
		return nil, tried(problems)
	}
	return config, nil
}

func planCommand(o *options) *cobra.Command {
	var config []string
	var from string
	c := &cobra.Command{
		Use: "plan TARGET", Short: "Show what a switch would stop and start", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := o.plan(args[0], config, from)
			if err != nil {
				return err
			}
			return o.print(c, plan, func(w *writer) { w.plan(plan) })
		},
	}
	c.Flags().StringArrayVar(&config, "config", nil, "work offline on this directory or file")
	c.Flags().StringVar(&from, "from", "", "offline: the target that is active (default: nothing is up)")
	return c
}

func (o *options) plan(target string, config []string, from string) (*control.Plan, error) {
	if len(config) == 0 {
		if from != "" {
			return nil, fmt.Errorf("--from needs --config: without it the plan starts from what is running")
		}
		var reply control.PlanReply
		err := o.call("Plan", control.TargetParam{Target: target}, &reply)
		return &reply.Plan, err
	}
	cfg, err := offline(config)
	if err != nil {
		return nil, err
	}
	t, err := targetOf(cfg, target)
	if err != nil {
		return nil, err
	}
	snap := supervisor.Snapshot{}
	if from != "" {
		if _, err := targetOf(cfg, from); err != nil {
			return nil, err
		}
		snap = settledIn(cfg, from)
	}
	plan := manager.WirePlan(targets.NewGraph(cfg), snap, t)
	return &plan, nil
}

func targetOf(cfg *targets.Config, name string) (int, error) {
	if t, ok := cfg.Target(name); ok {
		return t, nil
	}
	var names []string
	for i := range cfg.Targets {
		names = append(names, cfg.Targets[i].Name)
	}
	hint := ""
	if near := targets.Nearest(name, names); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return 0, tried(fmt.Errorf("no run target %s%s", name, hint))
}

// settledIn is the state in which everything of a target is ready and nothing else.
func settledIn(cfg *targets.Config, target string) supervisor.Snapshot {
	g := targets.NewGraph(cfg)
	t, _ := cfg.Target(target)
	in := g.Closure(t, nil).In
	snap := supervisor.Snapshot{Target: target, State: supervisor.Settled}
	for n := range cfg.Components {
		if in[n] {
			snap.Components = append(snap.Components, supervisor.ComponentStatus{
				Component: n, Name: cfg.Components[n].Name, State: supervisor.Ready, Run: 1, Wanted: true,
			})
		}
	}
	return snap
}

func (w *writer) plan(p *control.Plan) {
	if len(p.Waves) == 0 {
		w.line("%s: nothing to do", p.Target)
	}
	for i, wave := range p.Waves {
		var parts []string
		if len(wave.Stop) > 0 {
			parts = append(parts, "stop "+strings.Join(wave.Stop, " "))
		}
		if len(wave.Start) > 0 {
			parts = append(parts, "start "+strings.Join(wave.Start, " "))
		}
		w.line("%d. %s", i+1, strings.Join(parts, "; "))
	}
	if len(p.Keep) > 0 {
		w.line("untouched: %s", strings.Join(p.Keep, " "))
	}
}

func graphCommand(o *options) *cobra.Command {
	var config []string
	var format string
	c := &cobra.Command{
		Use: "graph [TARGET]", Short: "Show the dependency graph", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "dot" {
				return fmt.Errorf("--format %q: it is text or dot", format)
			}
			g, err := o.graph(first(args), config)
			if err != nil {
				return err
			}
			return o.print(c, g, func(w *writer) {
				if format == "dot" {
					w.dot(g)
					return
				}
				w.tree(g, first(args))
			})
		},
	}
	c.Flags().StringArrayVar(&config, "config", nil, "work offline on this directory or file")
	c.Flags().StringVar(&format, "format", "text", "text or dot")
	return c
}

func (o *options) graph(target string, config []string) (*control.GraphReply, error) {
	if len(config) == 0 {
		var reply control.GraphReply
		err := o.call("Graph", control.TargetParam{Target: target}, &reply)
		return &reply, err
	}
	cfg, err := offline(config)
	if err != nil {
		return nil, err
	}
	if target != "" {
		if _, err := targetOf(cfg, target); err != nil {
			return nil, err
		}
	}
	g := manager.WireGraph(cfg, target, nil)
	return &g, nil
}
