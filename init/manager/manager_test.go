package manager

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

func TestEnvironmentFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env")
	text := "# comment\n; too\n\nA=1\n B = two words \nC=\"quoted\"\nD='x\"'\nE=\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := environmentFile(targets.EnvironmentFile{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"A=1", "B=two words", "C=quoted", "D=x\"", "E="}, got); d != "" {
		t.Error(d)
	}
	if got, err := environmentFile(targets.EnvironmentFile{Path: path + "x", Optional: true}); got != nil || err != nil {
		t.Errorf("optional and missing: %v, %v", got, err)
	}
	for name, bad := range map[string]targets.EnvironmentFile{
		"missing": {Path: path + "x"}, "directory": {Path: filepath.Dir(path)}, "endless": {Path: "/dev/zero"},
	} {
		if got, err := environmentFile(bad); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if err := os.WriteFile(path, []byte("A=1\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := environmentFile(targets.EnvironmentFile{Path: path}); err == nil || err.Error() != "line 2: not NAME=value" {
		t.Errorf("%v", err)
	}
}

func FuzzEnvironmentLine(f *testing.F) {
	for _, s := range []string{"A=1", "A='", "=", "\x00=1", "#", `A=""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := environmentLine(line)
		if err != nil || e == "" {
			return
		}
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" || strings.Contains(e, "\x00") {
			t.Fatalf("%q gives %q", line, e)
		}
	})
}

func TestLastWins(t *testing.T) {
	t.Parallel()
	got := lastWins([]string{"A=1", "B=2", "A=3", "B", "C=4"})
	if d := cmp.Diff([]string{"A=3", "B", "C=4"}, got); d != "" {
		t.Error(d)
	}
}

func TestPastRuns(t *testing.T) {
	t.Parallel()
	at := func(ms int, run uint32, from, to supervisor.State, text string) journal.Event {
		return journal.Event{
			Time: time.Duration(ms) * time.Millisecond, Kind: journal.Component, Name: "a", Run: run, From: uint8(from), To: uint8(to), Text: text,
		}
	}
	got := pastRuns([]journal.Event{
		at(1, 1, supervisor.Down, supervisor.Starting, "wanted by full"),
		at(2, 1, supervisor.Starting, supervisor.Ready, ""),
		{Kind: journal.Target, Name: "a"},
		at(3, 1, supervisor.Ready, supervisor.Down, "signal SEGV"),
		at(4, 2, supervisor.Down, supervisor.Starting, "again after signal SEGV"),
		at(5, 2, supervisor.Starting, supervisor.Ready, ""),
		at(6, 2, supervisor.Ready, supervisor.Stopping, "stopped by hand"),
		at(7, 2, supervisor.Stopping, supervisor.Down, "stopped by hand"),
	}, "")
	want := []control.Past{
		{Name: "a", Run: 1, StartMS: 1, ReadyMS: 2, EndMS: 3, Exit: "signal SEGV", Reason: "signal SEGV"},
		{Name: "a", Run: 2, StartMS: 4, ReadyMS: 5, EndMS: 7, Reason: "stopped by hand"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
