package main

// The program begins in entry_*.s, where it is linked with -E=_orderly_start as the Makefile does. Before anything else Go's runtime
// ends a program that has no descriptor 0, 1 or 2 and no /dev/null to put there. That is how the kernel starts an init where the
// console of its command line does not exist and nobody has mounted /dev, and an init that ends is a panic. So the root directory
// takes their places, until boot.Early has something better.
//
// Then the table of descriptors is made large enough for most machines. Once a program has threads, the kernel waits for a grace period of
// RCU whenever it enlarges theirs, which takes 10 ms on a small board (expand_fdtable in fs/file.c); here it need not.
//
// Last, what the program awaits may come a millisecond late (prctl(2), PR_SET_TIMERSLACK). Go's runtime makes a thread that looks after the
// others, and while there is work that wakes every 20 µs, or 70 with the usual slack: where there is one processor it takes that from what
// it looks after, and had a fifth of the boot. It inherits what holds here. The main thread gets back what there was, and so does each component.
//
// Linked without the flag it begins where Go does, and all else is the same.

// slack is how late timers could be when the program began, in nanoseconds; 0: it did not begin here.
var slack uintptr
