package keeper

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// patience is how long the manager may leave an exit or a signal unanswered before it counts as hung. There is no
// ping: a manager with nothing to do is not woken to say so.
const patience = 5 * time.Second

// owes reports whether there is something that a living manager would have answered by moving its beat.
func (k *Keeper) owes() bool {
	r := k.reaper.ring
	if b := r.Beat(); b != k.beat {
		k.beat, k.waiting = b, 0
	}
	if a := k.asked.Load(); a != 0 && a != r.Beat()+1 { // a beat from before it was sent is no answer
		k.asked.CompareAndSwap(a, 0)
	}
	return k.due != 0 || k.replaced || k.asked.Load() != 0 || k.dog.late && r.Beat() == k.dog.beat || r.Head() != r.Applied() || k.ending
}

// suspect kills a manager that has owed an answer for too long; the reaper then tells of its end like of any other.
func (k *Keeper) suspect() {
	switch {
	case !k.owes():
		k.waiting = 0
	case k.waiting == 0:
		k.waiting = poll.Now()
	case poll.Now()-k.waiting > k.dog.patience():
		silent := poll.Now() - k.waiting
		k.waiting = 0
		if pid := k.reaper.manager.Load(); pid != 0 {
			k.waiting = poll.Now() // for its end
			k.kill(pid, silent)
		}
	}
}

// kill kills the manager, and gives it up where that has been done before: a thread of it waits in the kernel, perhaps for a disk, and
// will not run again before it ends. The next manager has all that it needs from us.
func (k *Keeper) kill(pid int32, silent time.Duration) {
	if pid != k.killed {
		k.say("manager: no sign of life for %v: killed", silent.Round(time.Second/10))
		unix.Kill(int(pid), unix.SIGKILL)
		k.killed = pid
		return
	}
	if k.reaper.manager.CompareAndSwap(pid, 0) {
		k.say("manager: process %d cannot be killed: left behind", pid)
		k.reaper.lost(unix.WaitStatus(unix.SIGKILL))
	}
}

// absence is how long output may wait for a manager. After that it is thrown away, and counted, from pipes that are about to be
// full: a component must not stop because nobody reads what it prints (R19).
const absence = time.Second

// away says whether the manager has been gone, or silent, for too long.
func (k *Keeper) away() bool { return k.waiting != 0 && poll.Now()-k.waiting > absence }

// relieve empties the log pipes of an absent manager, and tells it when it is back.
func (k *Keeper) relieve() {
	if k.away() {
		k.missed += k.held.discard()
		return
	}
	if k.missed > 0 {
		k.tell(Message{Kind: Missed, Value: k.missed})
		k.missed = 0
	}
}

// relieveEvery is how often the pipes of an absent manager are looked at: half a pipe of 64 KiB then carries 320 KiB/s.
const relieveEvery = 100 * time.Millisecond

// timeout is how long the loop may sleep, in milliseconds; -1 is until something happens.
func (k *Keeper) timeout() int {
	sleep := k.idle()
	if k.due != 0 {
		sleep = sooner(sleep, until(k.due))
	}
	if k.dog.device != nil {
		sleep = sooner(sleep, until(k.dog.next))
	}
	return sleep
}

// until is how many milliseconds it is to a time, and not one less.
func until(at time.Duration) int { return int(max(at-poll.Now(), 0)/time.Millisecond) + 1 }

// sooner is the shorter of two sleeps, of which the first may be for ever.
func sooner(sleep, other int) int {
	if sleep < 0 {
		return other
	}
	return min(sleep, other)
}

// idle is timeout where there is no watchdog and no manager to start.
func (k *Keeper) idle() int {
	if k.away() {
		return int(relieveEvery / time.Millisecond)
	}
	at := k.waiting + absence
	if k.waiting == 0 {
		at = time.Duration(k.reaper.seen.Load()) + glance
		if k.reaper.seen.Load() == 0 || at < poll.Now() {
			return -1
		}
	}
	return until(at)
}
