// Command orderly is PID 1 and supervisor for embedded Linux. This file only dispatches: to the keeper, to the
// manager, or to the commands that people type.
package main

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/orderly-init/orderly/init/command"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/manager"
)

func main() {
	ownSlack() // this thread's, before it makes others
	// the main goroutine stays on the main thread: the keeper starts managers from it, and PID 1's main thread
	// must not end
	runtime.LockOSThread()
	ownSlacks()
	os.Exit(dispatch(os.Args))
}

func dispatch(args []string) int {
	name := filepath.Base(args[0])
	switch {
	case name == keeper.ManagerName:
		runtime.UnlockOSThread()
		widen()
		return manager.Main(args[1:], command.Version(), slack)
	case name == keeper.TrialName:
		return try()
	case os.Getpid() == 1 && (len(args) < 2 || args[1] != "run"):
		return asPID1()
	case len(args) > 1 && args[1] == "run" && !wantsHelp(args[2:]):
		return run(args[2:])
	}
	return command.Main(args)
}

// atOnce is how many threads may be in Go code or in a system call that has not been seen to wait, at least.
const atOnce = 4

// widen is for what waits in the kernel with threads of its own. Go's runtime takes such a thread for a running one until it looks again,
// which can be 10 ms later; where only one may run, as on a board with one processor, nobody else does until then.
func widen() {
	if runtime.GOMAXPROCS(0) < atOnce {
		runtime.GOMAXPROCS(atOnce)
	}
}

func wantsHelp(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "--help" {
			return true
		}
	}
	return false
}
