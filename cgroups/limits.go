package cgroups

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Unlimited is the value of a limit that does not limit, "max" in the kernel's files.
const Unlimited = -1

// Limits are what a group may use, as plain data. What is nil, 0, empty or Unlimited is not written and stays what the kernel gives a
// new group, and needs no controller.
type Limits struct {
	MemoryMin, MemoryLow *int64 // bytes that reclaim leaves alone, and as far as it can
	MemoryHigh           *int64 // bytes above which processes are slowed down and reclaimed from
	MemoryMax, SwapMax   *int64 // bytes; above the first somebody is killed
	OOMGroup             bool   // and all with it
	CPUMax               *CPUMax
	CPUWeight            int    // 1 to 10000, 100 by default
	CPUs, Mems           []int  // processors and memory nodes; none is all
	PidsMax              *int64 // processes and threads
	IOMax                []IOMax
	IOWeight             int // 1 to 10000, 100 by default
}

// CPUMax is so much processor time in each period. A negative Quota is no limit.
type CPUMax struct{ Quota, Period time.Duration }

// IOMax are rates for one block device, each second; 0 is no limit.
type IOMax struct {
	Device                               string // MAJOR:MINOR, see Device
	ReadBytes, WriteBytes, Reads, Writes uint64
}

// Setting is a file of a group and what is written into it.
type Setting struct{ File, Value string }

// Controller is the one that the file belongs to.
func (s Setting) Controller() string {
	name, _, _ := strings.Cut(s.File, ".")
	return name
}

// Settings are what the limits come to, in the order in which they are written.
func (l *Limits) Settings() []Setting {
	var w settings
	w.amount("memory.min", l.MemoryMin)
	w.amount("memory.low", l.MemoryLow)
	w.amount("memory.high", l.MemoryHigh)
	w.amount("memory.swap.max", l.SwapMax)
	w.amount("memory.max", l.MemoryMax)
	w.when(l.OOMGroup, "memory.oom.group", "1")
	if c := l.CPUMax; c != nil {
		w.when(c.Quota >= 0, "cpu.max", c.String())
	}
	w.when(l.CPUWeight > 0, "cpu.weight", strconv.Itoa(l.CPUWeight))
	w.when(len(l.Mems) > 0, "cpuset.mems", list(l.Mems))
	w.when(len(l.CPUs) > 0, "cpuset.cpus", list(l.CPUs))
	w.amount("pids.max", l.PidsMax)
	for _, d := range l.IOMax {
		w.when(true, "io.max", d.String())
	}
	w.when(l.IOWeight > 0, "io.weight", strconv.Itoa(l.IOWeight))
	return w
}

// Controllers are those that the limits need, by name.
func (l *Limits) Controllers() []string {
	var names []string
	for _, s := range l.Settings() {
		if !slices.Contains(names, s.Controller()) {
			names = append(names, s.Controller())
		}
	}
	slices.Sort(names)
	return names
}

// Change are the settings that lead from other limits, of a group that is in use, to these: what is the same stays, and what
// is not written any more becomes what it is in a new group.
func (l *Limits) Change(from *Limits) []Setting {
	old, all := from.Settings(), l.Settings()
	var change []Setting
	for _, s := range old {
		if !slices.ContainsFunc(all, s.replaces) {
			change = append(change, s.undone())
		}
	}
	for _, s := range all {
		if !slices.Contains(old, s) {
			change = append(change, s)
		}
	}
	return change
}

// replaces says whether two settings are about the same: in io.max each device has its own line.
func (s Setting) replaces(other Setting) bool {
	return s.File == other.File && (s.File != "io.max" || device(s.Value) == device(other.Value))
}

// undone is the setting as it is in a new group (cgroup-v2 in the kernel's documentation).
func (s Setting) undone() Setting {
	switch s.File {
	case "memory.min", "memory.low", "memory.oom.group":
		return Setting{s.File, "0"}
	case "cpu.max":
		return Setting{s.File, (&CPUMax{Unlimited, 100 * time.Millisecond}).String()}
	case "cpu.weight", "io.weight":
		return Setting{s.File, "100"}
	case "cpuset.cpus", "cpuset.mems":
		return Setting{s.File, "\n"}
	case "io.max":
		return Setting{s.File, (&IOMax{Device: device(s.Value)}).String()}
	}
	return Setting{s.File, "max"}
}

func device(line string) string {
	name, _, _ := strings.Cut(line, " ")
	return name
}

type settings []Setting

func (w *settings) when(written bool, file, value string) {
	if written {
		*w = append(*w, Setting{file, value})
	}
}

func (w *settings) amount(file string, n *int64) {
	if n != nil {
		w.when(*n >= 0, file, amount(*n))
	}
}

func amount(n int64) string {
	if n < 0 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

// String is the line of cpu.max, in microseconds.
func (c *CPUMax) String() string {
	quota := "max"
	if c.Quota >= 0 {
		quota = amount(c.Quota.Microseconds())
	}
	return quota + " " + amount(c.Period.Microseconds())
}

// String is the line of io.max.
func (d *IOMax) String() string {
	rate := func(n uint64) string {
		if n == 0 {
			return "max"
		}
		return strconv.FormatUint(n, 10)
	}
	return fmt.Sprintf("%s rbps=%s wbps=%s riops=%s wiops=%s", d.Device, rate(d.ReadBytes), rate(d.WriteBytes), rate(d.Reads), rate(d.Writes))
}

func list(numbers []int) string {
	texts := make([]string, 0, len(numbers))
	for _, n := range numbers {
		texts = append(texts, strconv.Itoa(n))
	}
	return strings.Join(texts, ",")
}

// instead is what a kernel without the cost model of blk-iocost may have: the weight of the BFQ scheduler, from 1 to 1000, with the
// same middle.
func (s Setting) instead() (Setting, bool) {
	n, err := strconv.Atoi(s.Value)
	if s.File != "io.weight" || err != nil {
		return Setting{}, false
	}
	const middle, most, bfqMost = 100, 10000, 1000
	if n > middle {
		n = middle + (n-middle)*(bfqMost-middle)/(most-middle)
	}
	return Setting{"io.bfq.weight", strconv.Itoa(n)}, true
}
