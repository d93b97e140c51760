// Command tracer stops a manager at one of its system calls, for the conformance suite, and does there what it is told. It uses
// ptrace(2): nothing of the program under test knows of it.
//
//	tracer -who manager|middle|child -n N [-exit] [-then M] -deed none|kill|crash|freeze|orphan|manager PID
//
// Counted are the calls of any thread of the manager that have an effect; or those of the first process that it clones, which waits
// for the exec of a component's program; or those of the child of that.
//
//	kill     who makes the call is killed            orphan   the middle is killed, and the child held where it is
//	crash    it gets a signal that ends a Go program  manager  the manager is killed, and who makes the call held where it is
//	freeze   it is stopped
//
// It says "ready" when it has all threads, "did" with the call when it has done it, and when its standard input ends it lets go of
// everything and says how many calls there were.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

func main() {
	t := &tracer{threads: map[int]*thread{}}
	flag.StringVar(&t.who, "who", "manager", "whose calls are counted")
	flag.IntVar(&t.n, "n", 0, "at which call")
	flag.IntVar(&t.then, "then", 0, "at which call of the next manager once more; 0: it is let alone")
	flag.BoolVar(&t.exit, "exit", false, "when the call has been made, not before")
	flag.StringVar(&t.deed, "deed", "none", "what is done there")
	flag.Parse()
	var err error
	t.pid, err = strconv.Atoi(flag.Arg(0))
	check(err)
	t.keeper = field(t.pid, "PPid")
	runtime.LockOSThread() // whoever attached is the tracer, and no other thread
	t.end = watchInput()
	check(t.seizeAll())
	fmt.Println("ready")
	for t.wait() {
	}
	t.letGo()
	fmt.Println("count", t.count)
}

// watchInput starts a child that ends with our standard input: its end wakes who waits for stops.
func watchInput() int {
	c := exec.Command("cat")
	c.Stdin = os.Stdin
	check(c.Start())
	return c.Process.Pid
}

// seizeAll attaches to every thread of the manager.
func (t *tracer) seizeAll() error {
	for fresh := true; fresh; {
		fresh = false
		entries, err := os.ReadDir("/proc/" + strconv.Itoa(t.pid) + "/task")
		if err != nil {
			return err
		}
		for _, e := range entries {
			tid, _ := strconv.Atoi(e.Name())
			fresh = t.threads[tid] == nil && t.seize(tid) || fresh
		}
	}
	if len(t.threads) == 0 {
		return fmt.Errorf("process %d cannot be traced", t.pid)
	}
	return nil
}

// seize attaches to a thread and has it stop. What the manager clones is traced only where that is of interest.
func (t *tracer) seize(tid int) bool {
	options := uintptr(unix.PTRACE_O_TRACESYSGOOD)
	if t.who != "manager" {
		options |= unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK
	}
	if ptrace(unix.PTRACE_SEIZE, tid, 0, options) != nil {
		return false
	}
	t.threads[tid] = &thread{kind: "manager"}
	ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0)
	return true
}

func ptrace(request, tid int, address, data uintptr) error {
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), address, data, 0, 0); e != 0 {
		return e
	}
	return nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		os.Exit(99)
	}
}
