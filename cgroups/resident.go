package cgroups

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Resident is the resident memory of one process in bytes, 0 where it is gone (proc(5), statm).
func Resident(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	return resident(string(b), int64(os.Getpagesize()))
}

// resident is the second number of statm in bytes, 0 where it is none.
func resident(statm string, page int64) int64 {
	fields := strings.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	return min(after(fields[1], ""), (1<<63-1)/page) * page
}

// Of is the path of the cgroup v2 group of a process below the hierarchy, "" where it is gone.
func Of(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	return unified(string(b))
}

// unified is the group of the version 2 hierarchy among the lines of /proc/PID/cgroup (cgroups(7)).
func unified(text string) string {
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return path
		}
	}
	return ""
}

func isErrno(err error, errno unix.Errno) bool { return errors.Is(err, errno) }
