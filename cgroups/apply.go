package cgroups

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Set writes settings into a group. Those that fail are in the error, joined; the others are written all the same. Lowering
// memory.max of a group in use may take long: the kernel reclaims, and then kills, before it returns.
func (t *Tree) Set(name string, settings []Setting) error {
	var failed error
	for _, s := range settings {
		err := t.write(name, s.File, s.Value)
		if other, ok := s.instead(); ok && missing(err) {
			err = t.write(name, other.File, other.Value)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("write %s of %s: %w", s.File, name, reason(err)))
		}
	}
	return failed
}

// reason is why a file of a group cannot be written. One that is not there, where its controller is, is of a later kernel, or of one
// that was built without it.
func reason(err error) error {
	if missing(err) {
		return errors.New("the kernel does not have it")
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// Passes says whether the groups have the files of a controller, as far as Enable has seen to it.
func (t *Tree) Passes(controller string) bool { return slices.Contains(t.passed, controller) }

// Thaw continues a group that has been frozen; one that has not is only looked at.
func (t *Tree) Thaw(name string) error {
	b, err := t.read(name, "cgroup.freeze", make([]byte, 0, 8))
	if missing(err) || err == nil && !strings.HasPrefix(string(b), "1") {
		return nil
	}
	return t.Freeze(name, false)
}
