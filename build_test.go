package orderly

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestBuildIsReproducible builds the same sources in two places: the binaries are the same to the byte.
func TestBuildIsReproducible(t *testing.T) {
	t.Parallel()
	files, err := exec.Command("git", "ls-files", "-z", "--", "*.go", "*.s", "*.varlink", "runtime/oci/fields.txt", "go.mod", "go.sum").Output()
	if err != nil {
		t.Skipf("needs the git checkout: %v", err)
	}
	elsewhere := t.TempDir()
	for _, name := range bytes.Split(bytes.TrimRight(files, "\x00"), []byte{0}) {
		copyFile(t, string(name), filepath.Join(elsewhere, string(name)))
	}
	for _, arch := range []string{"arm", "arm64", "amd64"} {
		one, two := build(t, ".", arch), build(t, elsewhere, arch)
		if !bytes.Equal(one, two) {
			t.Errorf("%s: two builds differ: %d and %d bytes", arch, len(one), len(two))
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return // removed, and not committed yet
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// build builds as the Makefile does, without the stamp of the version control, which a copy does not have.
func build(t *testing.T, dir, arch string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "orderly")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -E=_orderly_start", "-o", out, "./init")
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch, "GOARM=7")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build for %s: %v\n%s", arch, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStartsWithoutDescriptors is how the kernel starts an init where there is no console and no /dev: the program begins before Go's
// runtime could end it for that.
func TestStartsWithoutDescriptors(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: chroot(2)")
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "orderly"), build(t, ".", runtime.GOARCH), 0o755); err != nil {
		t.Fatal(err)
	}
	// the shell is the one that has no descriptors, and its chroot is of this machine
	if err := exec.Command("sh", "-c", "exec chroot "+root+" /orderly version 0<&- 1>&- 2>&-").Run(); err != nil {
		t.Errorf("without descriptors: %v", err)
	}
}
