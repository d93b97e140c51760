package runtime

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The places of the descriptors, however the sources lie: exchanged, above,
// at home already, with gaps.
func TestFiles(t *testing.T) {
	needs(t, "/bin/ls")
	want := "0 null\n1 pipe\n2 null\n" + "3 b\n4 a\n" + "\n" +
		"0 a\n1 pipe\n2 null\n" + "5 c\n9 b\n" + "\n" +
		"0 a\n1 pipe\n2 a\n" + "30 a\n31 b\n"
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff(want, tree(t, "files", f, t.TempDir()).Out); diff != "" {
			t.Error(diff)
		}
	})
}

func files(m *manager) error {
	// Without the close-on-exec flag: only the list can keep them from the child.
	place := func(name string, at int) error {
		f, err := os.Create(m.arg + "/" + name)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Dup3(int(f.Fd()), at, 0)
	}
	for name, at := range map[string]int{"a": 30, "b": 31, "c": 200, "gap": 27, "above": 150} {
		if err := place(name, at); err != nil {
			return err
		}
	}
	for i, list := range [][]File{
		{{3, 31}, {4, 30}},
		{{0, 30}, {9, 31}, {5, 200}},
		{{31, 31}, {30, 30}, {0, 30}, {2, 30}},
	} {
		if i > 0 {
			fmt.Println()
		}
		s := Spec{Path: "/bin/ls", Args: []string{"ls", "-l", "/proc/self/fd"}, Files: list}
		out, err := output(s, m.start)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			left, target, ok := strings.Cut(line, " -> ")
			if !ok || strings.HasPrefix(target, "/proc/") {
				continue
			}
			words := strings.Fields(left)
			target = strings.TrimSpace(target[strings.LastIndex(target, "/")+1:])
			target, _, _ = strings.Cut(target, ":")
			fmt.Println(words[len(words)-1], target)
		}
	}
	return swap(m)
}

// swap exchanges two descriptors: each lies in the other's place.
func swap(m *manager) error {
	s := Spec{Path: "/bin/ls", Files: []File{{30, 31}, {31, 30}}}
	before := [2]string{link("self", 30), link("self", 31)}
	s.Args = []string{"ls", "-l", "/proc/self/fd"}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	for i, n := range []string{"31", "30"} {
		if !strings.Contains(out, n+" -> "+before[i]+"\n") {
			return fmt.Errorf("descriptor %s is not %s in\n%s", n, before[i], out)
		}
	}
	return nil
}

func link(pid string, fd int) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/%s/fd/%d", pid, fd))
	if err != nil {
		return err.Error()
	}
	return name
}
