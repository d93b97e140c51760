package manager

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestLastGate: who has gone through its last gate is stopped by a signal, as any other, and not killed because hooks were to come.
func TestLastGate(t *testing.T) {
	let, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(let) })
	m := &Manager{}
	p := &process{gate: &gate{let: let, last: 2}}
	for _, closed := range []bool{true, false} {
		p.gate.passed++
		m.openGate(p, nil)
		if p.gate.closed() != closed {
			t.Errorf("behind gate %d of %d: closed %t, want %t", p.gate.passed, p.gate.last, p.gate.closed(), closed)
		}
	}
	if p = (&process{}); p.gate.closed() {
		t.Error("a start without hooks has a closed gate")
	}
}
