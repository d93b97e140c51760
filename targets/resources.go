package targets

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Resources is the [component.NAME.resources] table: what the cgroup of a component may use. What is nil, 0 or empty is not written,
// and then nothing is limited.
type Resources struct {
	MemoryMin, MemoryLow *int64         // bytes that are left to it when memory is short, and as far as that can be
	MemoryHigh           *int64         // bytes above which it is slowed down
	MemoryMax, SwapMax   *int64         // bytes; above the first the kernel kills; NoMax is no limit
	OOMGroup             bool           // and then everything of it at once
	CPUMax               *float64       // percent of one processor; NoMax is no limit
	CPUPeriod            time.Duration  // in which that is counted; 0 is DefaultCPUPeriod
	CPUWeight            int            // 1 to 10000
	CPUSet, MemorySet    []int          // sorted: processors, memory nodes
	PidsMax              *int64         // processes and threads
	IOMax                []IOLimit      // in the order written
	IOWeight             int            // 1 to 10000
	Pressure             []PressureMark // by resource
}

// NoMax is the value of a limit that was written as "unlimited".
const NoMax = -1

// DefaultCPUPeriod is the kernel's own.
const DefaultCPUPeriod = 100 * time.Millisecond

// The kernel's bounds of the period, and the least time that it gives in one (kernel/sched/core.c).
const (
	leastCPUPeriod, mostCPUPeriod = time.Millisecond, time.Second
	leastCPUQuota                 = time.Millisecond
)

// IOLimit are rates, each second, for the disk at a path or the one that a file there lies on; 0 is no limit.
type IOLimit struct {
	Path                                 string
	ReadBytes, WriteBytes, Reads, Writes int64
}

// PressureMark is a pressure that is told of: so much waiting for a resource in a window of time.
type PressureMark struct {
	Resource      string // "cpu", "io", "memory"
	Full          bool   // all its processes wait, not only some
	Stall, Window time.Duration
}

// Quota is the processor time in each period; NoMax is no limit.
func (r *Resources) Quota() time.Duration {
	if r.CPUMax == nil || *r.CPUMax < 0 {
		return NoMax
	}
	return time.Duration(math.Round(*r.CPUMax / 100 * float64(r.Period())))
}

// Period is the one that Quota is for.
func (r *Resources) Period() time.Duration {
	if r.CPUPeriod == 0 {
		return DefaultCPUPeriod
	}
	return r.CPUPeriod
}

// Written says whether anything of it is.
func (r *Resources) Written() bool { return !reflect.ValueOf(r).Elem().IsZero() }

func resourceFields() []field[Resources] {
	return []field[Resources]{
		{"memory_min", func(v value, r *Resources) { v.sizeOrNone(&r.MemoryMin, 0) }},
		{"memory_low", func(v value, r *Resources) { v.sizeOrNone(&r.MemoryLow, 0) }},
		{"memory_high", func(v value, r *Resources) { v.sizeOrNone(&r.MemoryHigh, 0) }},
		{"memory_max", func(v value, r *Resources) { v.sizeOrNone(&r.MemoryMax, leastMemory) }},
		{"swap_max", func(v value, r *Resources) { v.sizeOrNone(&r.SwapMax, 0) }},
		{"oom_group", func(v value, r *Resources) { v.bool(&r.OOMGroup) }},
		{"cpu_max", func(v value, r *Resources) { v.percent(&r.CPUMax) }},
		{"cpu_period", func(v value, r *Resources) { v.period(&r.CPUPeriod) }},
		{"cpu_weight", func(v value, r *Resources) { v.number(&r.CPUWeight, 1, maxWeight) }},
		{"cpuset", func(v value, r *Resources) { parsed(v, &r.CPUSet, parseCPUs) }},
		{"cpuset_mems", func(v value, r *Resources) { parsed(v, &r.MemorySet, parseNodes) }},
		{"pids_max", func(v value, r *Resources) { v.countOrNone(&r.PidsMax) }},
		{"io_max", func(v value, r *Resources) { v.ioLimits(&r.IOMax) }},
		{"io_weight", func(v value, r *Resources) { v.number(&r.IOWeight, 1, maxWeight) }},
		{"pressure", func(v value, r *Resources) { readPressure(v, &r.Pressure) }},
	}
}

// leastMemory is a page: with less nothing could even begin.
const leastMemory = 4096

// maxWeight is CGROUP_WEIGHT_MAX.
const maxWeight = 10000

// unlimited is how a limit is written that does not limit, over one of a template say.
const unlimited = "unlimited"

// readResources reads the table over its defaults, and holds its limits against each other.
func readResources(v value, to *Resources) {
	if readTable(v, resourceFields(), to) == nil {
		return
	}
	most := to.MemoryMax
	for _, l := range []struct {
		key string
		n   *int64
	}{{"memory_min", to.MemoryMin}, {"memory_low", to.MemoryLow}, {"memory_high", to.MemoryHigh}} {
		if most != nil && *most >= 0 && l.n != nil && *l.n > *most {
			v.l.fault(v.path()+"."+l.key, atValue, "is above memory_max, which is reached first", "")
		}
	}
	if q := to.Quota(); q >= 0 && q < leastCPUQuota {
		v.l.fault(v.path()+".cpu_max", atValue, q.String()+" in "+to.Period().String()+" is too little", "at least "+leastCPUQuota.String()+"; write a longer cpu_period")
	}
}

// sizeOrNone reads bytes or "unlimited".
func (v value) sizeOrNone(to **int64, low int64) {
	n := int64(NoMax)
	if v.x != unlimited {
		if v.size(&n, low); n < 0 {
			return
		}
	}
	*to = &n
}

// countOrNone reads a number of processes or "unlimited".
func (v value) countOrNone(to **int64) {
	n := int64(NoMax)
	if v.x != unlimited {
		var ok bool
		if n, ok = v.integer(1, 1<<22); !ok { // PID_MAX_LIMIT of the kernel
			return
		}
	}
	*to = &n
}

func (v value) percent(to **float64) {
	switch v.x.(type) {
	case int64, float64:
		v.mustBe("a string", fmt.Sprintf(`write "%v%%"`, v.x))
		return
	}
	parsed(v, to, parsePercent)
}

// parsePercent reads "150%", of one processor.
func parsePercent(text string) (percent *float64, what, hint string) {
	n := float64(NoMax)
	if text == unlimited {
		return &n, "", ""
	}
	digits, ok := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || strings.Trim(digits, "0123456789.") != "" {
		return nil, strconv.Quote(text) + " is not a share of processor time", `write percent of one processor, such as "150%", or "unlimited"`
	}
	if n <= 0 || n > maxCPU*100 {
		return nil, strconv.Quote(text) + " is out of range", "above 0%, 100% for each processor"
	}
	return &n, "", ""
}

func (v value) period(to *time.Duration) {
	var d time.Duration
	v.duration(&d, leastCPUPeriod)
	switch {
	case d > mostCPUPeriod:
		v.fault(d.String()+" is too long", "at most "+mostCPUPeriod.String())
	case d > 0:
		*to = d
	}
}

// parseNodes is parseCPUs for nodes of memory.
func parseNodes(text string) (nodes []int, what, hint string) {
	nodes, what, hint = parseCPUs(text)
	return nodes, strings.Replace(what, "processors", "memory nodes", 1), hint
}

// ioLimits reads a list of tables, each about one path.
func (v value) ioLimits(to *[]IOLimit) {
	var all []IOLimit
	seen := map[string]bool{}
	v.each("a list of tables", func(e value) {
		var l IOLimit
		own := readTable(e, ioFields(), &l)
		if own == nil {
			return
		}
		_, has := own["path"]
		switch {
		case !has:
			e.faultAt(atKey, "has no path", `add path = "/dev/DISK", or a file on it`)
		case l.Path != "" && seen[l.Path]:
			e.faultAt(atKey, strconv.Quote(l.Path)+" is limited twice", "")
		case len(own) == 1:
			e.faultAt(atKey, "limits nothing", "add rbps, wbps, riops or wiops")
		}
		seen[l.Path] = true
		all = append(all, l)
	})
	*to = all
}

func ioFields() []field[IOLimit] {
	return []field[IOLimit]{
		{"path", func(v value, l *IOLimit) { v.absolute(&l.Path) }},
		{"rbps", func(v value, l *IOLimit) { v.size(&l.ReadBytes, 1) }},
		{"wbps", func(v value, l *IOLimit) { v.size(&l.WriteBytes, 1) }},
		{"riops", func(v value, l *IOLimit) { v.rate(&l.Reads) }},
		{"wiops", func(v value, l *IOLimit) { v.rate(&l.Writes) }},
	}
}

// rate reads a number of reads or writes each second.
func (v value) rate(to *int64) {
	if n, ok := v.integer(1, math.MaxUint32); ok {
		*to = n
	}
}
