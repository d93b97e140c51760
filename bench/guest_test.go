package main

import (
	"os"
	"testing"

	"github.com/orderly-init/orderly/qemu/guest"
)

// The boot of the guest stays below its gate, in one of three boots. The clock counts instructions, so the load of the host hardly matters:
// only while the guest has nothing to do does real time pass.
func TestGuestGate(t *testing.T) {
	if os.Getenv("ORDERLY_QEMU_TESTS") == "" {
		t.Skip("boots a machine (ORDERLY_QEMU_TESTS=1)")
	}
	for range 3 {
		b, err := guestBoot(1, guest.CountSleeping)
		if err != nil {
			t.Fatal(err)
		}
		fast, err := guestBoot(1, guest.CountFast)
		if err != nil {
			t.Fatal(err)
		}
		first, all := b.first(), b.row().got
		t.Logf("exec of the init to the first service running: %.1f ms, the gate is %d ms; to %d: %.1f ms, the gate is %d ms; "+
			"to the first at 1 ns an instruction: %.1f ms, the gate is %d ms", first, firstGate, guestServices, all, guestGate, fast.first(), fastGate)
		if first <= firstGate && all <= guestGate && fast.first() <= fastGate {
			return
		}
	}
	t.Error("the boot takes too long")
}
