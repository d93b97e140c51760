package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/targets"
)

// TestLastEnd: what each boot says of the end of the one before.
func TestLastEnd(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	if err := SaveEnd(dir, "reboot", ""); err != nil || exists(dir) {
		t.Errorf("an end without a beginning was written: %v", err)
	}
	for _, row := range []struct {
		name, boot string
		end, why   string // "" is none in order
		level      targets.Level
		want       string
	}{
		{"the first boot", "1", "reboot", "", targets.Info, ""},
		{"after a reboot", "2", "", "", targets.Info, "last end: reboot"},
		{"the same boot once more", "2", "", "", targets.Info, ""},
		{"after a power cut", "3", "poweroff", "the fallback target failed", targets.Warning, unasked},
		{"after the last resort", "4", "reboot", "", targets.Warning, "last end: poweroff: the fallback target failed"},
	} {
		level, text, err := beginRecord(dir, row.boot)
		if err != nil || text != row.want || text != "" && level != row.level {
			t.Errorf("%s: %v %q, %v", row.name, level, text, err)
		}
		if row.end == "" {
			continue
		}
		if err := SaveEnd(dir, row.end, row.why); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, endName), []byte("\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, text, err := beginRecord(dir, "5"); text != "" || err != nil {
		t.Errorf("a damaged record: %q, %v", text, err)
	}
}

func FuzzLastEnd(f *testing.F) {
	f.Add("running 1b4e28ba")
	f.Add("ended reboot: the fallback target failed")
	f.Fuzz(func(t *testing.T, record string) {
		if _, text := readEnd(record); text != "" && !strings.HasPrefix(text, "last end: ") {
			t.Fatalf("%q: %q", record, text)
		}
	})
}
