package runtime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Process is a process as /proc/PID/stat shows it, see proc_pid_stat(5).
type Process struct {
	PID, Parent, Group, Session int
	// Dead: it has ended and waits to be reaped.
	Dead bool
	// Kernel: it is a thread of the kernel, which cannot be ended.
	Kernel bool
	// Start is when it began, in clock ticks since boot: with PID it names a
	// process even where pids are used again.
	Start uint64
}

// kernelThread is PF_KTHREAD of the field flags (include/linux/sched.h).
const kernelThread = 0x00200000

// same: they are one process, whatever has changed in its life.
func (p Process) same(q Process) bool { return p.PID == q.PID && p.Start == q.Start }

// parseStat reads the line. The name of the process may hold anything, so the
// fields are counted from its last parenthesis.
func parseStat(line string) (Process, error) {
	bad := func() (Process, error) { return Process{}, fmt.Errorf("stat %.80q: not of a process", line) }
	open, end := strings.Index(line, " ("), strings.LastIndex(line, ") ")
	if open < 0 || end < open {
		return bad()
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 20 {
		return bad()
	}
	p := Process{Dead: fields[0] == "Z" || fields[0] == "X"}
	for to, text := range map[*int]string{&p.PID: line[:open], &p.Parent: fields[1], &p.Group: fields[2], &p.Session: fields[3]} {
		n, err := strconv.Atoi(text)
		if err != nil {
			return bad()
		}
		*to = n
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return bad()
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	if err != nil {
		return bad()
	}
	p.Start, p.Kernel = start, flags&kernelThread != 0
	return p, nil
}

// PidOf is the pid of the process that a pidfd is of, by its fdinfo in /proc. It is -1 where that has been reaped, and 0 where nobody
// can tell: there is no /proc, or it is that of another PID namespace.
func PidOf(pidfd int) int {
	b, _ := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(pidfd))
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "Pid:"); ok {
			pid, _ := strconv.Atoi(strings.TrimSpace(text))
			return pid
		}
	}
	return 0
}
