package container

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// Entry is a container that runs, by its main process: a program is to be started in it.
type Entry struct {
	PID, FD int    // the main process, and a pidfd of it
	Kinds   uint64 // CLONE_NEW* that it has of its own
	Account *runtime.Account
}

// Complete makes a Spec, whose Path is the command by its name, one of a process in the container.
func (e *Entry) Complete(s *runtime.Spec) error {
	r, err := openRoot("/proc/" + strconv.Itoa(e.PID) + "/root")
	if err != nil {
		return fmt.Errorf("enter: %w", err)
	}
	defer r.close()
	m := &making{kind: &kind{Config: Config{Account: e.Account}}, spec: s, root: r}
	if err := m.who(); err != nil {
		return err
	}
	s.Container = &runtime.Container{
		Enter: []runtime.Namespace{{Name: "of the container", FD: e.FD, Kinds: e.Kinds}},
		Map:   e.Kinds&unix.CLONE_NEWUSER != 0,
	}
	return nil
}
