package durable

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSave(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "file")
	left := filepath.Join(filepath.Dir(path), ".file.new")
	for _, text := range []string{"one", "two, longer", ""} {
		if err := Save(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Fatalf("got %q, %v", b, err)
		}
		// what a power cut can leave, and what somebody else may want us to follow
		if err := os.Symlink(path, left); err != nil {
			t.Fatal(err)
		}
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if err := Save(filepath.Join(path, "below a file"), nil, 0o600); err == nil {
		t.Error("saved below a file")
	}
}

// A state directory that cannot be written to has nothing to forget: orderly apply failed there each time.
func TestForget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, p := range []string{path, filepath.Join(path, "below nothing")} {
		if err := Forget(p); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Forget(filepath.Join(path, "below a file")); err != nil {
		t.Error(err)
	}
	if err := Forget(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("it is still there")
	}
}

func TestForgetWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread() // the thread ends with the test, and its mounts with it
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		runtime.UnlockOSThread()
		t.Skip("unshare: ", err)
	}
	dir := t.TempDir()
	for _, m := range []struct {
		target, fs string
		flags      uintptr
	}{{"/", "", unix.MS_REC | unix.MS_PRIVATE}, {dir, "tmpfs", unix.MS_RDONLY}} {
		if err := unix.Mount("none", m.target, m.fs, m.flags, ""); err != nil {
			t.Skip("mount: ", err)
		}
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := Forget(filepath.Join(dir, "file")); err != nil {
		t.Error(err)
	}
}
