package main

import (
	"os"
	"testing"
)

// The boot of the guest stays below its gate. The clock counts instructions, so the load of the host does not matter.
func TestGuestGate(t *testing.T) {
	if os.Getenv("ORDERLY_QEMU_TESTS") == "" {
		t.Skip("boots a machine (ORDERLY_QEMU_TESTS=1)")
	}
	b, err := guestBoot(1)
	if err != nil {
		t.Fatal(err)
	}
	first := quantile(b.services, 0)
	t.Logf("exec of the init to the first service running: %.1f ms", first)
	if first > firstGate {
		t.Errorf("%.1f ms to the first, the gate is %d ms", first, firstGate)
	}
	took := b.row().got
	t.Logf("exec of the init to %d services running: %.1f ms", guestServices, took)
	if took > guestGate {
		t.Errorf("%.1f ms, the gate is %d ms", took, guestGate)
	}
}
