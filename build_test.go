package orderly

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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

// place writes the program for this machine. Nothing is forked meanwhile: it would have the file open, which could not be executed
// (execve(2), ETXTBSY).
func place(t *testing.T, file string) {
	t.Helper()
	program := build(t, ".", runtime.GOARCH)
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(file, program, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestStartsWithoutDescriptors is how the kernel starts an init where there is no console and no /dev: the program begins before Go's
// runtime could end it for that.
func TestStartsWithoutDescriptors(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: chroot(2)")
	}
	root := t.TempDir()
	place(t, filepath.Join(root, "orderly"))
	// the shell is the one that has no descriptors, and its chroot is of this machine
	if err := exec.Command("sh", "-c", "exec chroot "+root+" /orderly version 0<&- 1>&- 2>&-").Run(); err != nil {
		t.Errorf("without descriptors: %v", err)
	}
}

// TestTableOfDescriptors has the table enlarged before there are threads: keeper and manager need not wait for that later.
func TestTableOfDescriptors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, config := filepath.Join(dir, "orderly"), filepath.Join(dir, "o.toml")
	place(t, program)
	text := fmt.Sprintf("log.directory = %q\n[target.main]\n", filepath.Join(dir, "log"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "run", "--config", config, "--control", filepath.Join(dir, "run/control.sock"))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Signal(syscall.SIGTERM)
	var sizes []string
	for end := time.Now().Add(20 * time.Second); len(sizes) < 2 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		sizes = tableSizes(c.Process.Pid)
	}
	if !slices.Equal(sizes, []string{"1024", "1024"}) {
		t.Errorf("the tables have room for %q", sizes)
	}
}

// tableSizes are those of a keeper and its manager, as far as that is there (proc_pid_status(5), FDSize).
func tableSizes(keeper int) (sizes []string) {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", keeper, keeper))
	for i, pid := range append([]string{strconv.Itoa(keeper)}, strings.Fields(string(children))...) {
		name, _ := os.ReadFile("/proc/" + pid + "/comm")
		status, _ := os.ReadFile("/proc/" + pid + "/status")
		_, size, found := strings.Cut(string(status), "\nFDSize:")
		if found && (i == 0 || strings.HasPrefix(string(name), "orderly-manage")) { // of which a task's name has no more
			size, _, _ = strings.Cut(strings.TrimSpace(size), "\n")
			sizes = append(sizes, size)
		}
	}
	return sizes
}
