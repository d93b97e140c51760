package runtime

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// scheduling sets what is the process's, before it has any other thread: all
// that it starts inherits it.
func (l *list) scheduling() {
	if n := l.host.TimerSlack; n > 0 {
		l.do("timer slack", strconv.FormatUint(uint64(n), 10), "prctl", unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, n, 0, 0, 0)
	}
	l.as(CPUsPart, l.cpus)
	l.as(IOPart, l.ioPriority)
	l.as(NicePart, l.nice)
	l.as(PolicyPart, l.policy)
}

func (l *list) policy() {
	if s := l.spec.Scheduler; s != nil {
		l.do("scheduler", policy(s), "sched_setscheduler", unix.SYS_SCHED_SETSCHEDULER,
			0, s.Policy, []uint32{uint32(s.Priority)})
	}
	l.deadline()
}

// policy is the policy and the priority in the words of sched(7).
func policy(s *Scheduler) string {
	switch s.Policy {
	case unix.SCHED_NORMAL:
		return "other"
	case unix.SCHED_BATCH:
		return "batch"
	case unix.SCHED_IDLE:
		return "idle"
	case unix.SCHED_FIFO:
		return fmt.Sprintf("fifo %d", s.Priority)
	case unix.SCHED_RR:
		return fmt.Sprintf("rr %d", s.Priority)
	}
	return fmt.Sprintf("%d %d", s.Policy, s.Priority)
}

func (l *list) nice() {
	if n := l.spec.Nice; n != nil {
		l.do("nice", strconv.Itoa(*n), "setpriority", unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, *n)
	}
}

// cpus gives the mask as words of 64 bits. The kernel's are unsigned long, and
// all our architectures are little-endian, so it is the same.
func (l *list) cpus() {
	var mask []uint64
	for _, n := range l.spec.CPUs {
		for n/64 >= len(mask) {
			mask = append(mask, 0)
		}
		mask[n/64] |= 1 << (n % 64)
	}
	if len(mask) > 0 {
		l.do("cpus", "", "sched_setaffinity", unix.SYS_SCHED_SETAFFINITY, 0, 8*len(mask), mask)
	}
}

// ioPriority packs class and level as ioprio_set(2) says.
func (l *list) ioPriority() {
	const whoProcess, classShift = 1, 13
	if p := l.spec.IO; p != nil {
		l.do("io priority", fmt.Sprintf("%d:%d", p.Class, p.Level), "ioprio_set", unix.SYS_IOPRIO_SET,
			whoProcess, 0, p.Class<<classShift|p.Level)
	}
}
