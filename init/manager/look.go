package manager

import (
	"context"
	"slices"
	"time"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

func (m *Manager) getStatus(_ context.Context, c control.Call) (any, error) {
	var p control.NameParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	return inLoop(m, func() (any, error) {
		if p.Name == "" {
			return control.StatusReply{Status: m.status(m.machine.Snapshot(poll.Now()))}, nil
		}
		u, err := m.component(p.Name)
		if err != nil {
			return nil, err
		}
		s := m.status(m.machine.SnapshotOf(u.number, poll.Now()))
		withDumping(&s.Components[0], u)
		return control.StatusReply{Status: s}, nil
	})
}

// status is a snapshot with what the kernel says of it.
func (m *Manager) status(snap supervisor.Snapshot) control.Status {
	s := control.Status{
		Version: 1, Target: snap.Target, State: snap.State.String(), SinceMS: ms(snap.Since), PID1: m.PID1,
		Notes: append(append(m.dog.notes(), m.trialNote()...), slices.Concat(m.lasting, m.notes)...), Watchdog: m.dog.text, Components: []control.Component{},
	}
	if snap.Target == "" && snap.State == supervisor.Settled {
		s.State = supervisor.Transition.String() // the machine is being set up; the first target follows
	}
	for i := range snap.Components {
		s.Components = append(s.Components, m.wireComponent(&snap.Components[i]))
	}
	return s
}

func (m *Manager) show(_ context.Context, c control.Call) (any, error) {
	reply, err := m.about(c, func(u *unit) any { return control.ShowReply{Detail: m.detail(u, c.MayChange)} })
	if r, ok := reply.(control.ShowReply); ok && r.Detail.Cgroup != "" {
		r.Detail.Statistics = m.statistics(r.Detail.Component.Name)
		return r, err
	}
	return reply, err
}

// about answers a call that names one component.
func (m *Manager) about(c control.Call, answer func(*unit) any) (any, error) {
	var p control.NameParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	return inLoop(m, func() (any, error) {
		u, err := m.component(p.Name)
		if err != nil {
			return nil, err
		}
		return answer(u), nil
	})
}

func (m *Manager) detail(u *unit, all bool) control.Detail {
	snap := m.machine.SnapshotOf(u.number, poll.Now())
	d := control.Detail{
		Component:   m.wireComponent(&snap.Components[0]),
		Description: u.def.Description, Kind: kindOf(u.def), Definition: slices.Concat(definition(u.def, all), m.critical(u), u.onNetwork()),
		Needs: []string{}, NeededBy: []string{}, Causes: m.causes(u), Processes: m.processes(u),
	}
	withDumping(&d.Component, u)
	if d.Processes == nil {
		d.Processes = []int{}
	}
	if m.tree != nil && u.group != groupGone {
		d.Cgroup = m.tree.Path + "/" + u.name
	}
	graph := m.machine.Graph()
	if u.number < len(graph.Needs) {
		d.Needs, d.NeededBy = m.names(graph.Needs[u.number]), m.names(graph.NeededBy[u.number])
	}
	return d
}

func (m *Manager) names(numbers []int) []string {
	out := make([]string, 0, len(numbers))
	for _, n := range numbers {
		out = append(out, m.units[n].name)
	}
	return out
}

func kindOf(def *targets.Component) string {
	if def.Kind == targets.Oneshot {
		return "oneshot"
	}
	return "daemon"
}

func (m *Manager) list(context.Context, control.Call) (any, error) {
	return inLoop(m, func() (any, error) {
		snap := m.machine.Snapshot(poll.Now())
		entries := []control.Entry{}
		for i := range m.config.Targets {
			t := &m.config.Targets[i]
			entries = append(entries, control.Entry{Name: t.Name, Kind: "target", Description: t.Description, Active: t.Name == snap.Target})
		}
		for i := range snap.Components {
			u := m.units[snap.Components[i].Component]
			entries = append(entries, control.Entry{
				Name: u.name, Kind: kindOf(u.def), Description: u.def.Description, Active: snap.Components[i].Wanted,
			})
		}
		return control.ListReply{Entries: entries}, nil
	})
}

// states are what can be waited for.
var states = []string{"down", "waiting", "starting", "ready", "stopping", "backoff", "failed"}

// wait waits until everything named is in a state. A target stands for those of it that are essential.
func (m *Manager) wait(ctx context.Context, c control.Call) (any, error) {
	var p control.WaitParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if p.State == "" {
		p.State = supervisor.Ready.String()
	}
	if !slices.Contains(states, p.State) {
		return nil, control.Refused(targets.Nearest(p.State, states), "no state %q", p.State)
	}
	var timeout <-chan time.Time
	if p.TimeoutMS > 0 {
		timeout = time.After(duration(p.TimeoutMS))
	}
	for {
		var news <-chan struct{}
		missing, err := inLoop(m, func() ([]string, error) {
			news = m.callers.change()
			return m.missing(p.Names, p.State)
		})
		if err != nil || len(missing) == 0 {
			return control.WaitReply{Met: err == nil, Missing: []string{}}, err
		}
		select {
		case <-news:
		case <-timeout:
			return control.WaitReply{Missing: missing}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// missing lists those that are not in the state.
func (m *Manager) missing(names []string, state string) ([]string, error) {
	numbers, err := m.essential(names)
	if err != nil {
		return nil, err
	}
	asked := make([]bool, len(m.units))
	for _, n := range numbers {
		asked[n] = true
	}
	var missing []string
	for _, s := range m.machine.Snapshot(poll.Now()).Components {
		met := s.State.String() == state || s.Skipped && state == supervisor.Ready.String()
		if asked[s.Component] && !met {
			missing = append(missing, s.Name+" is "+s.State.String())
		}
	}
	return missing, nil
}

// essential are the numbers of names, where a target stands for those of it that are essential.
func (m *Manager) essential(names []string) ([]int, error) {
	return m.resolve(names, func(target int) []int {
		var all []int
		for n, yes := range m.machine.Graph().Closure(target, nil).Essential {
			if yes {
				all = append(all, n)
			}
		}
		return all
	})
}

func (m *Manager) plan(_ context.Context, c control.Call) (any, error) {
	var p control.TargetParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	return inLoop(m, func() (any, error) {
		target, err := m.target(p.Target)
		if err != nil {
			return nil, err
		}
		return control.PlanReply{Plan: WirePlan(m.machine.Graph(), m.machine.Snapshot(poll.Now()), target)}, nil
	})
}

// WirePlan is the plan of a switch in the types that travel.
func WirePlan(g *targets.Graph, from supervisor.Snapshot, target int) control.Plan {
	plan := control.Plan{Target: g.Config.Targets[target].Name, Keep: []string{}, Waves: []control.PlanWave{}}
	touched := map[string]bool{}
	for _, w := range supervisor.Plan(g, from, target, false) {
		plan.Waves = append(plan.Waves, control.PlanWave{Stop: append([]string{}, w.Stop...), Start: append([]string{}, w.Start...)})
		for _, name := range append(w.Stop, w.Start...) {
			touched[name] = true
		}
	}
	for i := range from.Components {
		if s := &from.Components[i]; s.State == supervisor.Ready && !touched[s.Name] {
			plan.Keep = append(plan.Keep, s.Name)
		}
	}
	return plan
}

func (m *Manager) why(_ context.Context, c control.Call) (any, error) {
	return m.about(c, func(u *unit) any { return control.WhyReply{Causes: m.causes(u)} })
}

// progress is what the transition waits for.
func (m *Manager) progress() *control.Progress {
	snap := m.machine.Snapshot(poll.Now())
	p := &control.Progress{Target: snap.Target, Waiting: []control.Waiting{}}
	for i := range snap.Components {
		s := &snap.Components[i]
		if s.Wanted {
			p.Wanted++
		}
		switch s.State {
		case supervisor.Ready:
			if s.Wanted {
				p.Ready++
			}
		case supervisor.Starting, supervisor.Stopping, supervisor.Backoff:
			p.Waiting = append(p.Waiting, control.Waiting{
				Name: s.Name, State: s.State.String(), SinceMS: ms(s.Since), LimitMS: max(ms(s.Limit-s.Since), 0),
			})
		case supervisor.Down, supervisor.Failed, supervisor.Done, supervisor.Waiting:
		}
	}
	return p
}
