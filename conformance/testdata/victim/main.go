// Command victim is a program that misbehaves, for the conformance suite: its first argument is how.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The first thread must be that of main.

func main() {
	switch filepath.Base(os.Args[0]) {
	case "orderly-manager":
		if os.Args[1] == "asleep" {
			asleep()
		}
		halfOrderly()
		return
	case "orderly-keeper":
		noKeeper()
		return
	}
	switch os.Args[1] {
	case "leaderless": // the first thread ends, the others go on
		leaderless(os.Args[2])
	case "orphans": // N processes without a parent, killed all at once when the file is there
		orphans(os.Args[2], os.Args[3], os.Args[4])
	case "mounts": // and unmounts, N times
		mounts(os.Args[2], os.Args[3])
	case "slack": // a program with another slack of its timers
		check(unix.Prctl(unix.PR_SET_TIMERSLACK, 1234567, 0, 0, 0))
		check(unix.Exec(os.Args[2], os.Args[2:], os.Environ()))
	case "parcels": // to the notify socket: nothing, 64 KiB, and as many descriptors as one message may have; then it is ready
		parcels()
	case "asks": // how soon the control socket answers
		asks(os.Args[2], os.Args[3])
	case "flood": // as many lines as go, for a while
		flood(os.Args[2])
	}
}

func leaderless(path string) {
	runtime.LockOSThread()
	go func() {
		for os.Getpid() != 0 {
			os.WriteFile(path, []byte(strconv.Itoa(unix.Gettid())), 0o644)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if unix.Gettid() != os.Getpid() {
		panic("this is not the first thread")
	}
	time.Sleep(50 * time.Millisecond)
	unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
}

// asleep waits for its child as vfork(2) does: no signal but SIGKILL wakes its first thread.
func asleep() {
	runtime.LockOSThread()
	if unix.Gettid() != os.Getpid() {
		panic("this is not the first thread")
	}
	if pid, _, _ := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_VFORK|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0); pid != 0 {
		return
	}
	for {
		unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0)
		unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}

// orphans starts shells that leave processes of one group behind.
func orphans(number, ready, path string) {
	n, err := strconv.Atoi(number)
	check(err)
	c := exec.Command("/bin/sh", "-c", "i=0; while [ $i -lt "+number+" ]; do sleep 1000 & i=$((i+1)); done")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(c.Run())
	check(os.WriteFile(ready, []byte(fmt.Sprint(n)), 0o644))
	for {
		if _, err := os.Stat(path); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	check(unix.Kill(-c.Process.Pid, unix.SIGKILL))
	check(os.WriteFile(path+".done", nil, 0o644))
	for {
		time.Sleep(time.Hour)
	}
}

func mounts(number, dir string) {
	n, err := strconv.Atoi(number)
	check(err)
	for range n {
		check(unix.Mount("none", dir, "tmpfs", 0, ""))
		err := unix.Unmount(dir, 0)
		for err == unix.EBUSY { // somebody looks into it
			err = unix.Unmount(dir, 0)
		}
		check(err)
	}
}

func flood(while string) {
	d, err := time.ParseDuration(while)
	check(err)
	block := make([]byte, 0, 1<<16)
	for len(block) < 1<<16-100 {
		block = append(block, "a line of a flood that nobody has asked for, and there is no end to it\n"...)
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
		_, err := os.Stdout.Write(block)
		check(err)
	}
}

// halfOrderly is a manager that becomes the real one, if there is one to become.
func halfOrderly() {
	path, err := exec.LookPath("orderly")
	check(err)
	check(unix.Exec(path, os.Args, os.Environ()))
}

// noKeeper cannot be a keeper: it hangs if its file ends so, or ends without an answer.
func noKeeper() {
	b, err := os.ReadFile("/proc/self/exe")
	check(err)
	if bytes.HasSuffix(b, []byte("hang")) {
		time.Sleep(time.Hour)
	}
	fmt.Fprintln(os.Stderr, "victim: no keeper")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "victim:", err)
		os.Exit(99)
	}
}

func parcels() {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	check(err)
	to := &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}
	send := func(text []byte, descriptors int) error {
		var rights []byte
		if descriptors > 0 {
			rights = unix.UnixRights(make([]int, descriptors)...) // all of them standard input
		}
		return unix.Sendmsg(fd, text, rights, to, 0)
	}
	check(send(nil, 0))
	check(send(bytes.Repeat([]byte("STATUS=x"), 8<<10), 0))
	check(send([]byte("STATUS=one"), 1))
	check(send([]byte("FDSTORE=1"), 253))
	if err := send([]byte("STATUS=more"), 254); err != unix.EINVAL {
		check(fmt.Errorf("254 descriptors: %w", err))
	}
	for range 20 {
		check(send([]byte("STATUS=again"), 253))
	}
	check(send([]byte("READY=1"), 7))
	time.Sleep(time.Hour)
}
