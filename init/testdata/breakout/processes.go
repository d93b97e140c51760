package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processes reaches for those of the machine.
func processes() []attack {
	return []attack{
		{"signal", func() (string, error) { return onHost(func(pid int) error { return unix.Kill(pid, 0) }) }},
		{"see", func() (string, error) {
			return onHost(func(pid int) error {
				_, err := os.Stat("/proc/" + strconv.Itoa(pid))
				return err
			})
		}},
		{"pidfd", func() (string, error) {
			return onHost(func(pid int) error {
				fd, err := unix.PidfdOpen(pid, 0)
				unix.Close(fd)
				return err
			})
		}},
		{"ptrace", func() (string, error) {
			return onHost(func(pid int) error {
				err := unix.PtraceSeize(pid)
				if err == nil {
					unix.PtraceDetach(pid)
				}
				return err
			})
		}},
		{"read-memory", func() (string, error) {
			return onHost(func(pid int) error {
				b := make([]byte, 1)
				_, err := unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &b[0], Len: 1}}, []unix.RemoteIovec{{Base: 0x400000, Len: 1}}, 0)
				if err == unix.EFAULT {
					err = nil // it got as far as the address
				}
				return err
			})
		}},
		{"limits", func() (string, error) {
			return onHost(func(pid int) error { return unix.Prlimit(pid, unix.RLIMIT_CORE, nil, &unix.Rlimit{}) })
		}},
		{"priority", func() (string, error) {
			return onHost(func(pid int) error { return unix.Setpriority(unix.PRIO_PROCESS, pid, 0) })
		}},
		{"newcomers", newcomers},
		{"oom-score", func() (string, error) {
			if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0); err != nil {
				return "", err
			}
			return "not to be killed", nil
		}},
	}
}

func onHost(do func(pid int) error) (string, error) {
	pid, err := strconv.Atoi(os.Getenv("HOST_PID"))
	if err != nil {
		return "", errNothing
	}
	if err := do(pid); err != nil {
		return "", err
	}
	return "process " + strconv.Itoa(pid), nil
}

// newcomers looks into the memory of every process that comes, for a second: who enters a container is, before it executes,
// what it was outside. Its own program says what is nothing new.
func newcomers() (string, error) {
	own := make([]byte, 4096)
	if err := page("self", own); err != nil {
		return "", err
	}
	var last error = errNothing
	seen, tries := map[string]bool{}, 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		names, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range names {
			name := filepath.Base(dir)
			if seen[name] || name == strconv.Itoa(os.Getpid()) {
				continue
			}
			theirs := make([]byte, 4096)
			tries++
			if err := page(name, theirs); err != nil {
				last = err
				continue
			}
			if !bytes.Equal(own, theirs) {
				return "memory of another program in process " + name, nil
			}
			seen[name] = true // it has executed
		}
	}
	return "", fmt.Errorf("%w, %d tries", last, tries)
}

// page reads the first page of a program that is no position-independent one.
func page(pid string, to []byte) error {
	fd, err := unix.Open("/proc/"+pid+"/mem", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := unix.Pread(fd, to, program)
	if err == nil && n < len(to) {
		err = unix.ESRCH // it has ended
	}
	return err
}
