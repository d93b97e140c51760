package ready

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPIDFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		pid     int // 0 is none
		removed bool
	}{
		{"123\n", 123, true},
		{" 4194304", 4194304, true},
		{"123\n/var/lib/postgres\n", 123, false},
		{"", 0, false},
		{"1\n", 0, false},
		{"-5", 0, false},
		{"4194305", 0, false},
		{"12 13", 0, false},
		{"root:x:0:0", 0, false},
	} {
		path := filepath.Join(t.TempDir(), "pid")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		pid, _, err := ReadPID(path)
		if pid != c.pid || (err == nil) != (c.pid != 0) {
			t.Errorf("%q: %d, %v", c.text, pid, err)
		}
		RemovePIDFile(path)
		if _, err := os.Stat(path); (err != nil) != c.removed {
			t.Errorf("%q: %v after it was to be removed", c.text, err)
		}
	}
}

func TestPIDFileIsNoOtherFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fifo, link, file := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("12\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir} {
		if pid, _, err := ReadPID(path); err == nil {
			t.Errorf("%s: read %d", path, pid)
		}
	}
	for _, path := range []string{fifo, dir, link} {
		RemovePIDFile(path)
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s was removed", path)
		}
	}
}

func FuzzParsePID(f *testing.F) {
	f.Add([]byte("123\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if pid, _, err := ParsePID(b); err == nil && (pid <= 1 || pid > maxPID) {
			t.Fatalf("%q is %d", b, pid)
		}
	})
}
