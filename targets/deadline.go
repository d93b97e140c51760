package targets

import "time"

// Deadline is what policy "deadline" promises the process: Runtime of processor time in every Period, and that within
// Deadline of its beginning (sched(7)). Zero where the policy is another.
type Deadline struct {
	Runtime, Deadline, Period time.Duration
}

// minRuntime is the shortest that the kernel counts, 2^DL_SCALE nanoseconds.
const minRuntime = 1024 * time.Nanosecond

func deadlineFields() []field[Scheduling] {
	return []field[Scheduling]{
		{"runtime", func(v value, s *Scheduling) { v.duration(&s.Runtime, minRuntime) }},
		{"deadline", func(v value, s *Scheduling) { v.duration(&s.Deadline.Deadline, minRuntime) }},
		{"period", func(v value, s *Scheduling) { v.duration(&s.Period, minRuntime) }},
	}
}

// checkDeadline holds the three times against the policy and against each other, as sched_setattr(2) does. Another
// policy drops those of the defaults; a period that nobody wrote is the deadline.
func (v value) checkDeadline(own map[string]any, s *Scheduling) {
	if s.Policy != "deadline" {
		for _, f := range deadlineFields() {
			if _, has := own[f.key]; has {
				v.l.fault(v.path()+"."+f.key, atKey, "is used by deadline only", `write policy = "deadline"`)
			}
		}
		s.Deadline = Deadline{}
		return
	}
	d := &s.Deadline
	if d.Period == 0 {
		d.Period = d.Deadline
	}
	switch {
	case d.Runtime == 0 || d.Deadline == 0:
		if own["runtime"] == nil && s.Runtime == 0 || own["deadline"] == nil && d.Deadline == 0 {
			v.faultAt(atKey, `"deadline" needs runtime and deadline`, `such as runtime = "2ms", deadline = "10ms"`)
		}
	case d.Runtime > d.Deadline:
		v.faultAt(atKey, "runtime, "+d.Runtime.String()+", is longer than deadline, "+d.Deadline.String(), "runtime <= deadline <= period")
	case d.Deadline > d.Period:
		v.faultAt(atKey, "deadline, "+d.Deadline.String()+", is longer than period, "+d.Period.String(), "runtime <= deadline <= period")
	}
	if s.CPUs != nil {
		v.faultAt(atKey, `"deadline" and cpus exclude each other`, "the kernel places such a process on every processor of its cpuset")
	}
}
