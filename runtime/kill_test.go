package runtime

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The keeper of the tree waits for all that was started: it ends only if
// nothing was forgotten.
func TestKill(t *testing.T) {
	needs(t, "/bin/sh", "/bin/cat", "/bin/sleep", "/usr/bin/setsid")
	flavours(t, func(t *testing.T, f Flavour) {
		r := tree(t, "kill", f, "")
		var term, tree int
		if _, err := fmt.Sscan(r.Out, &term, &tree); err != nil {
			t.Fatal(err)
		}
		if ws := r.status(t, term); ws.Signal() != syscall.SIGTERM {
			t.Errorf("status %#x, want TERM", ws)
		}
		if ws := r.status(t, tree); ws.Signal() != syscall.SIGKILL {
			t.Errorf("status %#x, want KILL", ws)
		}
	})
}

func killing(m *manager) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	s := Spec{Path: "/bin/cat", Files: []File{{0, int(r.Fd())}}}
	if err := m.start(s); err != nil {
		return err
	}
	pid := m.slots[0].Started()
	fmt.Println(pid)
	if err := Signal(pid, syscall.SIGTERM, func() bool { return false }); !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("a process that is known to have ended: %w", err)
	}
	if list, err := Descendants(pid); err != nil || len(list) != 1 || list[0].PID != pid || list[0].Session != pid {
		return fmt.Errorf("descendants of %d: %v, %w", pid, list, err)
	}
	if err := Signal(pid, syscall.SIGTERM, func() bool { return true }); err != nil {
		return err
	}
	w.Close()
	return killTree(m)
}

// killTree: a child, one that left the session, and a grandchild.
func killTree(m *manager) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	script := "sleep 1000 & setsid sh -c 'echo ready; sleep 1000; :' & wait"
	s := Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"},
		Files: []File{{1, int(w.Fd())}}}
	if err := m.start(s); err != nil {
		return err
	}
	w.Close()
	if line, err := bufio.NewReader(r).ReadString('\n'); strings.TrimSpace(line) != "ready" {
		return fmt.Errorf("got %q, %w", line, err)
	}
	pid := m.slots[0].Started()
	fmt.Println(pid)
	return KillTree(pid)
}

func TestBelonging(t *testing.T) {
	t.Parallel()
	all := []Process{
		{PID: 2, Parent: 9, Session: 9},             // pids have wrapped
		{PID: 4, Parent: 1, Session: 5},             // lost its parent
		{PID: 5, Parent: 1, Session: 5},             // the founder
		{PID: 7, Parent: 1, Session: 1},             // another's
		{PID: 8, Parent: 4, Session: 5, Dead: true}, // to be reaped
		{PID: 9, Parent: 8, Session: 9},             // left the session
	}
	var got []int
	for _, p := range belonging(all, 5) {
		got = append(got, p.PID)
	}
	if diff := cmp.Diff([]int{2, 4, 5, 9}, got); diff != "" {
		t.Error(diff)
	}
}
