package manager

import (
	"slices"
	"testing"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// TestExitOfWhatHasJustLanded: a start lands, and its process ends, while the exits of others are being taken. It is
// not taken for an orphan.
func TestExitOfWhatHasJustLanded(t *testing.T) {
	table, err := supervisor.OpenTable(make([]byte, supervisor.TableSize(8)))
	if err != nil {
		t.Fatal(err)
	}
	told := false
	u := &unit{name: "tool", ended: func(supervisor.Status, string) { told = true }}
	p := &process{unit: u, role: toolRole}
	m := &Manager{table: table, byPID: map[int32]*process{}, flight: []*process{p}}
	if err := m.record(p); err != nil {
		t.Fatal(err)
	}
	*p.slot = runtime.Slot{Pid: 77, Mid: 76, Done: 1}
	m.exited(keeper.Exit{Seq: 1, PID: 77})
	if !told {
		t.Error("the exit was lost")
	}
}

// TestStartThatWasTakenOverAndFails: a new manager knows its pid before it has landed. Its exit, which comes later, means nothing more.
func TestStartThatWasTakenOverAndFails(t *testing.T) {
	table, err := supervisor.OpenTable(make([]byte, supervisor.TableSize(8)))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	u := &unit{name: "tool", ended: func(supervisor.Status, string) { told++ }}
	p := &process{unit: u, role: toolRole, pid: 77}
	m := &Manager{table: table, byPID: map[int32]*process{77: p}, flight: []*process{p}}
	if err := m.record(p); err != nil {
		t.Fatal(err)
	}
	*p.slot = runtime.Slot{Pid: 77, Mid: 76, Done: 1, Errno: 2}
	m.landed()
	m.exited(keeper.Exit{Seq: 1, PID: 77})
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestToolThatIsLeftBehind: what one process that hangs writes into is no other's.
func TestToolThatIsLeftBehind(t *testing.T) {
	table, err := supervisor.OpenTable(make([]byte, supervisor.TableSize(8)))
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{table: table}
	var names []string
	for range 3 {
		name := m.freeTool("mount")
		if err := m.record(&process{unit: m.toolUnit(name), role: toolRole}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if want := []string{"orderly.tool-mount", "orderly.tool-mount-2", "orderly.tool-mount-3"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
}
