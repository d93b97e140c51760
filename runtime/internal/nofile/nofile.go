// Package nofile remembers the limit of open files that this process was
// started with. Package syscall raises the soft limit to the hard one when it
// is initialised, restores it for its own children only, and does not tell.
//
// This works because of the order in which packages are initialised (Go
// specification, "Program initialization"): sorted by import path, each as
// soon as its imports are ready. This one has none, hence the assembly, and
// its path sorts before "syscall".
package nofile

var original, errno = read()

// Original is the RLIMIT_NOFILE that this process was started with, soft and
// hard; zeros: it could not be read. See getrlimit(2).
func Original() (soft, hard uint64) {
	if errno != 0 {
		return 0, 0
	}
	return original[0], original[1]
}

func read() ([2]uint64, int) {
	var limit [2]uint64
	e := prlimit(&limit)
	return limit, e
}

// prlimit is prlimit64(0, RLIMIT_NOFILE, NULL, old), see prlimit(2).
//
//go:noescape
func prlimit(old *[2]uint64) int
