package targets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes files below a new directory; a name that ends in a slash is a directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadSources(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"b.toml": "b", "a.toml": "a", "B.toml": "B", ".hidden.toml": "no", "a.toml~": "no", "readme": "no", "x.d": "no",
		"z.d/a.toml": "za", "a.d/b.toml": "ab", "a.d/a.toml": "aa", "a.d/sub.toml/": "", "sub/c.toml": "no", ".h.d/a.toml": "no",
	})
	one := write(t, map[string]string{"any.name": "one"})
	sources, problems := ReadSources(dir, filepath.Join(one, "any.name"), "/run/orderly/conf")
	var got []string
	for _, s := range sources {
		name, err := filepath.Rel(dir, s.Path)
		if err != nil || strings.HasPrefix(name, "..") {
			name = filepath.Base(s.Path)
		}
		kind := " main "
		if s.DropIn {
			kind = " dropin "
		}
		got = append(got, name+kind+string(s.Data)+" "+string(rune('0'+s.Layer)))
	}
	want := []string{
		"B.toml main B 0", "a.toml main a 0", "b.toml main b 0",
		"a.d/a.toml dropin aa 0", "a.d/b.toml dropin ab 0", "z.d/a.toml dropin za 0",
		"any.name main one 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(filepath.Join(dir, "a.d/sub.toml")+": not a regular file", problems.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestReadStrange: what is no plain file is a problem at once; nothing blocks, and the rest is read.
func TestReadStrange(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"fine.toml": "", "big.toml": strings.Repeat("#\n", maxFile/2+1)})
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.toml"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"loop.toml": "loop.toml", "gone.toml": "nowhere", "null.toml": "/dev/null", "gone.d": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	sources, problems := ReadSources(dir)
	if len(sources) != 1 || filepath.Base(sources[0].Path) != "fine.toml" {
		t.Errorf("sources %v", sources)
	}
	want := `DIR/big.toml: larger than 4 MiB
DIR/fifo.toml: not a regular file
DIR/gone.d: stat: no such file or directory
DIR/gone.toml: open: no such file or directory
DIR/loop.toml: open: too many levels of symbolic links
DIR/null.toml: not a regular file`
	if diff := cmp.Diff(want, strings.ReplaceAll(problems.Error(), dir, "DIR")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, row := range []struct{ path, want string }{
		{dir, "no *.toml file in DIR"},
		{dir + "/missing", "DIR/missing: stat: no such file or directory"},
	} {
		sources, problems := ReadSources(row.path)
		if got := strings.ReplaceAll(problems.Error(), dir, "DIR"); got != row.want || sources != nil {
			t.Errorf("%s: %v, %q", row.path, sources, got)
		}
	}
}

// TestReadBounds: neither many files nor large ones are read without end.
func TestReadBounds(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range maxFiles + 1 {
		many[fmt.Sprintf("%04d.toml", i)] = ""
	}
	large := map[string]string{}
	for i := range maxTotal/maxFile + 1 {
		large[fmt.Sprintf("%d.toml", i)] = strings.Repeat("\n", maxFile)
	}
	for _, row := range []struct {
		files map[string]string
		want  string
	}{
		{many, "DIR/4096.toml: not read: more than 4096 files"},
		{large, "DIR/4.toml: not read: all files together are larger than 16 MiB"},
	} {
		dir := write(t, row.files)
		sources, problems := ReadSources(dir)
		if got := strings.ReplaceAll(problems.Error(), dir, "DIR"); got != row.want || len(sources) != len(row.files)-1 {
			t.Errorf("%d sources, %q, want %q", len(sources), got, row.want)
		}
	}
}
