package keeper

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// A signal is owed an answer even where the manager's loop has gone round since the keeper last looked, and before the signal came.
func TestSignalIsOwedAnAnswer(t *testing.T) {
	t.Parallel()
	fd, err := NewRing()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ring, err := MapRing(fd)
	if err != nil {
		t.Fatal(err)
	}
	nudge, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(nudge)
	near, _ := pair(t)
	k := &Keeper{reaper: &reaper{ring: ring}, link: near, nudge: nudge}
	ring.Turn()
	k.tell(Message{Kind: Signal, Value: uint64(unix.SIGUSR1)})
	if k.owes(); !k.owes() { // the first look sees the old beat
		t.Error("a beat from before the signal was taken for its answer")
	}
	ring.Turn()
	if k.owes() {
		t.Error("the answer was not seen")
	}
	poll.Calm(nudge)
}
