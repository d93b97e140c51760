package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// TestManagerDiesInATransition kills the manager in the middle of a transition of 100 components, at several
// moments: every component is started exactly once, those that ran keep their process, and the transition ends as
// it would have.
func TestManagerDiesInATransition(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 20, 50, 90} {
		t.Run(fmt.Sprintf("after %d", after), func(t *testing.T) {
			r := supervise(t, hundred(), "--target", "none")
			go r.client.Call("Activate", control.ActivateParam{Target: "all"}, &control.ActivateReply{})
			watcher, err := control.Dial(r.path)
			if err != nil {
				t.Fatal(err)
			}
			ready := r.waitReady(watcher, after)
			pids := map[string]int{}
			for i := range ready.Components {
				pids[ready.Components[i].Name] = ready.Components[i].PID
			}
			watcher.Close()
			r.client.Close()
			kill(t, r.keeper)
			r.connect()
			r.awaits("all", 20*time.Second)
			r.judge(pids)
		})
	}
}

// waitReady asks until so many components are ready.
func (r *running) waitReady(c *control.Client, n int) (s control.Status) {
	r.Helper()
	r.until(fmt.Sprintf("%d components are ready", n), func() bool {
		var reply control.StatusReply
		err := c.Call("GetStatus", control.NameParam{}, &reply)
		s = reply.Status
		ready := 0
		for i := range s.Components {
			if s.Components[i].State == "ready" {
				ready++
			}
		}
		return err != nil || ready >= n
	})
	return s
}

// kill ends the manager below a keeper.
func kill(t *testing.T, keeper int) {
	t.Helper()
	pid := oracle.Manager("/proc", keeper)
	if pid == 0 {
		t.Fatal("there is no manager")
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// judge checks that every component was executed once, and runs in the process that it had. Its run may be another
// than the first: a launch that was decided and not made is decided again.
func (r *running) judge(before map[string]int) {
	r.Helper()
	deadline := time.Now().Add(10 * time.Second)
	s := r.status()
	for s.State == "transition" && time.Now().Before(deadline) {
		s = r.status()
	}
	if s.State != "settled" || s.Target != "all" {
		r.Errorf("target %s is %s", s.Target, s.State)
	}
	seen := map[int]string{}
	for i := range s.Components {
		c := &s.Components[i]
		if c.State != "ready" || c.PID == 0 {
			r.Errorf("%s: %s, pid %d, run %d", c.Name, c.State, c.PID, c.Run)
		}
		if was := before[c.Name]; was != 0 && was != c.PID {
			r.Errorf("%s: was process %d, is %d", c.Name, was, c.PID)
		}
		if other, twice := seen[c.PID]; twice {
			r.Errorf("%s and %s are one process", c.Name, other)
		}
		seen[c.PID] = c.Name
		if err := unix.Kill(c.PID, 0); err != nil {
			r.Errorf("%s: process %d: %v", c.Name, c.PID, err)
		}
	}
	starts, err := os.ReadFile(filepath.Join(r.dir, "starts"))
	if n := strings.Count(string(starts), "\n"); n != len(s.Components) || err != nil {
		r.Errorf("%d programs were executed; want %d; %v", n, len(s.Components), err)
	}
	if n := r.count("marker-" + r.dir); n != len(s.Components) {
		r.Errorf("%d processes run; want %d", n, len(s.Components))
	}
}

// count counts processes with an argument.
func (r *running) count(arg string) int {
	all, err := os.ReadDir("/proc")
	if err != nil {
		r.Fatal(err)
	}
	n := 0
	for _, e := range all {
		line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if strings.Contains(string(line), arg+"\x00") {
			n++
		}
	}
	return n
}

// hundred are chains of ten, so that the transition has both many at once and one after another.
func hundred() string {
	var b strings.Builder
	b.WriteString("initial_target = \"none\"\n[target.none]\n[target.all]\ndepends_on = [")
	for i := range 100 {
		fmt.Fprintf(&b, "\"c%02d\",", i)
	}
	b.WriteString("]\n")
	for i := range 100 {
		fmt.Fprintf(&b, "[component.c%02d]\ncommand = [\"prog\", \"append\", \"$DIR/starts\", \"c%02d\", \"sleep\", \"5ms\", \"fd\", \"3\", \"\\n\", \"pause\", \"marker-$DIR\"]\nready = { fd = 3 }\n", i, i)
		if i%10 > 0 {
			fmt.Fprintf(&b, "depends_on = [\"c%02d\"]\n", i-1)
		}
	}
	return b.String()
}
