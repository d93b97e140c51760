package manager

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// methods are the control interface. Each runs in the goroutine of its connection and asks the loop.
func (m *Manager) methods() map[string]control.Method {
	look := func(f func(context.Context, control.Call) (any, error)) control.Method {
		return control.Method{Access: control.Look, Serve: f}
	}
	alter := func(f func(context.Context, control.Call) (any, error)) control.Method {
		return control.Method{Access: control.Alter, Serve: f}
	}
	byHand := func(event func(supervisor.Request, []int, *control.StartParam) supervisor.Event) control.Method {
		return alter(func(ctx context.Context, c control.Call) (any, error) { return m.byHand(ctx, c, event) })
	}
	return map[string]control.Method{
		"GetStatus": look(m.getStatus),
		"GetUsage":  look(m.getUsage),
		"Show":      look(m.show),
		"List":      look(m.list),
		"Wait":      look(m.wait),
		"Plan":      look(m.plan),
		"Why":       look(m.why),
		"Graph":     look(m.graph),
		"Log":       look(m.log),
		"Events":    look(m.events),
		"History":   look(m.history),
		"Activate":  alter(m.activate),
		"Start": byHand(func(r supervisor.Request, n []int, p *control.StartParam) supervisor.Event {
			return supervisor.Start{Request: r, Components: n, Debug: p.Debug, Hold: p.Hold}
		}),
		"Adopt": alter(m.adoptCall),
		"Release": byHand(func(r supervisor.Request, n []int, _ *control.StartParam) supervisor.Event {
			return supervisor.Release{Request: r, Components: n}
		}),
		"Stop": byHand(func(r supervisor.Request, n []int, _ *control.StartParam) supervisor.Event {
			return supervisor.Stop{Request: r, Components: n}
		}),
		"Restart": byHand(func(r supervisor.Request, n []int, _ *control.StartParam) supervisor.Event {
			return supervisor.Restart{Request: r, Components: n}
		}),
		"Reload": byHand(func(r supervisor.Request, n []int, _ *control.StartParam) supervisor.Event {
			return supervisor.Reload{Request: r, Components: n}
		}),
		"Enter":   alter(m.enterCall),
		"Apply":   alter(m.applyCall),
		"Confirm": alter(m.confirm),
		"Upgrade": alter(m.upgrade),
		"End":     alter(m.endCall),
	}
}

// component finds a component by name; the loop's goroutine calls it.
func (m *Manager) component(name string) (*unit, error) {
	if u := m.byName[name]; u != nil && !m.gone(u) {
		return u, nil
	}
	var names []string
	for _, u := range m.units {
		if !m.gone(u) {
			names = append(names, u.name)
		}
	}
	return nil, control.Refused(targets.Nearest(name, names), "no component %s%s", name, m.otherwise(name, names))
}

// otherwise tells what a name is that is none of a component.
func (m *Manager) otherwise(name string, components []string) string {
	if _, ok := m.config.Target(name); ok {
		return ", but a run target"
	}
	instances := slices.DeleteFunc(slices.Clone(components), func(c string) bool { return !strings.HasPrefix(c, name+"@") })
	if len(instances) == 0 {
		return ""
	}
	return ", but its instances " + strings.Join(instances, ", ")
}

// gone says that a component was removed from the configuration and has stopped.
func (m *Manager) gone(u *unit) bool {
	state, _ := m.machine.StateOf(u.number)
	return u.number >= len(m.config.Components) && (state == supervisor.Down || state == supervisor.Failed)
}

func (m *Manager) target(name string) (int, error) {
	if t, ok := m.config.Target(name); ok {
		return t, nil
	}
	var names []string
	for i := range m.config.Targets {
		names = append(names, m.config.Targets[i].Name)
	}
	if u := m.byName[name]; u != nil && !m.gone(u) {
		return 0, control.Refused(nil, "no run target %s, but a component", name)
	}
	return 0, control.Refused(targets.Nearest(name, names), "no run target %s", name)
}

// inLoop runs f in the loop's goroutine and returns what it returns.
func inLoop[T any](m *Manager, f func() (T, error)) (out T, err error) {
	if !m.loop.Call(func() { out, err = f() }) {
		return out, errEnding
	}
	return out, err
}

// byHand is start, stop, restart, reload and release. Names of targets stand for their components.
func (m *Manager) byHand(ctx context.Context, c control.Call, event func(supervisor.Request, []int, *control.StartParam) supervisor.Event) (any, error) {
	var p control.StartParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if len(p.Names) == 0 {
		return nil, control.Refused(nil, "a name is required")
	}
	r, err := m.result(ctx, func(id supervisor.Request) error {
		numbers, err := m.numbers(p.Names)
		if err == nil {
			m.post(event(id, numbers, &p))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return control.ResultReply{Result: wireResult(r)}, nil
}

// numbers are the numbers of names, where a target stands for all its members.
func (m *Manager) numbers(names []string) ([]int, error) {
	return m.resolve(names, m.machine.Graph().Members)
}

// resolve finds components by name, and those that a target stands for.
func (m *Manager) resolve(names []string, members func(target int) []int) ([]int, error) {
	var all []int
	for _, name := range names {
		if t, ok := m.config.Target(name); ok {
			all = append(all, members(t)...)
			continue
		}
		u, err := m.component(name)
		if err != nil {
			return nil, err
		}
		all = append(all, u.number)
	}
	return all, nil
}

// activate switches the run target. With more it tells the progress, at most ten times a second.
func (m *Manager) activate(ctx context.Context, c control.Call) (any, error) {
	var p control.ActivateParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	results, err := m.request(func(id supervisor.Request) error {
		target, err := m.target(p.Target)
		if err == nil {
			m.post(supervisor.Activate{Request: id, Target: target, Queue: p.Queue, StopFirst: p.StopFirst})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.NoWait {
		return control.ActivateReply{}, nil
	}
	return m.follow(ctx, c, results)
}

// progressEvery bounds how often a caller is told of the progress.
const progressEvery = 100 * time.Millisecond

func (m *Manager) follow(ctx context.Context, c control.Call, results <-chan supervisor.Result) (any, error) {
	for {
		var news <-chan struct{}
		if c.More {
			progress, err := inLoop(m, func() (*control.Progress, error) {
				news = m.callers.change()
				return m.progress(), nil
			})
			if err != nil {
				return nil, err
			}
			if err := c.Send(control.ActivateReply{Progress: progress}); err != nil {
				return nil, err
			}
		}
		select {
		case r := <-results:
			result := wireResult(r)
			return control.ActivateReply{Result: &result}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-news:
		}
		if done := sleep(ctx, progressEvery, results); done != nil {
			result := wireResult(*done)
			return control.ActivateReply{Result: &result}, nil
		}
	}
}

// sleep waits a moment, but not longer than for the result.
func sleep(ctx context.Context, d time.Duration, results <-chan supervisor.Result) *supervisor.Result {
	select {
	case r := <-results:
		return &r
	case <-ctx.Done():
	case <-time.After(d):
	}
	return nil
}

// upgrade lets the keeper start another binary as the manager; the present one ends in order.
func (m *Manager) upgrade(_ context.Context, c control.Call) (any, error) {
	var p control.UpgradeParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if p.Binary == "" {
		p.Binary = m.installed()
	}
	file, err := openBinary(p.Binary)
	if err != nil {
		return nil, control.Refused(nil, "%v", err)
	}
	defer file.Close()
	return inLoop(m, func() (any, error) {
		m.system(targets.Info, "upgrade to "+p.Binary)
		return control.Empty{}, m.replace(file)
	})
}

// endCall is poweroff, reboot, halt, kexec and, where Orderly is not PID 1, exit.
func (m *Manager) endCall(_ context.Context, c control.Call) (any, error) {
	var p control.EndParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	end, ok := ends[p.How]
	switch {
	case !ok:
		return nil, control.Refused(nil, "no end %q; it is poweroff, reboot, halt, kexec or exit", p.How)
	case !m.PID1 && end != supervisor.Exit:
		return nil, control.Refused(nil, "%s: Orderly is not PID 1 here; SIGTERM ends it", p.How)
	case end == supervisor.Kexec && !boot.KexecLoaded():
		return nil, control.Refused(nil, "kexec: no kernel is loaded; kexec -l loads one")
	}
	return inLoop(m, func() (any, error) {
		if p.Now {
			m.finishNow(end)
			return control.Empty{}, nil
		}
		if m.stopping != supervisor.GoOn && m.stopping != end {
			return nil, control.Refused(nil, "%s is under way", m.stopping)
		}
		m.shutdown(end)
		return control.Empty{}, nil
	})
}

var ends = map[string]supervisor.End{
	"poweroff": supervisor.Poweroff, "reboot": supervisor.Reboot, "halt": supervisor.Halt, "kexec": supervisor.Kexec,
	"exit": supervisor.Exit,
}
