package manager

import (
	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/control"
)

// statistics reads what the kernel has counted of a component, in the goroutine of who asks.
func (m *Manager) statistics(name string) *control.Statistics {
	s := m.tree.Stat(name)
	w := &control.Statistics{
		CPU: control.CPUStatistics{
			UserMS: ms(s.CPU.User), SystemMS: ms(s.CPU.System),
			Periods: s.CPU.Periods, ThrottledPeriods: s.CPU.Throttled, ThrottledMS: ms(s.CPU.ThrottledTime),
		},
		IO: []control.DeviceStatistics{}, Pressure: []control.Pressure{},
	}
	if mem := s.Memory; mem != nil {
		w.Memory = &control.MemoryStatistics{
			CurrentBytes: mem.Current, PeakBytes: mem.Peak, SwapBytes: mem.Swap, SwapPeakBytes: mem.SwapPeak,
			BelowLow: mem.Events.Low, AtHigh: mem.Events.High, AtMax: mem.Events.Max, OOM: mem.Events.OOM,
			Killed: mem.Events.Killed, GroupKilled: mem.Events.GroupKilled,
		}
	}
	if s.Pids != nil {
		w.Pids = &control.PidsStatistics{Current: s.Pids.Current, Peak: s.Pids.Peak, Refused: s.Pids.Refused}
	}
	for _, d := range s.IO {
		w.IO = append(w.IO, control.DeviceStatistics(d))
	}
	for _, resource := range []string{"cpu", "memory", "io"} {
		if p := s.Pressure.Of(resource); p != nil {
			w.Pressure = append(w.Pressure, wirePressure(resource, "some", p.Some), wirePressure(resource, "full", p.Full))
		}
	}
	return w
}

func wirePressure(resource, kind string, s cgroups.Stall) control.Pressure {
	return control.Pressure{Resource: resource, Kind: kind, Avg10: s.Avg10, Avg60: s.Avg60, Avg300: s.Avg300, TotalMS: ms(s.Total)}
}
