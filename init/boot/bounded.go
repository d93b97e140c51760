package boot

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errHangs says that a system call did not come back in time. It is still under way.
var errHangs = errors.New("no answer")

// bounded waits for f at most for the limit. After it f goes on alone, so it may write to nothing but its own.
func bounded(limit time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%w within %v", errHangs, limit)
	}
}

// firstPIDNamespace is what the link to the kernel's first PID namespace says (PROC_PID_INIT_INO in
// include/linux/proc_ns.h).
const firstPIDNamespace = "pid:[4026531836]"

// ours reports whether PID 1 here is that of the machine, and not of a container. The environment alone does not
// say it: the kernel passes unknown words of its command line in it. Without /proc the kernel is asked by a call
// that it answers with EINVAL in any other PID namespace (reboot(2)), and that PID 1 makes anyway.
func ours() bool {
	if name, err := os.Readlink("/proc/self/ns/pid"); err == nil {
		return name == firstPIDNamespace
	}
	return os.Getenv("container") == "" && unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) == nil
}
