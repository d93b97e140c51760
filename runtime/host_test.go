package runtime

import (
	"errors"
	"fmt"
	"testing"

	"github.com/orderly-init/orderly/runtime/internal/nofile"
	"golang.org/x/sys/unix"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	for release, want := range map[string][2]int{
		"6.1.0-rc2":      {6, 1},
		"5.16":           {5, 16},
		"5.15.0-generic": {5, 15},
		"10.0+":          {10, 0},
	} {
		major, minor, err := version(release)
		if err != nil || [2]int{major, minor} != want {
			t.Errorf("%s: %d.%d, %v", release, major, minor, err)
		}
	}
}

func FuzzVersion(f *testing.F) {
	for _, s := range []string{"6.1.0-rc2", "5", "", ".", "6.x", "-1.2", "99999999999999999999.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		major, minor, err := version(s)
		if err == nil && (major < 0 || minor < 0) {
			t.Errorf("%q: %d.%d", s, major, minor)
		}
	})
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	line := "12 (a) b) (c) S 3 4 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 1 2"
	got, err := parseStat(line)
	if want := (Process{PID: 12, Parent: 3, Group: 4, Session: 5, Start: 777}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("12 (a) b) (c) S 3 4 5 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 1 2")
	f.Add(") (")
	f.Add("1 () Z")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parseStat(s); err != nil && p != (Process{}) {
			t.Errorf("%+v with %v", p, err)
		}
	})
}

// Package os raises the soft limit; the original must have been read before.
func TestOriginalLimit(t *testing.T) {
	if out := tree(t, "limit", Cow, "").Out; out != "123 456\n" {
		t.Errorf("got %q", out)
	}
	if soft, hard := nofile.Original(); soft == 0 || hard < soft {
		t.Errorf("%d, %d", soft, hard)
	}
}

func startWithLimits(m *manager) error {
	s := Spec{Path: "/proc/self/exe", Env: []string{roleVar + "=limit"},
		Limits: []Limit{{unix.RLIMIT_NOFILE, 123, 456}}}
	out, err := output(s, m.start)
	fmt.Print(out)
	return err
}

func printLimits() error {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return err
	}
	if now.Cur == 123 {
		return errors.New("the soft limit was not raised: this shows nothing")
	}
	limit := Probe().OpenFiles
	fmt.Println(limit.Soft, limit.Hard)
	return nil
}
