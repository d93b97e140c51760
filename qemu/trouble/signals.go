package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asks are the signals that ask PID 1 for something, which would end the machine or change its configuration.
var asks = []int{1, 2, 10, 12, 15, 30, 37, 38, 39}

// signals sends all others to PID 1, SIGKILL and SIGSTOP among them.
func signals() error {
	for n := 1; n <= 64; n++ {
		if slices.Contains(asks, n) {
			continue
		}
		if err := unix.Kill(1, syscall.Signal(n)); err != nil {
			return fmt.Errorf("signal %d: %w", n, err)
		}
	}
	for n := range 16000 {
		if n := n%64 + 1; !slices.Contains(asks, n) {
			_ = unix.Kill(1, syscall.Signal(n)) // EAGAIN: more of real time than may be queued
		}
	}
	return nil
}

// realTime makes the calling thread one of real time: nothing of a lower priority runs before it waits (sched(7)).
func realTime(priority int32) error {
	runtime.LockOSThread()
	if _, _, errno := unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_FIFO, uintptr(unsafe.Pointer(&priority))); errno != 0 {
		return os.NewSyscallError("sched_setscheduler", errno)
	}
	return nil
}

// beat beats for ever.
func beat(every time.Duration) error {
	fd, err := strconv.Atoi(os.Getenv("ORDERLY_HEARTBEAT_FD"))
	if err != nil {
		return err
	}
	if err := realTime(20); err != nil {
		return err
	}
	pause := unix.NsecToTimespec(every.Nanoseconds())
	for {
		if _, err := unix.Write(fd, []byte{'.'}); err != nil && err != unix.EAGAIN {
			return err
		}
		_ = unix.Nanosleep(&pause, nil)
	}
}

func spin(d time.Duration) error {
	if err := realTime(10); err != nil {
		return err
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
	return nil
}

// descriptors prints those below 1024 that are there, and what they are.
func descriptors() error {
	var b strings.Builder
	for fd := range 1024 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue
		}
		name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil || strings.HasPrefix(name, "anon_inode:") { // the runtime's own
			continue
		}
		fmt.Fprintf(&b, "%d=%s ", fd, name)
	}
	fmt.Println("descriptors", b.String())
	return nil
}

// now prints what the times of events count from the boot on.
func now() error {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return os.NewSyscallError("clock_gettime", err)
	}
	fmt.Println(float64(ts.Nano()) / 1e6)
	return nil
}
