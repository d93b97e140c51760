package command

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/control"
)

// What a person sees while a transition runs: who is waited for, for how long, of what limit.
func TestProgressText(t *testing.T) {
	t.Parallel()
	p := &control.Progress{Target: "full", Ready: 3, Wanted: 5, Waiting: []control.Waiting{
		{Name: "web", State: "starting", SinceMS: 1000, LimitMS: 10_000}, {Name: "old", State: "stopping", SinceMS: 2500},
	}}
	want := "full: 3 of 5 ready, web starting 2s of 10s, old stopping 500ms"
	if got := progressText(p, 3000); got != want {
		t.Errorf("%q; want %q", got, want)
	}
	if got := cut(want, 12); len([]rune(got)) != 11 || !strings.HasSuffix(got, "…") {
		t.Errorf("cut: %q", got)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	got := map[float64]string{}
	want := map[float64]string{0: "0s", 1.2345: "1.23ms", 123.4: "123ms", 12_345: "12.3s", 3_723_400: "1h2m3s"}
	for ms := range want {
		got[ms] = span(ms)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestResultText(t *testing.T) {
	t.Parallel()
	r := &control.Result{
		Target: "full", Result: "failed", Why: "essential component failed",
		Failed: []control.Failure{{Name: "web", Step: "exec /bin/web", Reason: "no such file or directory"}},
	}
	want := "full: failed: essential component failed\n  web: exec /bin/web: no such file or directory"
	if got := resultText(r); got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	if ms, err := moment("2026-01-02T03:04:05Z"); err != nil || ms != 1767323045000 {
		t.Errorf("%v, %v", ms, err)
	}
	if _, err := moment("yesterday"); err == nil {
		t.Error("yesterday is taken for a time")
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"orderly nonsense", "orderly top --sort cpus", "orderly top --interval 1ms", "orderly top --once -n 2", "orderly start", "orderly status a b", "orderly graph --format png", "orderly plan x --from y"} {
		if got := Main(strings.Fields(args)); got != 2 {
			t.Errorf("%s: exit status %d; want 2", args, got)
		}
	}
	if got := Main([]string{"/sbin/poweroff", "--control", "/nowhere"}); got != 1 {
		t.Errorf("called as poweroff: exit status %d; want 1, for it is tried", got)
	}
}
