package keeper

import (
	"fmt"
	"os/exec"
	"strings"
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

// A manager that SIGKILL does not end is given up, once, and the next one is started. Here it stays because nobody reaps it.
func TestManagerThatCannotBeKilled(t *testing.T) {
	t.Parallel()
	nudge, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(nudge)
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Skipf("needs sleep: %v", err)
	}
	pid := int32(c.Process.Pid)
	var said strings.Builder
	k := &Keeper{Options: Options{Voice: &said}, reaper: &reaper{nudge: nudge}}
	k.reaper.manager.Store(pid)
	k.kill(pid, patience)
	if k.reaper.manager.Load() != pid || k.reaper.ended.Load() != 0 {
		t.Error("given up before it was killed")
	}
	k.kill(pid, patience)
	if status := unix.WaitStatus(k.reaper.ended.Swap(0) - 1); k.reaper.manager.Load() != 0 || !status.Signaled() || status.Signal() != unix.SIGKILL {
		t.Errorf("not given up: %#x", status)
	}
	k.reaper.wake = nudge
	if k.kill(pid, patience); k.reaper.ended.Load() != 0 {
		t.Error("given up twice")
	}
	if want := fmt.Sprintf("orderly: manager: no sign of life for 5s: killed\norderly: manager: process %d cannot be killed: left behind\n", pid); said.String() != want {
		t.Errorf("said %q", said.String())
	}
	_ = c.Wait()
}
