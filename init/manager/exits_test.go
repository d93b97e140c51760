package manager

import (
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
