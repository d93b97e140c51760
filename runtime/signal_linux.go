package runtime

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signal sends sig to pid, a process that the caller does not reap. A pid may
// have been given to another process meanwhile, so it is held by a pidfd first
// and then still is asked whether the process is known to live: one whose exit
// is not known by then has not been reaped before, and the pidfd is its own.
// Where it has ended the error is ESRCH. See pidfd_open(2).
func Signal(pid int, sig syscall.Signal, still func() bool) error {
	if err := send(pid, sig, still); err != nil {
		return fmt.Errorf("signal %d with %s: %w", pid, unix.SignalName(sig), err)
	}
	return nil
}

func send(pid int, sig syscall.Signal, still func() bool) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) { // before Linux 5.3
		if !still() {
			return unix.ESRCH
		}
		return unix.Kill(pid, sig)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !still() {
		return unix.ESRCH
	}
	return unix.PidfdSendSignal(fd, sig, nil, 0)
}
