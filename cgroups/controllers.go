package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A group has the files of a controller where the directory above it has passed it on, in cgroup.subtree_control; and it may pass
// on only what it has itself. Only the root of the hierarchy, and a directory without processes, can pass on the controllers
// that we use ("No Internal Process Constraint" in the kernel's cgroup-v2 document).

// ErrCrowded says that processes are where none may be if a controller is to be passed on.
var ErrCrowded = errors.New("processes are in it, beside the groups below")

// Enable passes controllers on to the groups of the tree: to the tree by the directory above it, and from there. Those that cannot be
// passed on are in the error, joined, each by its name; Is(err, ErrCrowded) says that Vacate may help.
func (t *Tree) Enable(controllers []string) error {
	var failed error
	for _, c := range controllers {
		if slices.Contains(t.passed, c) {
			continue
		}
		err := t.pass(c)
		if err == nil {
			t.passed = append(t.passed, c)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func (t *Tree) pass(controller string) error {
	for _, dir := range []string{filepath.Dir(t.Path), t.Path} {
		if slices.Contains(words(dir, "cgroup.subtree_control"), controller) {
			continue
		}
		if !slices.Contains(words(dir, "cgroup.controllers"), controller) {
			return fmt.Errorf("controller %s: %s", controller, t.absent(controller, dir))
		}
		err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
		if err != nil {
			return fmt.Errorf("controller %s: not passed on by %s: %w", controller, dir, obstacle(err))
		}
	}
	return nil
}

// obstacle is why the kernel does not pass a controller on.
func obstacle(err error) error {
	switch {
	case isErrno(err, unix.EBUSY):
		return ErrCrowded
	case isErrno(err, unix.EOPNOTSUPP):
		return errors.New("it is threaded")
	}
	return reason(err)
}

// absent tells why a directory does not have a controller: it was not given it, or the kernel has none to give.
func (t *Tree) absent(controller, dir string) string {
	if slices.Contains(words(t.mount, "cgroup.controllers"), controller) {
		return "not delegated to " + dir
	}
	table, _ := os.ReadFile("/proc/cgroups")
	return why(controller, string(table))
}

// why reads /proc/cgroups, lines of name, number of the version 1 hierarchy, groups and whether it is enabled (cgroups(7)).
func why(controller, table string) string {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] != controller && (controller != "io" || f[0] != "blkio") {
			continue
		}
		if f[3] == "0" {
			return "disabled on the kernel command line"
		}
		if f[1] != "0" {
			return "in use by cgroup v1"
		}
	}
	return "this system has none for cgroup v2"
}

func words(dir, file string) []string {
	b, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.Fields(string(b))
}

// leaf is the suffix of the group for the processes that a directory of groups cannot hold itself. A dot is in no component's name.
const leaf = ".self"

// Vacate moves processes out of the directory above the tree into a group of their own beside it: those that are ours. The
// directory can then pass controllers on, unless others are in it.
func (t *Tree) Vacate(ours func(pid int) bool) error {
	above, own := filepath.Dir(t.Path), t.Path+leaf
	if err := os.Mkdir(own, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for range 16 { // what is started meanwhile is in the directory again
		var moved, others int
		for _, field := range words(above, "cgroup.procs") {
			pid, err := strconv.Atoi(field)
			if err != nil || !ours(pid) {
				others++
				continue
			}
			if err := Move(own, pid); err != nil && !isErrno(err, unix.ESRCH) {
				return fmt.Errorf("move process %d to %s: %w", pid, own, reason(err))
			}
			moved++
		}
		if others > 0 {
			return fmt.Errorf("%d other processes are in %s: it must be Orderly's alone (systemd: Delegate=yes)", others, above)
		}
		if moved == 0 {
			return nil
		}
	}
	return nil
}

// Return takes Vacate back at the end, so that nothing is left: the controllers are no longer passed on, and the processes are
// again where they were. The tree is gone by then.
func (t *Tree) Return() error {
	above, own := filepath.Dir(t.Path), t.Path+leaf
	pids := words(own, "cgroup.procs")
	if len(pids) == 0 {
		if err := unix.Rmdir(own); err != nil && err != unix.ENOENT {
			return &os.PathError{Op: "rmdir", Path: own, Err: err}
		}
		return nil
	}
	for _, c := range words(above, "cgroup.subtree_control") {
		_ = os.WriteFile(filepath.Join(above, "cgroup.subtree_control"), []byte("-"+c), 0)
	}
	for _, field := range pids {
		pid, _ := strconv.Atoi(field)
		if err := Move(above, pid); err != nil {
			return err
		}
	}
	if err := unix.Rmdir(own); err != nil {
		return &os.PathError{Op: "rmdir", Path: own, Err: err}
	}
	return nil
}
