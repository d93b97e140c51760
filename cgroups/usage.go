package cgroups

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what processes use together.
type Usage struct {
	CPU           time.Duration
	Memory        int64 // bytes
	Tasks         int   // threads
	Read, Written int64 // bytes from and to devices

	Throttled time.Duration // how long cpu.max has held processes back; of a group only
	Pressure  PressureStat  // of a group only
}

// Usage is what the group uses: cpu.stat, memory.current, pids.current and io.stat, and where a controller is not on, the sum
// over its processes of what proc(5) says, of which the dead have no share.
func (t *Tree) Usage(name string) Usage {
	var u, sum Usage
	var known bool
	summed := func() Usage {
		if !known {
			pids, _ := t.Processes(name)
			sum, known = Sum(pids), true
		}
		return sum
	}
	cpu := parseCPU(t.text(name, "cpu.stat"))
	u.CPU, u.Throttled, u.Pressure = cpu.Usage, cpu.ThrottledTime, t.Pressure(name)
	if n, ok := t.number(name, "memory.current"); ok {
		u.Memory = n
	} else {
		u.Memory = summed().Memory
	}
	if n, ok := t.number(name, "pids.current"); ok {
		u.Tasks = int(n)
	} else {
		u.Tasks = summed().Tasks
	}
	if b, err := t.read(name, "io.stat", make([]byte, 0, 512)); err == nil {
		u.Read, u.Written = parseIO(string(b))
	} else {
		u.Read, u.Written = summed().Read, summed().Written
	}
	return u
}

// number is a file of one number.
func (t *Tree) number(name, file string) (int64, bool) {
	b, err := t.read(name, file, make([]byte, 0, 64))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// parseIO sums io.stat over the devices: lines such as "8:0 rbytes=90 wbytes=12 rios=3 wios=1 dbytes=0 dios=0".
func parseIO(text string) (read, written int64) {
	for _, field := range strings.Fields(text) {
		read += after(field, "rbytes=")
		written += after(field, "wbytes=")
	}
	return read, written
}

// after is the number behind a prefix, 0 where it is none: the kernel counts up from there.
func after(text, prefix string) int64 {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Sum is what processes use, with the processor time of children that they have waited for. Those that are gone count nothing,
// nor does what we may not see.
func Sum(pids []int) Usage {
	var all Usage
	for _, pid := range pids {
		dir := "/proc/" + strconv.Itoa(pid)
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		cpu, tasks := parseStat(string(stat))
		all.CPU += cpu
		all.Tasks += tasks
		all.Memory += Resident(pid)
		if io, err := os.ReadFile(dir + "/io"); err == nil {
			read, written := parseProcessIO(string(io))
			all.Read += read
			all.Written += written
		}
	}
	return all
}

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every architecture that we know (times(2)).
const tick = 10 * time.Millisecond

// parseStat finds times and threads in proc_pid_stat(5). The name may hold anything, so fields count from its parenthesis.
func parseStat(line string) (cpu time.Duration, tasks int) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 18 {
		return 0, 0
	}
	const most = int64(1<<63-1) / int64(tick) / 4
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		cpu += time.Duration(min(after(field, ""), most)) * tick
	}
	return cpu, int(min(after(fields[17], ""), 1<<22)) // PID_MAX_LIMIT
}

// parseProcessIO reads proc_pid_io(5).
func parseProcessIO(text string) (read, written int64) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		read += after(line, "read_bytes: ")
		written += after(line, "write_bytes: ")
	}
	return read, written
}
