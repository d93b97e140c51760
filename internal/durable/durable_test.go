package durable

import (
	"os"
	"path/filepath"
	"testing"
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
