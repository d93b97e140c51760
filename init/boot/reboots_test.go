package boot

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReboots(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	const window = 10 * time.Minute
	if got := LoadReboots(dir).Within(window); got != 0 {
		t.Errorf("%d reboots without a record", got)
	}
	for _, step := range []struct {
		up   time.Duration
		want Reboots
		n    int
	}{
		{time.Hour, Reboots{0}, 1},
		{2 * time.Minute, Reboots{2 * time.Minute, 0}, 2},
		{3 * time.Minute, Reboots{5 * time.Minute, 3 * time.Minute, 0}, 3},
		{6 * time.Minute, Reboots{9 * time.Minute, 6 * time.Minute, 0}, 3},
		{time.Hour, Reboots{0}, 1},
	} {
		if err := CountReboot(dir, step.up, window); err != nil {
			t.Fatal(err)
		}
		got := LoadReboots(dir)
		if diff := cmp.Diff(step.want, got); diff != "" || got.Within(window) != step.n {
			t.Errorf("after %v: %d, (-want +got):\n%s", step.up, got.Within(window), diff)
		}
	}
	for range 2 * maxReboots {
		if err := CountReboot(dir, 0, window); err != nil {
			t.Fatal(err)
		}
	}
	if got := LoadReboots(dir).Within(window); got != maxReboots {
		t.Errorf("%d reboots, want no more than %d", got, maxReboots)
	}
	if err := ForgetReboots(dir); err != nil || LoadReboots(dir) != nil {
		t.Errorf("forgotten: %v, %v", LoadReboots(dir), err)
	}
	if err := ForgetReboots(dir); err != nil {
		t.Errorf("forgotten twice: %v", err)
	}
}

// TestDamagedReboots: what is no number is left out, and the rest counts.
func TestDamagedReboots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(rebootsPath(dir), []byte("12\n-3\nx\n\n99999999999\n\x00\n 7 \n3"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := Reboots{12 * time.Second, 7 * time.Second, 3 * time.Second}
	if diff := cmp.Diff(want, LoadReboots(dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzReboots(f *testing.F) {
	f.Add("12\n0\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := parseReboots(text)
		for _, age := range r {
			if age < 0 {
				t.Errorf("%v", age)
			}
		}
		if n := r.Another(time.Minute, time.Hour).Within(time.Hour); n < 1 || n > maxReboots {
			t.Errorf("%d", n)
		}
	})
}
