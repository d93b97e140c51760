package runtime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Deadline is the promise of SCHED_DEADLINE: Runtime of processor time in
// every Period, within Deadline of its beginning, see sched(7).
type Deadline struct {
	Runtime, Deadline, Period time.Duration
}

// deadline asks for reset on fork: without it the process could start neither
// a thread nor a child (EAGAIN, sched(7)); those have the default policy.
func (l *list) deadline() {
	d := l.spec.Deadline
	if d == nil {
		return
	}
	attr := []uint64{
		schedAttrSize | unix.SCHED_DEADLINE<<32, unix.SCHED_FLAG_RESET_ON_FORK, 0, // size, policy; flags; nice, priority
		uint64(d.Runtime), uint64(d.Deadline), uint64(d.Period),
	}
	l.do("scheduler", "deadline", "sched_setattr", unix.SYS_SCHED_SETATTR, 0, attr, 0)
}

// schedAttrSize is that of the first version of struct sched_attr.
const schedAttrSize = 48
