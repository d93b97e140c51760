package oracle

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/control"
)

// An oracle that nobody has seen to fail may be blind. Here each that only compares is shown what it must not let pass;
// those that look at processes are in the suite.

func TestFindsLies(t *testing.T) {
	t.Parallel()
	there := []Process{{PID: 7, State: 'S', Component: "a", Run: 2}}
	for want, c := range map[string]control.Component{
		"process 7 is of a, which is not reported": {Name: "b", State: "down"},
		"a is down and has process 7":              {Name: "a", State: "down"},
		"a is run 1 and has process 7 of run 2":    {Name: "a", State: "ready", PID: 7, Run: 1},
		"a is ready with process 8, which is not":  {Name: "a", State: "ready", PID: 8, Run: 2},
		"b is ready without a process":             {Name: "b", State: "ready"},
		"b is starting with process 9, which is n": {Name: "b", State: "starting", PID: 9},
	} {
		if got := strings.Join(Compare([]control.Component{c}, there), "; "); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}

func TestFindsImpossibleStories(t *testing.T) {
	t.Parallel()
	e := func(seq uint64, run uint32, from, to, why string) control.Event {
		return control.Event{Kind: "component", Component: "a", Seq: seq, Run: run, From: from, To: to, Reason: why}
	}
	begun := []control.Event{e(1, 1, "down", "starting", "wanted"), e(2, 1, "starting", "ready", "")}
	for want, last := range map[string]control.Event{
		"leaves down, but it was ready":      e(3, 2, "down", "starting", "again"),
		"goes from ready to starting":        e(3, 2, "ready", "starting", "again"),
		"ready to stopping, has no cause":    e(3, 1, "ready", "stopping", ""),
		"remarks nothing":                    e(3, 1, "ready", "ready", ""),
		"is of run 0, behind run 1":          e(3, 0, "ready", "stopping", "by hand"),
		"event 5 at 0.000000 comes behind 2": e(5, 1, "ready", "stopping", "by hand"),
	} {
		list := append(begun[:2:2], last)
		if got := strings.Join(append(possible("a", list), gapless(list)...), "; "); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", last, got, want)
		}
	}
	again := append(begun[:2:2], e(3, 1, "ready", "down", removal), e(4, 1, "down", "starting", "wanted"))
	if got := append(possible("a", again), gapless(again)...); len(got) > 0 {
		t.Errorf("a possible story: %v", got)
	}
	if got := gapless(begun[1:]); len(got) == 0 {
		t.Error("the first event may be missing")
	}
}

func TestFindsImpossibleWholes(t *testing.T) {
	t.Parallel()
	e := func(target, to, why string) control.Event {
		return control.Event{Kind: "target", Target: target, To: to, Reason: why}
	}
	begun := []control.Event{e("a", "transition", "requested"), e("a", "settled", "")}
	at := func(target, state string) control.Status { return control.Status{Target: target, State: state} }
	for want, last := range map[string]struct {
		event control.Event
		now   control.Status
	}{
		"goes from settled to settled":        {e("a", "settled", ""), at("a", "settled")},
		"goes from settled to ":               {e("a", "ready", "x"), at("a", "ready")},
		"b is degraded, and the target was a": {e("b", "degraded", "x"), at("b", "degraded")},
		"a is degraded without a cause":       {e("a", "degraded", ""), at("a", "degraded")},
		"a is fallback without a cause":       {e("a", "fallback", ""), at("a", "fallback")},
		"b is transition without a cause":     {e("b", "transition", ""), at("b", "transition")},
		"the status that a is settled":        {e("a", "degraded", "x"), at("a", "settled")},
		"the status that b is transition":     {e("a", "transition", "x"), at("b", "transition")},
	} {
		if got := strings.Join(whole(append(begun[:2:2], last.event), last.now), "; "); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", last, got, want)
		}
	}
	if got := whole(begun, at("a", "settled")); len(got) > 0 {
		t.Errorf("a possible story: %v", got)
	}
}

// TestFindsOneThatWasRemoved: its events count too.
func TestFindsOneThatWasRemoved(t *testing.T) {
	t.Parallel()
	e := func(from, to string) control.Event {
		return control.Event{Kind: "component", Component: "gone", Run: 1, From: from, To: to, Reason: "x"}
	}
	begun := []control.Event{e("down", "starting"), e("starting", "ready")}
	for want, last := range map[string]control.Event{
		"not there any more, and the last event says stopping": e("ready", "stopping"),
		"goes from ready to starting":                          e("ready", "starting"),
		"":                                                     e("ready", "down"),
	} {
		got := strings.Join(untrue(append(begun[:2:2], last), control.Status{}), "; ")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", last, got, want)
		}
	}
}

func TestFindsAnotherLog(t *testing.T) {
	t.Parallel()
	events := []control.Event{
		{Kind: "component", Component: "a", To: "starting", Reason: "wanted"}, {Kind: "component", Component: "a", To: "ready"},
	}
	if Unlogged(events, "a: starting (wanted\na: ready\n") != "" || Unlogged(events, "a: ready\na: starting (wanted\n") == "" {
		t.Error("the order in the log does not matter")
	}
}

func TestFindsLateAnswers(t *testing.T) {
	t.Parallel()
	heard := func(a *Answers) *[]string {
		list := &[]string{}
		a.Finds = func(format string, args ...any) { *list = append(*list, fmt.Sprintf(format, args...)) }
		return list
	}
	for busy, took := range map[bool]time.Duration{false: lastAnswer + 1, true: LastSingle + 1} {
		a := &Answers{}
		found := heard(a)
		if late := a.inTime(took, false, busy, a.inTime(took, false, busy, 0)); late != 2 || len(*found) > 0 || a.inTime(took, false, busy, late) != 3 || len(*found) != 1 {
			t.Errorf("busy %v: found %v", busy, *found)
		}
	}
	for _, c := range []struct {
		how   string
		took  time.Duration
		busy  bool
		found bool
	}{
		{"", LastSingle, false, false}, {"", LastSingle + 1, false, true}, {"", LastSingle + 1, true, false}, {"", LastLoaded + 1, true, true},
		{"loaded", LastLoaded, false, false}, {"loaded", LastLoaded + 1, false, true}, {"held", lastHeld, false, false}, {"held", lastHeld + 1, true, true},
		{"beside", LastSingle + 1, false, true}, {"beside", lastBeside, true, false}, {"beside", lastBeside + 1, true, true},
	} {
		a := &Answers{Loaded: c.how == "loaded", Beside: c.how == "beside"}
		found := heard(a)
		if a.inTime(c.took, c.how == "held", c.busy, 0); len(*found) > 0 != c.found {
			t.Errorf("%+v: found %v", c, *found)
		}
	}
	a := &Answers{}
	found := heard(a)
	before := Monotonic()
	a.LetGo()
	if a.heard(2*lastHeld, before, 0); len(*found) > 0 {
		t.Errorf("who was held up answers late: found %v", *found)
	}
	if a.heard(2*lastHeld, Monotonic(), 0); len(*found) == 0 {
		t.Error("who was held up and is not any more may not be late")
	}
}

func TestFindsWhatIsLeft(t *testing.T) {
	t.Parallel()
	before := Footprint{Descriptors: []string{"manager pipe:"}, Mounts: []string{"/"}, threads: [2]int{5, 5}, private: [2]int{1000, 1000}}
	for what, change := range map[string]func(*Footprint){
		"mount":      func(f *Footprint) { f.Mounts = []string{"/", "/mnt"} },
		"descriptor": func(f *Footprint) { f.Descriptors = []string{"manager pipe:", "manager pipe:"} },
		"group":      func(f *Footprint) { f.Groups = []string{"a"} },
		"zombie":     func(f *Footprint) { f.Children = []string{"sleep (process 7, Z)"} },
		"pid file":   func(f *Footprint) { f.PIDFiles = []string{"a.pid"} },
		"socket":     func(f *Footprint) { f.Sockets = []string{"notify/a"} },
		"watch":      func(f *Footprint) { f.Watches++ },
		"thread":     func(f *Footprint) { f.threads[1] += moreThreads + 1 },
		"memory":     func(f *Footprint) { f.private[0] += moreMemory + 1 },
	} {
		now := before
		change(&now)
		if before.Unlike(now) == "" && len(before.Outgrown(now)) == 0 {
			t.Errorf("one more %s is not found", what)
		}
	}
	if before.Unlike(before) != "" || len(before.Outgrown(before)) != 0 {
		t.Error("the same is not the same")
	}
}
