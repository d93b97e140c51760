package targets

import (
	"slices"
	"strconv"
	"strings"
)

// Scheduling is the [component.NAME.scheduling] table. What is not written is as Orderly was started.
type Scheduling struct {
	Policy         string // "other", "batch", "idle", "fifo", "rr", "deadline"; "" is not written (sched(7))
	Priority       int    // of fifo and rr, 1 to 99; else 0
	Nice           *int   // -20 to 19
	CPUs           []int  // sorted; the processors that it may use
	IOClass        string // "realtime", "best-effort", "idle"; "" is not written (ioprio_set(2))
	IOPriority     int    // of realtime and best-effort, 0 is the highest, 7 the lowest
	Deadline              // of policy deadline
	OOMScoreAdjust *int   // -1000 to 1000; 0 where Orderly protects itself and this is not written
}

// defaultIOPriority is the middle of a class (ioprio_set(2)).
const defaultIOPriority = 4

// maxCPU bounds the numbers of processors: the size of the C library's cpu_set_t (CPU_SET(3)).
const maxCPU = 1023

func schedulingFields() []field[Scheduling] {
	return append([]field[Scheduling]{
		{"policy", func(v value, s *Scheduling) { v.words(&s.Policy, "other", "batch", "idle", "fifo", "rr", "deadline") }},
		{"priority", func(v value, s *Scheduling) { v.number(&s.Priority, 1, 99) }},
		{"nice", func(v value, s *Scheduling) { v.optional(&s.Nice, -20, 19) }},
		{"cpus", func(v value, s *Scheduling) { parsed(v, &s.CPUs, parseCPUs) }},
		{"io_class", func(v value, s *Scheduling) { v.words(&s.IOClass, "realtime", "best-effort", "idle") }},
		{"io_priority", func(v value, s *Scheduling) { v.number(&s.IOPriority, 0, 7) }},
		{"oom_score_adjust", func(v value, s *Scheduling) { v.optional(&s.OOMScoreAdjust, -1000, 1000) }},
	}, deadlineFields()...)
}

// optional reads a whole number that may be left out.
func (v value) optional(to **int, low, high int64) {
	if n, ok := v.integer(low, high); ok {
		i := int(n)
		*to = &i
	}
}

// readScheduling reads the table over its defaults. A policy or class that knows no priority drops a default one.
func readScheduling(v value, to *Scheduling) {
	before := *to
	own := readTable(v, schedulingFields(), to)
	_, hasPriority := own["priority"]
	_, hasIOPriority := own["io_priority"]
	realTime := to.Policy == "fifo" || to.Policy == "rr"
	switch {
	case realTime && to.Priority == 0 && !hasPriority:
		v.faultAt(atKey, strconv.Quote(to.Policy)+" needs a priority", "add priority = 1, up to 99")
	case !realTime && hasPriority:
		v.l.fault(v.path()+".priority", atKey, "is used by fifo and rr only", `write policy = "fifo" or "rr"`)
	case !realTime:
		to.Priority = 0
	}
	v.checkDeadline(own, to)
	levels := to.IOClass == "realtime" || to.IOClass == "best-effort"
	switch {
	case !levels && hasIOPriority:
		v.l.fault(v.path()+".io_priority", atKey, "is used by realtime and best-effort only", `write io_class = "best-effort"`)
	case !levels:
		to.IOPriority = 0
	case !hasIOPriority && (before.IOClass == "" || before.IOClass == "idle"):
		to.IOPriority = defaultIOPriority
	}
}

// parseCPUs reads numbers and ranges of processors, such as "0-3,5", into a sorted list.
func parseCPUs(text string) (cpus []int, what, hint string) {
	const form = `write numbers and ranges, such as "0-3,5"`
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 31)
		to, errTo := strconv.ParseUint(last, 10, 31)
		switch {
		case err != nil || errTo != nil:
			return nil, strconv.Quote(text) + " is not a list of processors", form
		case from > to:
			return nil, strconv.Quote(part) + " is a range that ends before it begins", form
		case to > maxCPU:
			return nil, strconv.FormatUint(to, 10) + " is out of range", "0 to " + strconv.Itoa(maxCPU)
		}
		for n := from; n <= to; n++ {
			cpus = append(cpus, int(n))
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), "", ""
}

// CPUText is a sorted list of processors as it is written.
func CPUText(cpus []int) string {
	var parts []string
	for i := 0; i < len(cpus); {
		end := i + 1
		for end < len(cpus) && cpus[end] == cpus[end-1]+1 {
			end++
		}
		part := strconv.Itoa(cpus[i])
		if end > i+1 {
			part += "-" + strconv.Itoa(cpus[end-1])
		}
		parts, i = append(parts, part), end
	}
	return strings.Join(parts, ",")
}
