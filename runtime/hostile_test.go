package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A root may be made by somebody who wants out. pivot_root leaves the old root
// on top of the new one, where ".." of "/" leads: a link to it at a mount point
// led to the machine's files, and what was mounted there hid the old root from
// the one that unmounted it.
func TestHostileRoot(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	needs(t, "/bin/sh", "/usr/bin/stat")
	want := "nothing above\nown null\nmode fixed\nsys is read-only\n"
	flavours(t, func(t *testing.T, f Flavour) {
		if diff := cmp.Diff(want, tree(t, "hostile", f, t.TempDir()).Out); diff != "" {
			t.Error(diff)
		}
	})
}

func hostile(m *manager) error {
	c := boxed(m.arg)
	c.Masked = append(c.Masked, Mask{Path: "/proc/version"})
	for name, to := range map[string]string{"sys": "/..", "data": "/..", "proc": "elsewhere"} {
		if err := os.Symlink(to, filepath.Join(m.arg, name)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(m.arg, "elsewhere"), 0o755); err != nil {
		return err
	}
	quiet := uintptr(unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV)
	c.Mounts = append(c.Mounts, Mounting{Source: "tmpfs", Target: "/data/orderly-hostile-test", Type: "tmpfs", Flags: quiet},
		Mounting{Source: "sysfs", Target: "/sys", Type: "sysfs", Flags: quiet})
	s := Spec{Path: "/usr/bin/sh", Env: []string{"PATH=/usr/bin"}, Container: c, Args: []string{"sh", "-c", `
ls /../etc >/dev/null 2>&1 || echo nothing above
test $(stat -Lc %d /elsewhere/self/fd/0) = $(stat -c %d /dev) && echo own null
chmod 666 /elsewhere/version 2>/dev/null || echo mode fixed
echo x 2>/dev/null >/elsewhere/sys/kernel/hostname || echo sys is read-only`}}
	out, err := output(s, m.start)
	if err != nil {
		return err
	}
	fmt.Print(out)
	if os.Remove("/orderly-hostile-test") == nil {
		fmt.Println("made outside")
	}
	return nil
}
