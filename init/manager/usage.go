package manager

import (
	"context"
	"maps"
	"os"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// What components use is measured when somebody asks, in the goroutine of who asks: the loop only says who there is.

// asked is one component whose use is to be measured.
type asked struct {
	use    control.Usage
	alive  bool    // it may have processes
	leader int     // its session, where there are no cgroups
	ended  float64 // processor time of its runs that have ended, milliseconds
}

func (m *Manager) getUsage(context.Context, control.Call) (any, error) {
	var list []asked
	var forgone map[int]bool
	reply, err := inLoop(m, func() (control.UsageReply, error) {
		snap := m.machine.Snapshot(poll.Now())
		forgone = maps.Clone(m.forgone)
		list = make([]asked, len(snap.Components))
		for i := range snap.Components {
			list[i] = m.askAfter(&snap.Components[i])
		}
		return control.UsageReply{Target: snap.Target, State: snap.State.String()}, nil
	})
	if err != nil {
		return nil, err
	}
	if m.tree == nil {
		err = measureScattered(list, forgone)
	} else {
		m.measureGroups(list)
	}
	if err != nil {
		return nil, control.Failed("measure: %v", err)
	}
	reply.TimeMS, reply.Components = ms(poll.Now()), make([]control.Usage, len(list))
	for i := range list {
		reply.Components[i] = list[i].use
	}
	return reply, nil
}

// askAfter is what the loop knows of a component.
func (m *Manager) askAfter(s *supervisor.ComponentStatus) asked {
	a := asked{use: control.Usage{Component: m.wireState(s), Pressure: []control.Waited{}}}
	if n, ok := m.machine.LastBeats(s.Component); ok {
		a.use.Beats = &n
	}
	u := m.units[s.Component]
	a.use.BeatsMin = u.def.Heartbeat.Min
	a.alive, a.leader, a.ended = u.group != groupGone, int(u.leader), float64(u.cpu)/1e6
	return a
}

func (m *Manager) measureGroups(list []asked) {
	for i := range list {
		a := &list[i]
		if a.alive {
			a.set(m.tree.Usage(a.use.Component.Name))
			continue
		}
		a.use.Component.CPUMS = a.ended
	}
}

// measureScattered sums over the processes that belong to each component, found with one walk of /proc.
func measureScattered(list []asked, forgone map[int]bool) error {
	strays := marked()
	roots := make([][]int, len(list))
	for i := range list {
		if a := &list[i]; a.alive {
			roots[i] = append(strays[a.use.Component.Name], a.leader)
		}
	}
	families, err := runtime.Families(roots)
	if err != nil {
		return err
	}
	for i := range list {
		var pids []int
		for _, pid := range families[i] {
			if !forgone[pid] {
				pids = append(pids, pid)
			}
		}
		list[i].set(cgroups.Sum(pids))
		list[i].use.Component.CPUMS += list[i].ended
	}
	return nil
}

func (a *asked) set(u cgroups.Usage) {
	c := &a.use.Component
	c.CPUMS, c.MemoryBytes = ms(u.CPU), u.Memory
	a.use.Tasks, a.use.ReadBytes, a.use.WriteBytes, a.use.Throttled = u.Tasks, u.Read, u.Written, ms(u.Throttled)
	for _, resource := range []string{"cpu", "memory", "io"} {
		if p := u.Pressure.Of(resource); p != nil {
			a.use.Pressure = append(a.use.Pressure, control.Waited{Resource: resource, Avg10: p.Some.Avg10})
		}
	}
}

// marked are the children of the keeper, by the component that their environment names.
func marked() map[string][]int {
	keeper := itoa(os.Getppid())
	found := map[string][]int{}
	b, err := os.ReadFile("/proc/" + keeper + "/task/" + keeper + "/children")
	if err != nil {
		return found
	}
	for _, field := range strings.Fields(string(b)) {
		env, err := os.ReadFile("/proc/" + field + "/environ")
		if err != nil {
			continue
		}
		for _, setting := range strings.Split(string(env), "\x00") {
			if name, ok := strings.CutPrefix(setting, "ORDERLY_COMPONENT="); ok {
				pid, _ := strconv.Atoi(field)
				found[name] = append(found[name], pid)
				break
			}
		}
	}
	return found
}
