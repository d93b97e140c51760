package keeper

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestEarly: a signal that comes before there is a link is not lost.
func TestEarly(t *testing.T) {
	k := &Keeper{held: held{}}
	if err := k.open(); err != nil {
		t.Fatal(err)
	}
	k.tell(Message{Kind: Signal, Value: uint64(unix.SIGTERM)})
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	far := NewLink(pair[1])
	if err := k.connect(NewLink(pair[0]), far); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		m, err := far.Receive(true)
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == Signal && m.Value == uint64(unix.SIGTERM) {
			return
		}
	}
	t.Error("the signal did not arrive")
}
