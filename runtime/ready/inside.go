package ready

import (
	"fmt"
	goruntime "runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// In does something in the network namespace of a path such as /proc/PID/ns/net: on a thread of its own, which ends with it, since
// a thread that has changed its namespaces is of no other use. It waits for the end.
func In(namespace string, do func()) error {
	done := make(chan error, 1)
	go func() {
		goruntime.LockOSThread() // for good
		done <- enterAnd(namespace, do)
	}()
	return <-done
}

func enterAnd(namespace string, do func()) error {
	fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", namespace, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter %s: %w", namespace, err)
	}
	do()
	return nil
}

// NewSocketsIn is NewSockets for the sockets of another process, by its network namespace /proc/PID/ns/net: in that, and in its
// root.
func NewSocketsIn(namespace string) (s *Sockets, err error) {
	err = In(namespace, func() { s = NewSockets() })
	if s != nil {
		process := strings.TrimSuffix(namespace, "ns/net")
		s.proc, s.root = process+"net", process+"root"
	}
	return s, err
}
