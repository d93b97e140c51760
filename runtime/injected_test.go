package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Whatever step of a container's start fails: it is the one that is told, and nothing is left of the start.
func TestEveryStepFails(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needs(t, "/bin/sh")
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff("all steps were told\nnothing is left\n", tree(t, "injected", f, t.TempDir()).Out); diff != "" {
			t.Error(diff)
		}
	})
}

func injected(m *manager) error {
	c := boxed(m.arg)
	for _, dir := range []string{"upper", "work", "scratch"} {
		if err := os.Mkdir(filepath.Join(m.arg, dir), 0o755); err != nil {
			return err
		}
	}
	c.Root.Overlay, c.Root.ReadOnly = &Overlay{Scratch: filepath.Join(m.arg, "scratch")}, true
	s := Spec{Path: "/bin/sh", Args: []string{"sh", "-c", "exit 0"}, Container: c, NoInput: true, NoNewPrivileges: true, Capabilities: []int{}, Dir: "/"}
	c.Masked = []Mask{{Path: "/proc/version"}, {"/proc/irq", true}} // which are there: else steps are left out
	left(m.arg)                                                     // the Go runtime opens what it needs
	before := left(m.arg)
	told, steps := 0, len(s.Steps(m.host))
	for i := 1; i < steps; i++ { // the first is the clone itself
		p, err := Prepare(m.host, s)
		if err != nil {
			return err
		}
		broken := p.Steps()
		b := &broken[i]
		b.Nr, b.Fine, b.Each, b.how = ^uintptr(0)>>1, 0, nil, b.how&^(flagTry|flagSoft|flagOmit)
		p.encode(broken)
		if err := Start(p, &m.slots[0], wakeFD); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if err := m.await(0); err != nil {
			return err
		}
		switch err := Failure(p.Steps(), &m.slots[0]); {
		case !errors.Is(err, unix.ENOSYS) || !strings.HasPrefix(err.Error(), broken[i].Name()):
			fmt.Printf("step %d, %s: told was %v\n", i, broken[i].Name(), err)
		default:
			told++
		}
		if err := p.Free(); err != nil {
			return err
		}
	}
	if told == steps-1 && steps > 60 {
		fmt.Println("all steps were told")
	}
	if diff := cmp.Diff(before, left(m.arg)); diff == "" {
		fmt.Println("nothing is left")
	} else {
		fmt.Println(diff)
	}
	return nil
}

// left are the descriptors and the mounts that there are, and what a root has.
func left(dir string) []string {
	var list []string
	fds, _ := os.ReadDir("/proc/self/fd")
	list = append(list, fmt.Sprint(len(fds), " descriptors"))
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			list = append(list, line)
		}
	}
	files, _ := os.ReadDir(filepath.Join(dir, "scratch"))
	return append(list, fmt.Sprint(len(files), " files"))
}
