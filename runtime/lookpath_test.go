package runtime

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

func TestLookPath(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{a + "/plain": 0o644, b + "/tool": 0o755, b + "/plain": 0o644} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(a+"/tool", 0o755); err != nil {
		t.Fatal(err)
	}
	path := a + "::.:" + b
	for _, row := range []struct {
		file, want string
		err        error
	}{
		{"tool", b + "/tool", nil},
		{"/no/such", "/no/such", nil},
		{"./x", "./x", nil},
		{"plain", "", fs.ErrPermission},
		{"absent", "", fs.ErrNotExist},
		{"", "", fs.ErrNotExist},
		{"lookpath_test.go", "", fs.ErrNotExist},
	} {
		got, err := LookPath(row.file, path)
		if got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%q: %q, %v; want %q, %v", row.file, got, err, row.want, row.err)
		}
	}
}
