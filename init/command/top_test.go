package command

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/control"
)

func use(name string, cpu float64, read, write int64) control.Usage {
	return control.Usage{Component: control.Component{Name: name, State: "ready", CPUMS: cpu}, ReadBytes: read, WriteBytes: write}
}

// Rates are over the time between the measurements; what began anew, or is new, counts from 0.
func TestRates(t *testing.T) {
	t.Parallel()
	before := &control.UsageReply{TimeMS: 1000, Components: []control.Usage{use("busy", 100, 1<<20, 0), use("calm", 50, 0, 0), use("again", 900, 0, 0)}}
	after := &control.UsageReply{TimeMS: 3000, Components: []control.Usage{
		use("again", 20, 0, 0), use("busy", 1100, 3<<20, 4<<20), use("calm", 50, 0, 0), use("new", 200, 0, 0)}}
	got := rates(before, after, "cpu")
	want := []topRow{
		{Name: "busy", State: "ready", CPU: 50, Read: 1 << 20, Write: 2 << 20}, {Name: "new", State: "ready", CPU: 10},
		{Name: "again", State: "ready", CPU: 1}, {Name: "calm", State: "ready"},
	}
	if d := cmp.Diff(want, got.Components); d != "" || got.SpanMS != 2000 {
		t.Errorf("over %v ms: %s", got.SpanMS, d)
	}
}

// Every order that the help names is one, and has a key of its own.
func TestTopSorts(t *testing.T) {
	t.Parallel()
	keys := map[byte]bool{}
	for _, name := range topSortNames() {
		if topSorts()[name] == nil || keys[name[0]] || name[0] == 'q' {
			t.Errorf("%s: no order, or no key", name)
		}
		keys[name[0]] = true
	}
	if len(topSorts()) != len(topSortNames()) {
		t.Error("an order has no name")
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"abcdef": "abc", "ab": "ab", green + "abcdef": green + "abc", "a" + plain + "b" + red + "cd": "a" + plain + "b" + red + "c", "äöüß": "äöü",
	} {
		if got := visible(line, 3); got != want {
			t.Errorf("%q: %q; want %q", line, got, want)
		}
	}
}

// What a component says of itself does not steer the terminal.
func TestWhyIsPlain(t *testing.T) {
	t.Parallel()
	if got, want := why(&control.Component{StatusText: "a\x1b[2Jb", Restarts: 3}), "“a?[2Jb”"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}
