package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tracer is what goes on.
type tracer struct {
	pid, end  int // the manager, and the child that ends with our input
	keeper    int
	who, deed string
	n, then   int
	exit      bool
	threads   map[int]*thread
	middle    int // the first process that was cloned
	count     int
	done      bool
	over      bool
}

// thread is one that is traced.
type thread struct {
	kind   string // manager, middle or child
	call   info   // that it is in
	number int    // of that call; 0: it does not count
	held   bool
}

// wait takes one stop or end; it reports false when it is over.
func (t *tracer) wait() bool { return !t.over && t.take(0) && !t.over }

// take takes one stop or end, and reports whether there was one.
func (t *tracer) take(options int) bool {
	var status unix.WaitStatus
	tid, err := unix.Wait4(-1, &status, unix.WALL|options, nil)
	switch {
	case err == unix.EINTR:
	case err != nil || tid == 0:
		return false
	case tid == t.end:
		t.over = true
	case !status.Stopped():
		delete(t.threads, tid)
	default:
		t.stopped(tid, status)
	}
	return true
}

// stopped lets one go on that has stopped, unless it is to be held.
func (t *tracer) stopped(tid int, status unix.WaitStatus) {
	th := t.threads[tid]
	if th == nil {
		th = t.arrived(tid)
	}
	event, sig := int(status)>>16, status.StopSignal()
	switch {
	case sig == unix.SIGTRAP|0x80:
		if t.called(tid, th); !th.held {
			t.resume(tid, th, 0)
		}
	case event == unix.PTRACE_EVENT_STOP && sig != unix.SIGTRAP: // with its whole process
		ptrace(unix.PTRACE_LISTEN, tid, 0, 0)
	case event != 0 || sig == unix.SIGTRAP:
		t.resume(tid, th, 0)
	default:
		t.resume(tid, th, sig)
	}
}

// resume lets one go on, for good where it is of no interest.
func (t *tracer) resume(tid int, th *thread, sig unix.Signal) {
	if th.kind == "other" {
		ptrace(unix.PTRACE_DETACH, tid, 0, uintptr(sig))
		delete(t.threads, tid)
		return
	}
	ptrace(unix.PTRACE_SYSCALL, tid, 0, uintptr(sig))
}

// arrived says what one is that was cloned by one that is traced: the parent of a middle is the keeper, that of a child its middle.
func (t *tracer) arrived(tid int) *thread {
	th := &thread{kind: "other"}
	switch {
	case field(tid, "Tgid") == t.pid:
		th.kind = "manager"
	case t.middle == 0:
		th.kind, t.middle = "middle", tid
	case field(tid, "PPid") == t.middle:
		th.kind = "child"
	}
	t.threads[tid] = th
	return th
}

// field is a number in /proc/TID/status.
func field(tid int, name string) int {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	for line := range strings.Lines(string(b)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			n, _ := strconv.Atoi(strings.TrimSpace(value))
			return n
		}
	}
	return 0
}

// called takes a stop before or behind a system call.
func (t *tracer) called(tid int, th *thread) {
	now := ask(tid)
	if now.op == opEntry {
		th.call, th.number = now, 0
		if th.kind == t.who && th.call.counts() {
			t.count++
			th.number = t.count
		}
	}
	if now.op == opExit && th.call.makesThread() && t.who == "manager" {
		t.seize(int(now.result))
	}
	if th.number == t.n && t.n > 0 && t.exit == (now.op == opExit) && !t.done {
		t.act(tid, th)
	}
	if now.op == opExit && th.call.executes() && now.result == 0 && !th.held { // it is a component's program now
		th.kind = "other"
	}
}

// act does what is to be done.
func (t *tracer) act(tid int, th *thread) {
	t.done = true
	when := "before"
	if t.exit {
		when = "behind"
	}
	story := fmt.Sprintf("did %s with process %d %s call %d: %s", t.deed, field(tid, "Tgid"), when, t.n, th.call.story(tid))
	switch t.deed {
	case "kill":
		unix.Kill(field(tid, "Tgid"), unix.SIGKILL)
	case "crash":
		unix.Tgkill(t.pid, tid, unix.SIGABRT)
	case "freeze":
		unix.Kill(t.pid, unix.SIGSTOP)
	case "orphan":
		th.held = true
		unix.Kill(t.middle, unix.SIGKILL)
	case "manager":
		th.held = true
		unix.Kill(t.pid, unix.SIGKILL)
	}
	if t.who == "manager" {
		th.held = true
		t.letGo()
	}
	fmt.Println(story)
	if t.who == "manager" {
		t.next()
	}
}

// next goes on with the manager that comes after the one that was killed, as early as it can be seen. One that is gone before all
// of its threads are traced was not it.
func (t *tracer) next() {
	if t.then == 0 {
		return
	}
	old := t.pid
	t.count, t.n, t.then, t.done = 0, t.then, 0, false
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if pid := t.another(old); pid != 0 {
			if t.pid = pid; t.seizeAll() == nil {
				return
			}
		}
		for t.take(unix.WNOHANG) { // one that is traced ends only when its end is taken
		}
		time.Sleep(200 * time.Microsecond) // it takes some milliseconds to begin, and others need the processor
	}
	check(errors.New("there is no other manager"))
}

// another is a manager that is not the old one, 0 if there is none.
func (t *tracer) another(old int) int {
	for _, pid := range children(t.keeper) {
		line, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if pid != old && strings.HasPrefix(string(line), "orderly-manager\x00") && field(pid, "Threads") != 1 {
			return pid
		}
	}
	return 0
}

func children(pid int) (list []int) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, _ := os.ReadDir(dir)
	for _, task := range tasks {
		b, _ := os.ReadFile(dir + task.Name() + "/children")
		for word := range strings.FieldsSeq(string(b)) {
			n, _ := strconv.Atoi(word)
			list = append(list, n)
		}
	}
	return list
}

// letGo detaches from every thread. One must be stopped for that.
func (t *tracer) letGo() {
	for tid, th := range t.threads {
		if th.held && ptrace(unix.PTRACE_DETACH, tid, 0, 0) == nil { // one that was killed is waited for
			delete(t.threads, tid)
			continue
		}
		ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0)
	}
	for len(t.threads) > 0 {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		if tid == t.end {
			t.over = true
		}
		if err == unix.EINTR || tid == t.end {
			continue
		}
		if err != nil {
			return
		}
		if status.Stopped() {
			sig := status.StopSignal()
			if int(status)>>16 != 0 || sig == unix.SIGTRAP || sig == unix.SIGTRAP|0x80 {
				sig = 0
			}
			ptrace(unix.PTRACE_DETACH, tid, 0, uintptr(sig))
		}
		delete(t.threads, tid)
	}
}
