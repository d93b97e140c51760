package manager

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/poll"
)

// withTree is a manager that has a tree of cgroups, and leaves nothing of it.
func withTree(t *testing.T) *Manager {
	t.Helper()
	place, err := cgroups.Hierarchy()
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("needs root and cgroup v2: %v", err)
	}
	tree, err := place.Open(filepath.Join(place.Own, "orderly-"+t.Name()+"-"+itoa(os.Getpid())))
	if err != nil {
		t.Skipf("needs a writable cgroup v2 tree: %v", err)
	}
	m := &Manager{tree: tree, byName: map[string]*unit{}, table: smallTable(t)}
	t.Cleanup(func() {
		m.cleanAll()
		if _, err := os.Stat(tree.Path); err == nil {
			t.Error("the tree is still there")
		}
	})
	return m
}

// TestToolThatFollowsOne: two mounts at boot, one after the other. The group that the first has left is the second's by the time that it would
// be removed, and nobody is in it yet.
func TestToolThatFollowsOne(t *testing.T) {
	m := withTree(t)
	first := m.toolUnit(m.freeTool("mount"))
	m.desert(first)
	next := &process{unit: m.toolUnit(m.freeTool("mount")), role: toolRole}
	fd, err := m.tree.Make(next.unit.name)
	if err != nil || m.record(next) != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	m.sweep()
	if names, err := m.tree.Names(); len(names) != 1 {
		t.Errorf("groups: %q, %v; want that of %s", names, err, next.unit.name)
	}
	m.release(next)
	m.desert(next.unit)
	m.sweep()
	if names, err := m.tree.Names(); len(names) != 0 {
		t.Errorf("groups: %q, %v; want none", names, err)
	}
}

// A group that cannot be removed at once is removed later, and one that never can is told of, after a bounded number of tries.
func TestCleanIsPatientForAWhile(t *testing.T) {
	m := withTree(t)
	tree := m.tree
	cmd := exec.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for _, name := range []string{"later", "never"} {
		fd, err := tree.Make(name)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		if err := tree.Move(name, cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
		m.clean(name, 0)
		if name == "later" { // the process goes to the other one, and the group is free
			continue
		}
		at := poll.Now()
		for range 2 * mostCleans {
			at += time.Minute
			m.doChores(at)
		}
	}
	if _, err := os.Stat(filepath.Join(tree.Path, "later")); err == nil {
		t.Error("the group that became free is still there")
	}
	if len(m.notes) != 1 || !strings.Contains(m.notes[0], "never: device or resource busy") {
		t.Errorf("notes: %q", m.notes)
	}
	if next := m.nextChore(); next != 0 {
		t.Errorf("something is still to be done at %v", next)
	}
}
