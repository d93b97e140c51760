package manager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// events sends the events after a number, and goes on if that is asked for. Where some are no longer there, the
// first reply says so.
func (m *Manager) events(ctx context.Context, c control.Call) (any, error) {
	var p control.EventsParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if !c.More {
		return nil, &control.Error{Name: "org.varlink.service.ExpectedMore", Parameters: struct{}{}}
	}
	after := p.After
	for {
		list, news := m.journal.After(after, 256)
		if len(list) > 0 && after > 0 && list[0].Seq > after+1 {
			gap := control.Event{Kind: "gap", Seq: list[0].Seq - 1, Reason: fmt.Sprintf("%d events are no longer there", list[0].Seq-1-after)}
			if err := c.Send(control.EventsReply{Event: gap}); err != nil {
				return nil, err
			}
		}
		for _, e := range list {
			if err := c.Send(control.EventsReply{Event: wireEvent(e)}); err != nil {
				return nil, err
			}
			after = e.Seq
		}
		if len(list) > 0 {
			continue
		}
		if !p.Follow {
			return control.EventsReply{Event: control.Event{Kind: "end", Seq: after}}, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// log sends the lines that are in the log, and goes on if that is asked for.
func (m *Manager) log(ctx context.Context, c control.Call) (any, error) {
	var p control.LogParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if !c.More {
		return nil, &control.Error{Name: "org.varlink.service.ExpectedMore", Parameters: struct{}{}}
	}
	dir, err := inLoop(m, func() (string, error) {
		if p.Name == "" || p.Name == logs.Name {
			return m.config.Log.Directory, nil
		}
		_, err := m.component(p.Name)
		return m.config.Log.Directory, err
	})
	if err != nil {
		return nil, err
	}
	sub := m.sink.Subscribe()
	defer m.sink.Cancel(sub)
	m.sink.Sync()
	lines, err := logs.Read(logs.Query{Dir: dir, Name: p.Name, Last: p.Lines, Since: time.Unix(0, 0).Add(duration(p.SinceMS))})
	if err != nil {
		return nil, control.Failed("read the log: %v", err)
	}
	for _, l := range lines {
		if err := c.Send(control.LogReply{Line: wireLine(l)}); err != nil {
			return nil, err
		}
	}
	end := control.LogReply{Line: control.LogLine{Source: "end"}}
	if !p.Follow {
		return end, nil
	}
	return end, followLog(ctx, c, sub, p.Name, lines)
}

// followLog sends what comes. What was read from the files already is left out.
func followLog(ctx context.Context, c control.Call, sub *logs.Subscription, name string, lines []logs.Line) error {
	var last time.Duration
	if len(lines) > 0 {
		last = lines[len(lines)-1].Mono
	}
	for {
		select {
		case l, ok := <-sub.Lines:
			if !ok {
				return nil
			}
			if l.Mono.Truncate(time.Microsecond) <= last || name != "" && l.Name != name {
				continue
			}
			if err := c.Send(control.LogReply{Line: wireLine(l)}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// history tells the runs that the event stream still knows.
func (m *Manager) history(_ context.Context, c control.Call) (any, error) {
	var p control.NameParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if p.Name != "" {
		if _, err := inLoop(m, func() (*unit, error) { return m.component(p.Name) }); err != nil {
			return nil, err
		}
	}
	list, _ := m.journal.After(0, 0)
	return control.HistoryReply{Runs: pastRuns(list, p.Name)}, nil
}

// pastRuns makes runs of state changes, in the order of their start.
func pastRuns(list []journal.Event, name string) []control.Past {
	runs := []control.Past{}
	open := map[string]int{} // by component: its newest run
	for _, e := range list {
		if e.Kind != journal.Component || name != "" && e.Name != name || aside(e) {
			continue
		}
		i, known := open[e.Name]
		if !known || runs[i].Run != e.Run {
			if e.Run == 0 {
				continue
			}
			runs = append(runs, control.Past{Name: e.Name, Run: e.Run})
			i = len(runs) - 1
			open[e.Name] = i
		}
		note(&runs[i], e)
	}
	return runs
}

// aside says whether an event of a component is none of a run: a start condition that did not hold, or a remark.
func aside(e journal.Event) bool {
	from, to := supervisor.State(e.From), supervisor.State(e.To)
	return from == supervisor.Down && to != supervisor.Starting || from == to && to != supervisor.Stopping
}

func note(r *control.Past, e journal.Event) {
	at := ms(e.Time)
	switch supervisor.State(e.To) {
	case supervisor.Starting:
		r.StartMS = at
	case supervisor.Ready, supervisor.Done:
		if e.From != e.To { // else it is a remark
			r.ReadyMS = at
		}
	case supervisor.Stopping:
		r.Reason = e.Text
	case supervisor.Down, supervisor.Failed:
		r.EndMS = at
		if r.Reason == "" {
			r.Reason = e.Text
		}
		if strings.HasPrefix(e.Text, "exit ") || strings.HasPrefix(e.Text, "signal ") {
			r.Exit = e.Text
		}
	case supervisor.Waiting, supervisor.Backoff:
	}
}

// graph is the graph of a target, or of everything, as it is written.
func (m *Manager) graph(_ context.Context, c control.Call) (any, error) {
	var p control.TargetParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	return inLoop(m, func() (any, error) {
		if p.Target != "" {
			if _, err := m.target(p.Target); err != nil {
				return nil, err
			}
		}
		states := map[string]string{}
		snap := m.machine.Snapshot(poll.Now())
		for i := range snap.Components {
			states[snap.Components[i].Name] = snap.Components[i].State.String()
		}
		return WireGraph(m.config, p.Target, states), nil
	})
}

// WireGraph is the graph of a target, or of everything, with the states that are known.
func WireGraph(config *targets.Config, target string, states map[string]string) control.GraphReply {
	g := control.GraphReply{Nodes: []control.Node{}, Edges: []control.Edge{}}
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		kind, edges := "target", targets.Edges{}
		if i, ok := config.Component(name); ok {
			kind, edges = kindOf(&config.Components[i]), config.Components[i].Edges
		} else if i, ok := config.Target(name); ok {
			edges = config.Targets[i].Edges
		}
		g.Nodes = append(g.Nodes, control.Node{Name: name, Kind: kind, State: states[name]})
		for _, e := range edgeLists(edges) {
			for _, to := range e.names {
				g.Edges = append(g.Edges, control.Edge{From: name, To: to, Kind: e.kind})
				if e.kind != "conflicts" && e.kind != "after" {
					visit(to)
				}
			}
		}
	}
	if target != "" {
		visit(target)
	} else {
		for i := range config.Targets {
			visit(config.Targets[i].Name)
		}
		for i := range config.Components {
			visit(config.Components[i].Name)
		}
	}
	slices.SortFunc(g.Nodes, func(a, b control.Node) int { return strings.Compare(a.Name, b.Name) })
	return g
}

type edgeList struct {
	kind  string
	names []string
}

func edgeLists(e targets.Edges) []edgeList {
	return []edgeList{
		{"depends_on", e.DependsOn}, {"depends_on_any", e.DependsOnAny}, {"wants", e.Wants}, {"after", e.After}, {"conflicts", e.Conflicts},
	}
}
