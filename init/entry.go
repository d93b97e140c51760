package main

// The program begins in entry_*.s, where it is linked with -E=_orderly_start as the Makefile does. Before anything else Go's runtime
// ends a program that has no descriptor 0, 1 or 2 and no /dev/null to put there. That is how the kernel starts an init where the
// console of its command line does not exist and nobody has mounted /dev, and an init that ends is a panic. So the root directory
// takes their places, until boot.Early has something better.
//
// Then the table of descriptors is made large enough for most machines. Once a program has threads, the kernel waits for a grace period of
// RCU whenever it enlarges theirs, which takes 10 ms on a small board (expand_fdtable in fs/file.c); here it need not.
//
// Last, what this thread awaits may come a millisecond late (prctl(2), PR_SET_TIMERSLACK), and so what a thread awaits that it makes. The first
// one that Go's runtime makes looks after the others (sysmon in runtime/proc.go). While there is work that wakes every 20 µs, or 70 with
// the usual slack: where there is one processor it takes that from what it looks after, and had a fifth of the boot.
//
// Linked without the flag it begins where Go does, and all else is the same.

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
)

// slack is how late timers could be when the program began, in nanoseconds; 0: it did not begin here.
var slack uintptr

// ownSlack gives the thread back what there was.
func ownSlack() {
	if slack > 0 {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, slack, 0, 0, 0)
	}
}

// madeBefore is how many threads the runtime makes after the one that is meant, before anything of ours runs.
const madeBefore = 2

// ownSlacks gives those threads back what there was: all others come from them and from the main thread. One that would be left out would be
// late, no more: components are given their slack at the start.
func ownSlacks() { keeper.OnThreads(madeBefore, ownSlack) }
