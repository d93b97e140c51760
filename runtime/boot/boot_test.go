package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/runtime"
)

// TestSlots is every way that the file and what runs can stand to each other.
func TestSlots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, line, try, after, fails string }{
		{"first boot", "", "quiet orderly.slot=a", "", "", ""},
		{"nothing pending", "slot=a\n", "orderly.slot=a", "", "slot=a\n", ""},
		{"pending is confirmed", "slot=a\npending=b\ntries=2\nmine=1\n", "orderly.slot=b", "", "slot=b\npending=\ntries=0\nfailed=\nmine=1\n", ""},
		{"pending waits for its boot", "slot=a\npending=b\ntries=2\n", "orderly.slot=a", "", "slot=a\npending=b\ntries=2\n", ""},
		{"reverted", "slot=a\npending=b\ntries=0\n", "orderly.slot=a", "", "slot=a\npending=\ntries=0\nfailed=b\n",
			"reverted to slot a: slot b did not confirm itself in any of its tries"},
		{"reverted before", "slot=a\nfailed=b\n", "orderly.slot=a", "", "slot=a\nfailed=b\n",
			"reverted to slot a: slot b did not confirm itself in any of its tries"},
		{"foreign slot", "slot=a\n", "orderly.slot=b", "", "slot=a\n", `slot b runs, and the boot state STATE knows "a" and "" only`},
		{"unknown slot", "", "orderly.slot=c", "", "", "kernel command line: orderly.slot=c is none of the slots a, b"},
		{"no slot", "", "quiet", "", "", "kernel command line: there is no orderly.slot=; the boot loader has to say which slot runs"},
		{"try", "slot=a\nfailed=b\nmine=1\n", "orderly.slot=a", "other", "slot=a\npending=b\ntries=3\nfailed=\nmine=1\n", ""},
		{"try by name, for the first time", "", "orderly.slot=b", "a", "slot=b\npending=a\ntries=3\nfailed=\n", ""},
		{"try what runs", "slot=a\n", "orderly.slot=a", "a", "slot=a\n", "slot a runs already"},
		{"try on trial", "slot=a\npending=b\ntries=1\n", "orderly.slot=b", "other", "slot=a\npending=b\ntries=1\n",
			"the slot that runs is on trial itself: it has to be confirmed first"},
		{"garbage", "slot=a\ntries=many\n", "orderly.slot=a", "", "slot=a\ntries=many\n", `boot state STATE: line 2: tries="many" is not a number from 0 to 1000`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file, line := filepath.Join(dir, "env"), filepath.Join(dir, "cmdline")
			write(t, line, c.line)
			if c.before != "" {
				write(t, file, c.before)
			}
			k := New(Config{State: file, Slots: []string{"a", "b"}, Argument: "orderly.slot", CommandLine: line, Try: c.try, Tries: 3})
			text := ""
			if _, err := k.Make(&runtime.Spec{}); err != nil {
				text = err.Error()
			}
			if d := cmp.Diff(strings.ReplaceAll(c.fails, "STATE", file), text); d != "" {
				t.Error(d)
			}
			after, _ := os.ReadFile(file)
			if d := cmp.Diff(c.after, string(after)); d != "" {
				t.Error(d)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// FuzzParse: whatever a boot loader has left in the file, it is read again as it was written.
func FuzzParse(f *testing.F) {
	f.Add("slot=a\npending=b\ntries=3\nfailed=\nmine=1\r\n")
	f.Add("=\n\nslot\ntries=-1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parse(text)
		if err != nil {
			return
		}
		again, err := parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q is read as %q: %v", s.String(), again.String(), err)
		}
	})
}
