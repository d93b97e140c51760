package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// self prints all that the kernel tells a process of itself, as far as it was given it: what a Go program changes on
// its own is left out, or asked of a program that it starts.
func self() {
	env := os.Environ()
	slices.Sort(env)
	for _, e := range env {
		fmt.Println("environment", e)
	}
	dir, err := os.Getwd()
	check(err)
	fmt.Println("directory", dir)
	statusLines("Umask", "Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "SigPnd", "ShdPnd", "SigBlk", "SigIgn",
		"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "THP_enabled")
	sessionLines()
	prctl("dumpable", unix.PR_GET_DUMPABLE)
	prctl("securebits", unix.PR_GET_SECUREBITS)
	prctl("timer slack", unix.PR_GET_TIMERSLACK)
	prctl("keep capabilities", unix.PR_GET_KEEPCAPS)
	persona, _, _ := unix.RawSyscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0)
	fmt.Printf("personality %#x\n", persona)
	threads()
	descriptors()
	for _, ns := range []string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"} {
		link, err := os.Readlink("/proc/self/ns/" + ns)
		check(err)
		fmt.Println("namespace", link)
	}
	fmt.Print("oom_score_adj ", read("/proc/self/oom_score_adj"))
	// the runtime raises the soft limit of open files, and takes that back in what it starts
	limits, err := exec.Command("/bin/cat", "/proc/self/limits").Output()
	check(err)
	for line := range strings.Lines(string(limits)) {
		fmt.Println("limit", strings.Join(strings.Fields(line), " "))
	}
}

func prctl(name string, option int) {
	n, err := unix.PrctlRetInt(option, 0, 0, 0, 0)
	check(err)
	fmt.Printf("%s %#x\n", name, n)
}

func read(path string) string {
	b, err := os.ReadFile(path)
	check(err)
	return string(b)
}

// statusLines prints lines of /proc/self/status, see proc_pid_status(5).
func statusLines(keys ...string) {
	for line := range strings.Lines(read("/proc/self/status")) {
		if key, value, _ := strings.Cut(line, ":"); slices.Contains(keys, key) {
			fmt.Println(strings.ToLower(key), strings.Join(strings.Fields(value), " "))
		}
	}
}

// sessionLines prints whom the process belongs to, not by number: those change from start to start.
func sessionLines() {
	sid, err := unix.Getsid(0)
	check(err)
	stat := read("/proc/self/stat")
	tty := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])[4]
	fmt.Println("session own", sid == os.Getpid(), "group own", unix.Getpgrp() == os.Getpid(), "terminal", tty)
	var sig int32
	check(unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0))
	fmt.Println("parent-death signal", sig)
}

// threads prints the scheduling of all threads, each kind once.
func threads() {
	entries, err := os.ReadDir("/proc/self/task")
	check(err)
	var kinds []string
	for _, e := range entries {
		var tid int
		fmt.Sscan(e.Name(), &tid)
		kinds = append(kinds, schedulingOf(tid))
	}
	slices.Sort(kinds)
	for _, k := range slices.Compact(kinds) {
		fmt.Println("thread", k)
	}
}

func schedulingOf(tid int) string {
	a, err := unix.SchedGetAttr(tid, 0)
	check(err)
	var set unix.CPUSet
	check(unix.SchedGetaffinity(tid, &set))
	const whoProcess = 1
	io, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, whoProcess, uintptr(tid), 0)
	text := fmt.Sprintf("policy %d priority %d nice %d cpus %d io %d:%d", a.Policy, a.Priority, a.Nice, set.Count(), io>>13, io&7)
	if a.Policy == unix.SCHED_DEADLINE { // for others the kernel shows the length of a slice
		text += fmt.Sprintf(" flags %d times %d %d %d", a.Flags, a.Runtime, a.Deadline, a.Period)
	}
	return text
}

// descriptors leaves out those of the Go runtime, and the one that reads the directory.
func descriptors() {
	entries, err := os.ReadDir("/proc/self/fd")
	check(err)
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.Contains(to, "anon_inode") && !strings.Contains(to, "/cpu.") && !strings.HasPrefix(to, "/proc/") {
			fmt.Println("descriptor", e.Name(), to)
		}
	}
}
