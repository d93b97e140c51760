package cgroups

import (
	"strings"
	"time"
)

// Stat is what the kernel has counted of a group, with the groups below it. What its controllers do not count is nil.
type Stat struct {
	Memory   *MemoryStat
	CPU      CPUStat // the first three also without the controller
	IO       []IOStat
	Pids     *PidsStat
	Pressure PressureStat
}

// MemoryStat is in bytes; Peak and SwapPeak are 0 before Linux 5.19 and 6.5.
type MemoryStat struct {
	Current, Peak, Swap, SwapPeak int64
	Events                        Events
}

// Events count what the limits of a group have done (memory.events).
type Events struct {
	Low, High, Max int64 // reclaimed below memory.low; slowed down above memory.high; at memory.max
	OOM            int64 // memory.max was reached, and nothing could be reclaimed
	Killed         int64 // processes, for any want of memory
	GroupKilled    int64 // times that all were killed at once
}

// CPUStat is processor time. Throttled counts the periods in which the quota was used up, ThrottledTime how long processes waited.
type CPUStat struct {
	Usage, User, System time.Duration
	Periods, Throttled  int64
	ThrottledTime       time.Duration
}

// IOStat is what was read from and written to one device, MAJOR:MINOR.
type IOStat struct {
	Device                               string
	ReadBytes, WriteBytes, Reads, Writes int64
}

// PidsStat counts processes and threads; Peak is 0 before Linux 6.1. Refused are those that the limit did not let come to life.
type PidsStat struct{ Current, Peak, Refused int64 }

// Stat reads it all. A group that is not there has used nothing.
func (t *Tree) Stat(name string) Stat {
	s := Stat{CPU: parseCPU(t.text(name, "cpu.stat")), Pressure: t.Pressure(name)}
	if n, ok := t.number(name, "memory.current"); ok {
		m := MemoryStat{Current: n, Events: parseEvents(t.text(name, "memory.events"))}
		m.Peak, _ = t.number(name, "memory.peak")
		m.Swap, _ = t.number(name, "memory.swap.current")
		m.SwapPeak, _ = t.number(name, "memory.swap.peak")
		s.Memory = &m
	}
	if n, ok := t.number(name, "pids.current"); ok {
		p := PidsStat{Current: n, Refused: keyed(t.text(name, "pids.events"))("max")}
		p.Peak, _ = t.number(name, "pids.peak")
		s.Pids = &p
	}
	s.IO = parseDevices(t.text(name, "io.stat"))
	return s
}

// text is a file of a group, "" where it is not there.
func (t *Tree) text(name, file string) string {
	b, err := t.read(name, file, make([]byte, 0, 1024))
	if err != nil {
		return ""
	}
	return string(b)
}

// keyed finds the numbers of a file of lines "KEY NUMBER".
func keyed(text string) func(key string) int64 {
	return func(key string) int64 {
		for line := range strings.Lines(text) {
			if n, ok := strings.CutPrefix(line, key+" "); ok {
				return after(strings.TrimSpace(n), "")
			}
		}
		return 0
	}
}

func parseCPU(text string) CPUStat {
	n := keyed(text)
	return CPUStat{
		Usage: micro(n("usage_usec")), User: micro(n("user_usec")), System: micro(n("system_usec")),
		Periods: n("nr_periods"), Throttled: n("nr_throttled"), ThrottledTime: micro(n("throttled_usec")),
	}
}

// micro is a number of microseconds, as far as a Duration goes.
func micro(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Microsecond)
	return time.Duration(min(n, most)) * time.Microsecond
}

func parseEvents(text string) Events {
	n := keyed(text)
	return Events{
		Low: n("low"), High: n("high"), Max: n("max"), OOM: n("oom"), Killed: n("oom_kill"), GroupKilled: n("oom_group_kill"),
	}
}

// parseDevices reads io.stat: lines such as "8:0 rbytes=90 wbytes=12 rios=3 wios=1 dbytes=0 dios=0".
func parseDevices(text string) []IOStat {
	var all []IOStat
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue // a device that has been used by others only
		}
		d := IOStat{Device: f[0]}
		for _, field := range f[1:] {
			d.ReadBytes += after(field, "rbytes=")
			d.WriteBytes += after(field, "wbytes=")
			d.Reads += after(field, "rios=")
			d.Writes += after(field, "wios=")
		}
		all = append(all, d)
	}
	return all
}
