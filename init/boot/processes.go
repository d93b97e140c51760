package boot

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is what /proc/PID/stat says of one (proc_pid_stat(5)).
type process struct {
	pid      int
	name     string
	state    byte
	terminal bool // has a controlling terminal
	kernel   bool // a thread of the kernel
}

// kernelThread is PF_KTHREAD of the field flags (include/linux/sched.h).
const kernelThread = 0x00200000

// parseStat reads a stat file. The name is in brackets and may hold anything, brackets too.
func parseStat(text string) (process, bool) {
	open, shut := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || shut < open {
		return process{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	f := strings.Fields(text[shut+1:])
	if err != nil || len(f) < 7 || len(f[0]) != 1 || !letter(f[0][0]) {
		return process{}, false
	}
	flags, err := strconv.ParseUint(f[6], 10, 64)
	if err != nil {
		return process{}, false
	}
	return process{
		pid: pid, name: text[open+1 : shut], state: f[0][0], terminal: f[4] != "0", kernel: flags&kernelThread != 0,
	}, true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// counts reports whether a process has to end before the machine does: zombies have, and threads of the kernel
// never do.
func (p process) counts() bool {
	return p.pid != 1 && p.pid != os.Getpid() && !p.kernel && p.state != 'Z' && p.state != 'X'
}

// processes are those that are left.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	slices.Sort(names)
	var all []process
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		b, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if p, ok := parseStat(string(b)); ok && p.counts() {
			all = append(all, p)
		}
	}
	return all
}

// nobody reports whether no process is left. kill(2) with pid -1 means all but PID 1 and the caller.
func nobody() bool {
	return unix.Kill(-1, 0) == unix.ESRCH || len(processes()) == 0
}

// endProcesses asks what is left to end, and then makes it.
func (d *down) endProcesses() {
	if waitNobody(leaving, func() {}) {
		return // the manager was on its way out
	}
	if !d.Now {
		d.say("ending what is left: %s", names(processes()))
		unix.Kill(-1, unix.SIGTERM)
		unix.Kill(-1, unix.SIGCONT) // one that is stopped cannot end
		for _, p := range processes() {
			if p.terminal { // an interactive shell ignores SIGTERM and ends at SIGHUP
				unix.Kill(p.pid, unix.SIGHUP)
			}
		}
		if waitNobody(d.Grace, func() {}) {
			return
		}
		d.say("killing what is left: %s", names(processes()))
	}
	again := func() { unix.Kill(-1, unix.SIGKILL) } // a fork may have been faster
	again()
	if !waitNobody(killLimit, again) {
		d.say("cannot be killed: %s", list(processes(), func(p process) string { return p.String() + waits(p.pid) }))
	}
}

// look is how often the processes that are left are counted; leaving is how long they may take without being asked.
const (
	look    = 10 * time.Millisecond
	leaving = 10 * look
)

// waitNobody waits until no process is left, and reports whether that came true.
func waitNobody(limit time.Duration, each func()) bool {
	for end := time.Now().Add(limit); !nobody(); each() {
		if !time.Now().Before(end) {
			return false
		}
		time.Sleep(look)
	}
	return true
}

func (p process) String() string { return fmt.Sprintf("%s(%d)", p.name, p.pid) }

// waits says where in the kernel a process waits, as " in FUNCTION" (proc_pid_wchan(5)); "" where that is not known.
func waits(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
	if at := string(b); err == nil && at != "" && at != "0" {
		return " in " + at
	}
	return ""
}

// Held is a process that does not end, for people: its name, its state, and where in the kernel it waits. "" where it has ended.
func Held(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	p, ok := parseStat(string(b))
	if !ok || !p.counts() {
		return ""
	}
	return fmt.Sprintf("process %d (%s), state %c%s", pid, printable(p.name), p.state, waits(pid))
}

// names are some processes, for people.
func names(all []process) string { return list(all, process.String) }

// list has the first few.
func list(all []process, text func(process) string) string {
	const few = 8
	var b strings.Builder
	for i, p := range all {
		if i == few {
			fmt.Fprintf(&b, " and %d more", len(all)-few)
			break
		}
		if i > 0 {
			b.WriteString(" ")
		}
		b.WriteString(text(p))
	}
	return b.String()
}
