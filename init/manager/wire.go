package manager

import (
	"strings"
	"time"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/supervisor"
)

// What the machine says, in the types that travel.

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// duration is the inverse of ms, within a hundred years: what is more is different on each processor (Go specification, Conversions).
func duration(ms float64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	return time.Duration(max(-float64(most), min(ms*float64(time.Millisecond), float64(most))))
}

func wireResult(r supervisor.Result) control.Result {
	why := r.Why
	if len(r.Hints) > 0 {
		why += "; did you mean " + strings.Join(r.Hints, " or ") + "?"
	}
	return control.Result{
		Target: r.Target, Result: r.Kind.String(), By: r.By, Why: why,
		Failed: wireFailures(r.Failed), Degraded: wireFailures(r.Degraded), TookMS: ms(time.Duration(r.Took)),
	}
}

func wireFailures(list []supervisor.Failure) []control.Failure {
	out := make([]control.Failure, 0, len(list))
	for _, f := range list {
		out = append(out, control.Failure{Name: f.Name, Step: f.Step, Reason: f.Reason})
	}
	return out
}

func (m *Manager) wireComponent(s *supervisor.ComponentStatus) control.Component {
	c := m.wireState(s)
	if u := m.byName[s.Name]; u != nil {
		c.MemoryBytes, c.CPUMS = m.memoryAndCPU(u)
	}
	return c
}

// wireState is a component without what it uses.
func (m *Manager) wireState(s *supervisor.ComponentStatus) control.Component {
	c := control.Component{
		Name: s.Name, State: s.State.String(), Run: s.Run, Restarts: int(s.Restarts), Wanted: s.Wanted,
		Reason: s.Reason, Health: "ok", StatusText: s.Text, StartMS: ms(s.Start), ReadyMS: ms(s.Ready), SinceMS: ms(s.Since),
		Conditions: append([]string{}, s.Announces...),
		Heartbeat:  s.Heartbeat, Missed: []string{},
	}
	if s.Degraded {
		c.Health = "degraded"
	}
	if s.State == supervisor.Ready {
		c.Reason = ""
	}
	if s.Exit != nil {
		c.Exit = wireExit(*s.Exit)
	}
	if u := m.byName[s.Name]; u != nil {
		if u.main != nil {
			c.PID = u.main.number()
		}
		if c.Missed = append(c.Missed, u.missingLimits()...); len(c.Missed) > 0 {
			c.Health = "degraded"
		}
		for _, miss := range m.misses(u, s) {
			c.Health = "degraded"
			c.Missed = append(c.Missed, miss.String())
		}
	}
	return c
}

func wireExit(s supervisor.Status) *control.Exit {
	if s.Unknown {
		return &control.Exit{}
	}
	if s.Signal != 0 {
		return &control.Exit{Signal: supervisor.SignalName(s.Signal), Core: s.Core}
	}
	code := s.Code
	return &control.Exit{Code: &code}
}

func wireEvent(e journal.Event) control.Event {
	w := control.Event{Seq: e.Seq, TimeMS: ms(e.Time), Run: e.Run, Reason: e.Text}
	switch e.Kind {
	case journal.Component:
		w.Kind, w.Component = "component", e.Name
		w.From, w.To = supervisor.State(e.From).String(), supervisor.State(e.To).String()
	case journal.Target:
		w.Kind, w.Target, w.To = "target", e.Name, supervisor.Top(e.To).String()
	case journal.System:
		w.Kind = "system"
	}
	return w
}

var sources = map[logs.Source]string{logs.Out: "out", logs.Err: "err", logs.Orderly: "orderly"}

func wireLine(l logs.Line) control.LogLine {
	return control.LogLine{
		Name: l.Name, Time: l.Wall.UTC().Format(time.RFC3339Nano), TimeMS: ms(l.Mono), Run: l.Run, Source: sources[l.Source], Text: l.Text,
	}
}
