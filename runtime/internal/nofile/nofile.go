// Package nofile remembers the limit of open files that this process was
// started with. Package os raises the soft limit to the hard one when it is
// initialised, and nothing in the standard library tells the old value.
//
// This works because of the order in which packages are initialised (Go
// specification, "Program initialization"): sorted by import path, each as
// soon as its imports are ready. This one imports only syscall, and its path
// sorts before "os".
package nofile

import "syscall"

var soft, hard = read()

// Original is the RLIMIT_NOFILE that this process was started with; zeros: it
// could not be read. See getrlimit(2).
func Original() (uint64, uint64) { return soft, hard }

func read() (uint64, uint64) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, 0
	}
	return l.Cur, l.Max
}
