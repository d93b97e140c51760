package manager

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// attributes are the limits, the scheduling and the privileges of a process.
func (m *Manager) attributes(u *unit, s *runtime.Spec) error {
	def := u.def
	for _, l := range def.Limits {
		s.Limits = append(s.Limits, runtime.Limit(l))
	}
	s.Capabilities, s.Ambient = def.Security.Capabilities, def.Security.AmbientCapabilities
	s.Securebits, s.NoASLR = def.Security.Securebits, def.Security.NoASLR
	var err error
	if s.Filter, err = m.filter(u); err != nil {
		return &stepError{"seccomp", err}
	}
	s.FilterEarly = onlyPlainTCP(&def.Security) // allows the rest of the start, and takes no privileges away
	sandbox(def, s)
	s.NoNewPrivileges = def.Security.NoNewPrivileges
	d := &def.Scheduling
	s.Nice, s.CPUs, s.OOMScoreAdjust = d.Nice, d.CPUs, d.OOMScoreAdjust
	if zero := 0; s.OOMScoreAdjust == nil && m.shielded {
		s.OOMScoreAdjust = &zero
	}
	switch d.Policy {
	case "":
	case "deadline":
		attr := runtime.Deadline(d.Deadline)
		s.Deadline = &attr
	default:
		s.Scheduler = &runtime.Scheduler{Policy: policyNumber(d.Policy), Priority: d.Priority}
	}
	if d.IOClass != "" {
		s.IO = &runtime.IOPriority{Class: ioClassNumber(d.IOClass), Level: d.IOPriority}
	}
	return nil
}

// policyNumber is the kernel's number of a scheduling policy, see sched(7).
func policyNumber(policy string) int {
	switch policy {
	case "batch":
		return unix.SCHED_BATCH
	case "idle":
		return unix.SCHED_IDLE
	case "fifo":
		return unix.SCHED_FIFO
	case "rr":
		return unix.SCHED_RR
	}
	return unix.SCHED_NORMAL
}

// ioClassNumber is the kernel's number of a class, see ioprio_set(2).
func ioClassNumber(class string) int {
	switch class {
	case "realtime":
		return 1
	case "idle":
		return 3
	}
	return 2
}
