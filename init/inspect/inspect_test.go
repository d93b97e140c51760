package inspect

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// imageDir is a directory with files and links: the links are what an image has, absolute ones begin at its root.
func imageDir(t *testing.T) *Root {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"usr/bin", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "usr/bin/sh"), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"bin": "/usr/bin", "up": "../../../../etc", "loop": "loop2", "loop2": "/loop", "through": "bin/sh/x", "usr/bin/ash": "sh",
		"out": "/../../../../../../../../../../../../tmp",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// Links are followed inside the image, and none leads out of it.
func TestResolve(t *testing.T) {
	t.Parallel()
	root := imageDir(t)
	for _, row := range []struct {
		path, want string
		err        error
	}{
		{"/bin/sh", "usr/bin/sh", nil}, {"/bin/ash", "usr/bin/sh", nil}, {"/bin/../lib", "usr/lib", unix.ENOENT}, {"/up", "etc", nil},
		{"/../..", ".", nil}, {"/", ".", nil}, {"/loop", "loop", unix.ELOOP}, {"/through", "usr/bin/sh", unix.ENOTDIR}, {"/out", "tmp", unix.ENOENT},
	} {
		got, err := root.resolve(row.path)
		if row.err == unix.ELOOP {
			got = row.want // which of the two is not ours to say
		}
		if got != row.want || err != row.err {
			t.Errorf("%s: %s, %v; want %s, %v", row.path, got, err, row.want, row.err)
		}
	}
}

func TestParseScript(t *testing.T) {
	t.Parallel()
	for head, want := range map[string][2]string{
		"#!/bin/sh\necho": {"/bin/sh", ""}, "#! /usr/bin/env python3 \n": {"/usr/bin/env", "python3"}, "#!/bin/sh -e": {"/bin/sh", "-e"}, "#!": {"", ""},
	} {
		a, b, ok := parseScript(head)
		if d := cmp.Diff(want, [2]string{a, b}); d != "" || !ok {
			t.Errorf("%q: %s", head, d)
		}
	}
	if _, _, ok := parseScript("\x7fELF"); ok {
		t.Error("no script")
	}
}

// This very test is a program for this processor.
func TestParseELF(t *testing.T) {
	t.Parallel()
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, ok := parseELF(f); !ok || img.machine != ownMachine() {
		t.Errorf("%+v, %v", img, ok)
	}
	if !runs(machineARM64, machineARM) || runs(machineARM, machineARM64) || !runs(0, machineARM) {
		t.Error("what runs where")
	}
}

func FuzzParseELF(f *testing.F) {
	head := make([]byte, 200)
	copy(head, "\x7fELF\x02\x01")
	head[32], head[54], head[56], head[64], head[72], head[96] = 64, 56, 2, 3, 120, 8
	f.Add(head)
	f.Add([]byte("\x7fELF\x01\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if img, _ := parseELF(bytes.NewReader(b)); len(img.loader) > len(b) {
			t.Errorf("%+v of %d bytes", img, len(b))
		}
	})
}

func FuzzParseScript(f *testing.F) {
	f.Add("#!/bin/sh -e\n")
	f.Fuzz(func(t *testing.T, head string) { parseScript(head) })
}
