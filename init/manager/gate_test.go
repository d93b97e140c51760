package manager

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// TestLastGate: who has gone through its last gate is stopped by a signal, as any other, and not killed because hooks were to come.
func TestLastGate(t *testing.T) {
	let, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(let) })
	m := &Manager{}
	p := &process{gate: &gate{let: let, left: 2}, slot: &runtime.Slot{}}
	p.slot.Bar()
	for behind, closed := range []bool{true, false} {
		m.openGate(p, nil)
		if p.gate.closed() != closed {
			t.Errorf("behind gate %d of 2: closed %t, want %t", behind+1, p.gate.closed(), closed)
		}
		if barred := p.slot.Errno != 0; barred != closed {
			t.Errorf("behind gate %d of 2: one that is killed counts as failed: %t, want %t", behind+1, barred, closed)
		}
	}
	if p = (&process{}); p.gate.closed() {
		t.Error("a start without hooks has a closed gate")
	}
}
