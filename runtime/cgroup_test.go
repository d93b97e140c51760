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
