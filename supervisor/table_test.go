package supervisor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orderly-init/orderly/targets"
)

func openTable(t testing.TB, data []byte) *Table {
	t.Helper()
	table, err := OpenTable(data)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestTableKeepsRecordsByName(t *testing.T) {
	t.Parallel()
	data := make([]byte, TableSize(3))
	table := openTable(t, data)
	a, errA := table.Claim(ComponentRecord, "a", 1)
	b, errB := table.Claim(CommandRecord, "a", 7)
	if errA != nil || errB != nil || a == b {
		t.Fatalf("claims %d %v, %d %v", a, errA, b, errB)
	}
	table.Live(b)[0] = 42
	again := openTable(t, data)
	if got, ok := again.Find(CommandRecord, "a"); !ok || got != b {
		t.Errorf("found %d %v, want %d", got, ok, b)
	}
	if r, ok := again.Read(b); !ok || r.Run != 7 || r.Kind != CommandRecord || r.Name != NameHash("a") {
		t.Errorf("record %+v %v", r, ok)
	}
	if again.PID(b) != 42 || again.PID(a) != 0 {
		t.Errorf("pids %d, %d", again.PID(b), again.PID(a))
	}
	again.Free(b)
	if _, ok := again.Find(CommandRecord, "a"); ok {
		t.Error("a freed record is found")
	}
	if got, err := again.Claim(TargetRecord, "x", 0); err != nil || got != b || again.PID(got) != 0 {
		t.Errorf("freed record is %d %v with pid %d", got, err, again.PID(got))
	}
	again.Claim(TargetRecord, "y", 0)
	if _, err := again.Claim(TargetRecord, "z", 0); !errors.Is(err, ErrFull) {
		t.Errorf("a fourth record: %v", err)
	}
}

// TestTornWrite cuts a write after every byte: the reader sees the old or the new content, and never another.
func TestTornWrite(t *testing.T) {
	t.Parallel()
	data := make([]byte, TableSize(1))
	table := openTable(t, data)
	i, err := table.Claim(ComponentRecord, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	table.Claim(ComponentRecord, "a", 2)
	before := bytes.Clone(data)
	table.Claim(ComponentRecord, "a", 3)
	var changed []int
	for at := range data {
		if data[at] != before[at] {
			changed = append(changed, at)
		}
	}
	for cut := range changed {
		for _, reversed := range []bool{false, true} {
			torn := bytes.Clone(before)
			for n, at := range changed {
				if (n < cut) != reversed {
					torn[at] = data[at]
				}
			}
			r, ok := openTable(t, torn).Read(i)
			if !ok || r.Run != 2 && r.Run != 3 {
				t.Fatalf("cut at %d of %d: %+v %v", cut, len(changed), r, ok)
			}
		}
	}
}

// TestNumbersBeginAnew: after 2^32 writes of a record the newest one is still found.
func TestNumbersBeginAnew(t *testing.T) {
	t.Parallel()
	table := openTable(t, make([]byte, TableSize(1)))
	i, err := table.Claim(ComponentRecord, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	newest, _ := table.newest(i)
	slot := table.slot(i, newest)
	binary.LittleEndian.PutUint32(slot[4:], 1<<32-1)
	binary.LittleEndian.PutUint32(slot, checksum(slot[4:]))
	for run := range uint32(3) {
		table.Claim(ComponentRecord, "a", 2+run)
		if r, ok := table.Read(i); !ok || r.Run != 2+run {
			t.Errorf("run %d is read as %+v %v", 2+run, r, ok)
		}
	}
}

// TestPlaceHasNoPID: a record whose slots are broken is taken for a free one, and what is in its live area is nobody's.
func TestPlaceHasNoPID(t *testing.T) {
	t.Parallel()
	data := make([]byte, TableSize(1))
	i, err := openTable(t, data).Claim(ComponentRecord, "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	table := openTable(t, data)
	table.Live(i)[0] = 42
	for n := range 2 {
		clear(table.slot(i, n))
	}
	table = openTable(t, data)
	if got, err := table.place(ComponentRecord, NameHash("b")); err != nil || got != i || table.PID(got) != 0 {
		t.Errorf("record %d %v with pid %d", got, err, table.PID(got))
	}
}

// TestNewRunHasNoPID: the live area belongs to one run (R16).
func TestNewRunHasNoPID(t *testing.T) {
	t.Parallel()
	a := component("a")
	m := New(targets.NewGraph(sorted(targets.Config{Components: []targets.Component{a}, Targets: []targets.Target{{Name: "FULL", Edges: targets.Edges{Wants: []string{"a"}}}}})))
	table := openTable(t, make([]byte, TableSize(8)))
	step := func(now time.Duration, ev Event) int {
		m.Step(now, ev)
		if err := m.Store(table); err != nil {
			t.Fatal(err)
		}
		i, _ := table.Find(ComponentRecord, "a")
		return i
	}
	i := step(0, Activate{Target: 0})
	table.Live(i)[0] = 42
	step(1, BecameReady{0, 1})
	if table.PID(i) != 42 {
		t.Error("a run has lost its pid")
	}
	step(2, Exited{Component: 0, Run: 1, Status: Status{Code: 1}, Empty: true})
	step(time.Hour, Tick{})
	if r, _ := table.Read(i); r.Run != 2 || table.PID(i) != 0 {
		t.Errorf("run %d has pid %d", r.Run, table.PID(i))
	}
}

// TestQueueSurvives: what is queued is served by the next manager as it was asked for.
func TestQueueSurvives(t *testing.T) {
	t.Parallel()
	a := component("a")
	var config targets.Config
	config.Components = []targets.Component{a}
	for _, name := range []string{"FULL", "ONE", "THREE", "TWO"} {
		config.Targets = append(config.Targets, targets.Target{Name: name, Edges: targets.Edges{DependsOn: []string{"a"}}})
	}
	m := New(targets.NewGraph(sorted(config)))
	m.Step(0, Activate{Target: 0})
	m.Step(1, Activate{Target: 1, Queue: true, StopFirst: true})
	m.Step(2, Activate{Target: 3, Queue: true})
	m.Step(3, Activate{Target: 2, Queue: true, StopFirst: true})
	table := openTable(t, make([]byte, TableSize(8)))
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	next, _ := Restore(m.graph, table, 4)
	var got string
	for _, r := range next.queue {
		got += fmt.Sprint(next.targetName(r.target), " ", r.stopFirst, ", ")
	}
	if want := "ONE true, TWO false, THREE true, "; got != want {
		t.Errorf("queued %s, want %s", got, want)
	}
}

func TestUnitSurvivesTheRecord(t *testing.T) {
	t.Parallel()
	def := component("a")
	u := unit{def: &def, state: Stopping, run: 9, main: true, group: true, failing: true, held: true, started: true,
		exited: true, exit: Status{Signal: 11, Core: true}, exitSeq: 1 << 40, startAt: 5, readyAt: 6, since: 7,
		exponent: 4, restarts: 77, wanted: true, essential: true,
		cause: Cause{Code: ExecFailed, Text: "exec /usr/bin/x: no such file"}}
	for i := range targets.MaxAttempts + 3 {
		u.failures.add(int64(i*i) * 1000)
	}
	m := New(targets.NewGraph(sorted(targets.Config{Components: []targets.Component{def}})))
	u.def = m.units[0].def
	m.units[0], m.due[0] = u, 3*time.Second
	var data [dataSize]byte
	m.encodeUnit(0, data[:])
	got, due, raised := decodeUnit(data[:])
	got.def = u.def
	if diff := cmp.Diff(fmt.Sprintf("%+v", u), fmt.Sprintf("%+v", got)); diff != "" || due != 3*time.Second || raised {
		t.Errorf("%v %v\n%s", due, raised, diff)
	}
}

// FuzzRestore gives a machine any mapping and then some events: it must not panic, and must come to rest.
func FuzzRestore(f *testing.F) {
	config := targets.Config{FallbackTarget: "B"}
	for _, line := range []string{"a", "b needs=a", "c any=a,b oneshot", "A needs=b wants=c recovery=B", "B needs=a"} {
		if err := readConfig(&config, line); err != nil {
			f.Fatal(err)
		}
	}
	g := targets.NewGraph(sorted(config))
	m := New(g)
	data := make([]byte, TableSize(8))
	table := openTable(f, data)
	m.Step(0, Activate{Target: 0})
	m.Step(1, BecameReady{0, 1})
	m.Step(2, LaunchFailed{1, 1, "exec", "no"})
	if err := m.Store(table); err != nil {
		f.Fatal(err)
	}
	f.Add(data, byte(1))
	f.Fuzz(func(t *testing.T, raw []byte, resign byte) {
		data := make([]byte, TableSize(8))
		copy(data, raw)
		table, err := OpenTable(data)
		if err != nil {
			return
		}
		for i := range table.Len() {
			if resign&(1<<i) != 0 { // what is inside is reached only with a valid checksum
				table.write(i, table.slot(i, 0)[8:])
			}
		}
		m, _ := Restore(g, openTable(t, data), time.Second)
		for c := range m.units {
			m.Step(2*time.Second, Exited{Component: c, Run: m.units[c].run, Empty: true})
		}
		m.Step(time.Hour, Tick{})
		m.Snapshot(time.Hour)
		m.Why(time.Hour, 1)
		m.Step(time.Hour, Shutdown{End: Poweroff})
		if err := m.Store(openTable(t, make([]byte, TableSize(32)))); err != nil {
			t.Error(err)
		}
	})
}

// TestLeaverWithoutNameIsForgotten: a component whose configuration died with a manager is known by its record's hash only. When
// it is down its record goes, or it would come back with every manager.
func TestLeaverWithoutNameIsForgotten(t *testing.T) {
	t.Parallel()
	a := component("a")
	before := New(targets.NewGraph(sorted(targets.Config{Components: []targets.Component{a}})))
	table := openTable(t, make([]byte, TableSize(8)))
	before.Step(0, Start{Components: []int{0}})
	if err := before.Store(table); err != nil {
		t.Fatal(err)
	}
	none := targets.NewGraph(sorted(targets.Config{}))
	m, _ := Restore(none, table, 0)
	m.Step(1, Lost{0, 1})
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	if again, _ := Restore(none, table, 2); len(again.Components()) != 0 {
		t.Errorf("it is there again: %v", again.Components()[0].Name)
	}
}

// TestLastResortIsNotRepeatedOnceAllIsWell: a system that was helped by hand must not be rebooted by the next manager.
func TestLastResortIsNotRepeatedOnceAllIsWell(t *testing.T) {
	t.Parallel()
	config := targets.Config{FallbackTarget: "SAFE"}
	for _, line := range []string{"a action=escalate", "SAFE needs=a"} {
		if err := readConfig(&config, line); err != nil {
			t.Fatal(err)
		}
	}
	g := targets.NewGraph(sorted(config))
	m, now := New(g), time.Duration(0)
	m.Step(now, Activate{})
	for run := range uint32(fallbackAttempts) {
		m.Step(now, LaunchFailed{0, run + 1, "exec", "no"})
		now += time.Minute / 2
		m.Step(now, Tick{})
	}
	again := func() []Effect {
		table := openTable(t, make([]byte, TableSize(8)))
		if err := m.Store(table); err != nil {
			t.Fatal(err)
		}
		_, effects := Restore(g, table, now)
		return effects
	}
	if diff := cmp.Diff([]Effect{LastResort{}}, again()); diff != "" {
		t.Errorf("while it has failed: %s", diff)
	}
	m.Step(now, Start{Components: []int{0}})
	m.Step(now, BecameReady{0, fallbackAttempts + 1})
	if effects := again(); len(effects) > 0 {
		t.Errorf("once it is ready: %v", effects)
	}
}

// TestReturningLeaverKeepsItsName: a removed component that still stops comes back with another configuration, and the manager dies
// before that is in use. The next one knows by the older configuration whose processes these are.
func TestReturningLeaverKeepsItsName(t *testing.T) {
	t.Parallel()
	with := targets.NewGraph(sorted(targets.Config{Components: []targets.Component{component("a")}}))
	without := targets.NewGraph(sorted(targets.Config{}))
	m := New(with)
	m.Step(0, Start{Components: []int{0}})
	m.Step(1, BecameReady{0, 1})
	m.Step(2, Apply{Graph: without})
	m.Step(3, Apply{Graph: with})
	table := openTable(t, make([]byte, TableSize(8)))
	if err := m.Store(table); err != nil {
		t.Fatal(err)
	}
	again, _ := Restore(without, table, 4)
	if defs := again.Components(); len(defs) != 1 || defs[0].Name != "a" {
		t.Errorf("%d components: %+v", len(defs), defs)
	}
}

// The facts say of which configuration they are, from the moment an Apply is stored; one that is refused changes nothing.
func TestFactsNameTheirConfiguration(t *testing.T) {
	t.Parallel()
	g := targets.NewGraph(sorted(targets.Config{Components: []targets.Component{component("a")}}))
	table := openTable(t, make([]byte, TableSize(8)))
	if v := StoredVersion(table); v != 0 {
		t.Errorf("version %d of an empty table", v)
	}
	m := New(g)
	for i, step := range []struct {
		event Event
		want  uint32
	}{{Apply{Graph: g, Version: 4}, 4}, {Shutdown{End: Exit}, 4}, {Apply{Graph: g, Version: 5}, 4}} {
		m.Step(time.Duration(i+1), step.event)
		if err := m.Store(table); err != nil {
			t.Fatal(err)
		}
		again, _ := Restore(g, table, time.Second)
		if v := StoredVersion(table); v != step.want || m.Version() != step.want || again.Version() != step.want {
			t.Errorf("after %T version %d is stored, %d in force, %d restored", step.event, v, m.Version(), again.Version())
		}
	}
}

// Whether somebody asked for the end is known after a manager's death too.
func TestEndingIsRemembered(t *testing.T) {
	t.Parallel()
	rebooter := component("a")
	rebooter.Recovery.Attempts, rebooter.Recovery.Then = 0, targets.Reboot
	g := targets.NewGraph(sorted(targets.Config{Components: []targets.Component{rebooter}, Targets: []targets.Target{{Name: "t", Edges: targets.Edges{DependsOn: []string{"a"}}}}}))
	for _, row := range []struct {
		name   string
		events []Event
		end    End
		own    bool
	}{
		{"none", []Event{Activate{Target: 0}}, GoOn, false},
		{"a person", []Event{Shutdown{End: Poweroff}}, Poweroff, false},
		{"the last resort", []Event{Shutdown{End: Halt, Why: "the fallback target failed"}}, Halt, true},
		{"recovery", []Event{Activate{Target: 0}, LaunchFailed{Component: 0, Run: 1, Step: "exec"}}, Reboot, true},
		{"recovery, and then a person", []Event{Activate{Target: 0}, LaunchFailed{Component: 0, Run: 1, Step: "exec"}, Shutdown{End: Reboot}}, Reboot, true},
	} {
		m, table := New(g), openTable(t, make([]byte, TableSize(8)))
		for i, ev := range row.events {
			m.Step(time.Duration(i+1), ev)
			if err := m.Store(table); err != nil {
				t.Fatal(err)
			}
		}
		again, _ := Restore(g, table, time.Second)
		for _, m := range []*Machine{m, again} {
			if end, own := m.Ending(); end != row.end || own != row.own {
				t.Errorf("%s: %v, its own %t; want %v, %t", row.name, end, own, row.end, row.own)
			}
		}
	}
}
