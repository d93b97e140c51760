package runtime

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCgroup(t *testing.T) {
	needsRoot(t)
	needs(t, "/bin/cat")
	root := unified(t)
	flavours(t, func(t *testing.T, f Flavour) {
		dir, err := os.MkdirTemp(root, "orderly-test-")
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		r := tree(t, "cgroup", f, dir)
		if want := strings.TrimPrefix(dir, root) + "\n"; !strings.HasSuffix(r.Out, want) {
			t.Errorf("in %q, want %q", r.Out, want)
		}
	})
}

// A child that the kernel kills for want of memory, before it has executed,
// takes nobody along. (A kernel may also fail the clone, or let it pass.)
func TestMemoryLimit(t *testing.T) {
	needsRoot(t)
	root := unified(t)
	// Where the controller is not to be had the next write says so.
	_ = os.WriteFile(root+"/cgroup.subtree_control", []byte("+memory"), 0)
	flavours(t, func(t *testing.T, f Flavour) {
		dir, err := os.MkdirTemp(root, "orderly-test-")
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		if err := os.WriteFile(dir+"/memory.max", []byte("0"), 0); err != nil {
			t.Skip("needs the memory controller: ", err)
		}
		out := tree(t, "memory", f, dir).Out
		if !strings.HasSuffix(out, "the manager lives\n") {
			t.Errorf("got %q", out)
		}
		t.Log(out)
	})
}

func withoutMemory(m *manager) error {
	fd, err := unix.Open(m.arg, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for _, limit := range []string{"0", "4096", "8192", "16384", "32768", "65536", "131072", "262144"} {
		if err := os.WriteFile(m.arg+"/memory.max", []byte(limit), 0); err != nil {
			return err
		}
		fmt.Println(limit, m.start(Spec{Path: "/bin/true", Cgroup: fd}))
	}
	fmt.Println("the manager lives")
	return nil
}

// unified is where cgroup v2 is mounted.
func unified(t *testing.T) string {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(b)) {
		left, right, _ := strings.Cut(line, " - ")
		if strings.HasPrefix(right, "cgroup2 ") {
			return strings.Fields(left)[4]
		}
	}
	t.Skip("needs cgroup v2")
	return ""
}

func enterCgroup(m *manager) error {
	fd, err := unix.Open(m.arg, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	s := Spec{Path: "/bin/cat", Args: []string{"cat", "/proc/self/cgroup"}, Cgroup: fd}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "0::") {
			fmt.Print(line)
		}
	}
	return closedCgroup(m, fd)
}

// closedCgroup: what fails in the clone itself is reported as a step too.
func closedCgroup(m *manager, fd int) error {
	if err := unix.Close(fd); err != nil {
		return err
	}
	want := "clone into cgroup: bad file descriptor"
	if m.host.Flavour == Cow {
		want = "enter cgroup: bad file descriptor"
	}
	err := m.start(Spec{Path: "/bin/true", Cgroup: fd})
	if err == nil || err.Error() != want {
		return fmt.Errorf("got %w, want %s", err, want)
	}
	return nil
}
