package supervisor

import (
	"testing"
	"time"

	"github.com/orderly-init/orderly/targets"
)

func TestDelay(t *testing.T) {
	t.Parallel()
	base := component("a")
	jitter := base
	jitter.Recovery.Jitter = 0.5
	still := base
	still.Recovery.Backoff = 1
	none := base
	none.Recovery.Delay = 0
	never := base
	never.Recovery.MaxDelay = 0
	for _, row := range []struct {
		name     string
		def      *targets.Component
		exponent int
		low, top time.Duration
	}{
		{"first", &base, 0, 100 * time.Millisecond, 100 * time.Millisecond},
		{"doubles", &base, 3, 800 * time.Millisecond, 800 * time.Millisecond},
		{"max_delay", &base, 7, 10 * time.Second, 10 * time.Second},
		{"many failures", &base, 1 << 20, 10 * time.Second, 10 * time.Second},
		{"no delay", &none, 1 << 20, 0, 0},
		{"no backoff", &still, 9, 100 * time.Millisecond, 100 * time.Millisecond},
		{"no max_delay", &never, 1 << 20, 24 * time.Hour, 1<<63 - 1},
		{"jitter takes at most its share", &jitter, 3, 400 * time.Millisecond, 800 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := delay(row.def.Name, &row.def.Recovery, row.exponent)
			if got < row.low || got > row.top || got != delay(row.def.Name, &row.def.Recovery, row.exponent) {
				t.Errorf("delay %v, want %v to %v", got, row.low, row.top)
			}
		})
	}
	other := jitter
	other.Name = "b"
	if delay(jitter.Name, &jitter.Recovery, 2) == delay(other.Name, &other.Recovery, 2) || delay(jitter.Name, &jitter.Recovery, 7) == delay(jitter.Name, &jitter.Recovery, 8) {
		t.Error("jitter does not depend on name and attempt")
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	var h history
	for ms := range int64(targets.MaxAttempts + 8) {
		h.add(ms)
	}
	if h.n != targets.MaxAttempts || h.since(7) != targets.MaxAttempts || h.since(38) != 1 || h.since(39) != 0 {
		t.Errorf("%d kept, %d since 7, %d since 38, %d since 39", h.n, h.since(7), h.since(38), h.since(39))
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ got, want string }{
		{Done.String(), "ready"}, {Backoff.String(), "backoff"}, {State(99).String(), "unknown 99"},
		{ShuttingDown.String(), "shutdown"}, {Fallback.String(), "fallback"}, {Kexec.String(), "kexec"},
		{ResultSuperseded.String(), "superseded"}, {StopCommand.String(), "stop_command"},
		{Status{Code: 3}.String(), "exit 3"}, {Status{Signal: 11, Core: true}.String(), "signal SEGV (core dumped)"},
		{SignalName(34), "34"}, {SignalName(15), "TERM"},
	} {
		if row.got != row.want {
			t.Errorf("%q, want %q", row.got, row.want)
		}
	}
	for code := range codes {
		if text := (Cause{Code: code, Text: "x"}).String(); (text == "") != (code == NoCause) {
			t.Errorf("cause %d is %q", code, text)
		}
	}
}

// TestRestoredLeaver kills the manager while a removed component stops: the next one ends it and frees its record.
func TestRestoredLeaver(t *testing.T) {
	t.Parallel()
	var config targets.Config
	for _, line := range []string{"a", "old", "ALL wants=a,old"} {
		if err := readConfig(&config, line); err != nil {
			t.Fatal(err)
		}
	}
	m := New(targets.NewGraph(sorted(config)))
	m.Step(0, Activate{Target: 0})
	m.Step(0, BecameReady{0, 1})
	m.Step(0, BecameReady{1, 1})
	table := openTable(t, make([]byte, TableSize(8)))
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	config.Components = config.Components[:1]
	g := targets.NewGraph(sorted(config))
	m.Step(time.Second, Apply{Graph: g})
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	m, effects := Restore(g, table, 2*time.Second)
	if len(effects) != 1 || effects[0] != (Signal{Component: 1, Run: 1, Signal: 15}) {
		t.Fatalf("effects %+v", effects)
	}
	if s := m.Snapshot(0).Components[1]; s.Name != "old" || s.State != Stopping || !s.Removed {
		t.Errorf("leaver %+v", s)
	}
	m.Step(12*time.Second, Tick{})
	m.Step(13*time.Second, Exited{Component: 1, Run: 1, Seq: 9, Empty: true})
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	if _, found := table.Find(ComponentRecord, "old"); found || len(m.Snapshot(0).Components) != 1 {
		t.Error("the leaver is still there")
	}
}

// TestReported takes in what a component says of itself.
func TestReported(t *testing.T) {
	t.Parallel()
	m := New(independent(1))
	m.Step(0, Activate{})
	m.Step(0, Reported{Component: 0, Run: 1, Text: "loading", Extend: int64(time.Minute)})
	if at, _ := m.Deadline(); at != time.Minute {
		t.Errorf("extended to %v", at)
	}
	m.Step(0, BecameReady{0, 1})
	m.Step(0, Reported{Component: 0, Run: 1, Degraded: true})
	m.Step(0, Reported{Component: 0, Run: 7, Text: "stale"})
	if s := m.Snapshot(0).Components[0]; s.Text != "loading" || !s.Degraded {
		t.Errorf("%+v", s)
	}
	m.Step(0, Reported{Component: 0, Run: 1, Healthy: true, Blank: true})
	if s := m.Snapshot(0).Components[0]; s.Degraded || s.Text != "" {
		t.Errorf("%+v", s)
	}
}
