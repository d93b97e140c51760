package qemu

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// long bounds every wait of a test: at least ten times what it takes on a quiet host.
const long = 2 * time.Minute

// needQEMU skips where nothing can be booted, unless boot tests are asked for.
func needQEMU(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine")
	}
	if missing := debian.Missing(); len(missing) > 0 && os.Getenv("ORDERLY_QEMU_TESTS") == "" {
		t.Skipf("missing: %s (ORDERLY_QEMU_TESTS=1 installs them)", strings.Join(missing, " "))
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("missing: apt-get")
	}
}

// build builds with the build directory locked.
func build[T any](t *testing.T, do func(*image.Builder) (T, error)) T {
	t.Helper()
	needQEMU(t)
	b, err := image.Open(func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	x, err := do(b)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// example is the example configuration's image.
func example(t *testing.T, program string, a image.Arch) image.Set {
	t.Helper()
	return build(t, func(b *image.Builder) (image.Set, error) { return b.Example(program, a) })
}

// machine is a guest of which every failure ends the test.
type machine struct {
	*guest.Guest
	t *testing.T
}

// boot starts a guest that ends with the test; a test that failed shows its console.
func boot(t *testing.T, o guest.Options) machine {
	t.Helper()
	g, err := guest.Start(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Kill()
		if t.Failed() {
			t.Logf("console:\n%s", g.Console())
		}
	})
	return machine{g, t}
}

// expect waits for a match on the console.
func (m machine) expect(pattern string) []string {
	m.t.Helper()
	match, err := m.Expect(long, pattern)
	if err != nil {
		m.t.Fatal(err)
	}
	return match
}

// try runs a program in the guest.
func (m machine) try(argv ...string) guest.Result {
	m.t.Helper()
	r, err := m.Run(long, argv...)
	if err != nil {
		m.t.Fatal(err)
	}
	return r
}

// run is try for a program that must succeed; it returns what it printed.
func (m machine) run(argv ...string) string {
	m.t.Helper()
	r := m.try(argv...)
	if r.Exit != 0 {
		m.t.Fatalf("%q: exit %d\n%s%s", argv, r.Exit, r.Out, r.Err)
	}
	return r.Out
}

// sh is run for a line of shell.
func (m machine) sh(line string) string {
	m.t.Helper()
	return m.run("/bin/sh", "-c", line)
}

// off waits until the machine has switched itself off, and gives its slot to the next one.
func (m machine) off() {
	m.t.Helper()
	if err := m.Wait(long); err != nil {
		m.t.Fatal(err)
	}
	m.Kill()
}
