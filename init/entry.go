package main

// The program begins in entry_*.s, where it is linked with -E=_orderly_start as the Makefile does. Before anything else Go's runtime
// ends a program that has no descriptor 0, 1 or 2 and no /dev/null to put there. That is how the kernel starts an init where the
// console of its command line does not exist and nobody has mounted /dev, and an init that ends is a panic. So the root directory
// takes their places, until boot.Early has something better.
//
// Then the table of descriptors is made large enough for most machines. Once a program has threads, the kernel waits for a grace period of
// RCU whenever it enlarges theirs, which takes 10 ms on a small board (expand_fdtable in fs/file.c); here it need not.
//
// Linked without the flag it begins where Go does, and all else is the same.
