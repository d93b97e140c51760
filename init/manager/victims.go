package manager

import (
	"strings"

	"golang.org/x/sys/unix"
)

const (
	mostNamed   = 4       // of the processes that were killed at once, or cannot be
	mostRecords = 1 << 16 // that are read: somebody may write to the log faster than it is read, and the loop waits
)

// victims names the last processes that the kernel killed for want of memory in a group or below it, as " (NAME, pid N)": its log
// is the only place that tells (dump_oom_victim in mm/oom_kill.c, Linux 5.0). "" where that cannot be read, or has turned over.
func victims(group string, most int64) string {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var found []string
	record := make([]byte, 8<<10) // the kernel makes none longer (Documentation/ABI/testing/dev-kmsg)
	for range mostRecords {
		n, err := unix.Read(fd, record)
		if err == unix.EPIPE || err == unix.EINTR {
			continue // overwritten meanwhile
		}
		if err != nil || n <= 0 {
			break
		}
		if who := victim(string(record[:n]), group); who != "" {
			found = append(found, who)
		}
	}
	return named(found, most)
}

// victim reads a record of the kernel's log: who was killed, where it is about a group. What programs write there has another
// facility than the kernel's, so a number of two digits or more.
func victim(record, group string) string {
	head, told, is := strings.Cut(record, ";oom-kill:")
	_, told, at := strings.Cut(told, ",task_memcg="+group)
	if !is || !at || strings.IndexByte(head, ',') != 1 || !strings.HasPrefix(told, ",") && !strings.HasPrefix(told, "/") {
		return ""
	}
	_, told, _ = strings.Cut(told, ",task=")
	end := strings.LastIndex(told, ",pid=") // a process may have any name
	if end < 0 {
		return ""
	}
	pid, _, _ := strings.Cut(told[end+len(",pid="):], ",")
	return told[:end] + ", pid " + pid
}

func named(found []string, most int64) string {
	found = found[max(0, len(found)-int(min(most, mostNamed))):]
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, "; ") + ")"
}
