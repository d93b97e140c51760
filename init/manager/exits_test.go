package manager

import (
	"slices"
	"testing"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// smallTable is an empty table of facts.
func smallTable(t *testing.T) *supervisor.Table {
	t.Helper()
	table, err := supervisor.OpenTable(make([]byte, supervisor.TableSize(8)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// inFlight is a manager with the start of a tool in flight, and how often the end of that has been told.
func inFlight(t *testing.T, slot runtime.Slot) (m *Manager, p *process, told *int) {
	t.Helper()
	told = new(int)
	u := &unit{name: "tool", ended: func(supervisor.Status, string) { *told++ }}
	p = &process{unit: u, role: toolRole}
	m = &Manager{table: smallTable(t), byPID: map[int32]*process{}, flight: []*process{p}}
	if err := m.record(p); err != nil {
		t.Fatal(err)
	}
	*p.slot = slot
	return m, p, told
}

// TestExitOfWhatHasJustLanded: a start lands, and its process ends, while the exits of others are being taken. It is
// not taken for an orphan.
func TestExitOfWhatHasJustLanded(t *testing.T) {
	m, _, told := inFlight(t, runtime.Slot{Pid: 77, Mid: 76, Done: 1})
	m.exited(keeper.Exit{Seq: 1, PID: 77})
	if *told != 1 {
		t.Errorf("the exit was told %d times", *told)
	}
}

// TestStartThatWasTakenOverAndFails: a new manager knows its pid before it has landed. Its exit, which comes later, means nothing more.
func TestStartThatWasTakenOverAndFails(t *testing.T) {
	m, p, told := inFlight(t, runtime.Slot{Pid: 77, Mid: 76, Done: 1, Errno: 2})
	p.pid, m.byPID[77] = 77, p
	m.landed()
	m.exited(keeper.Exit{Seq: 1, PID: 77})
	if *told != 1 {
		t.Errorf("told %d times", *told)
	}
}

// TestToolThatIsLeftBehind: what one process that hangs writes into is no other's.
func TestToolThatIsLeftBehind(t *testing.T) {
	m := &Manager{table: smallTable(t)}
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
