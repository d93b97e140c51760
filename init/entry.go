package main

// The program begins in entry_*.s, where it is linked with -E=_orderly_start as the Makefile does. Before anything else Go's runtime
// ends a program that has no descriptor 0, 1 or 2 and no /dev/null to put there. That is how the kernel starts an init where the
// console of its command line does not exist and nobody has mounted /dev, and an init that ends is a panic. So the root directory
// takes their places, until boot.Early has something better.
//
// Linked without the flag it begins where Go does, and all else is the same.
