package keeper

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// Seven ctrl-alt-dels within two seconds mean that the person at the keyboard has given up on an orderly end.
const (
	impatience     = 7
	impatienceTime = 2 * time.Second
)

// forward sends every signal to the manager as a message. It is set up before anything else: a signal that Go
// does not catch can end the program (SIGQUIT, SIGABRT), and PID 1 must not end.
func forward(k *Keeper) {
	in := make(chan os.Signal, 64)
	signal.Notify(in)
	go func() {
		var patience [impatience]time.Duration
		for s := range in {
			sig := s.(syscall.Signal)
			switch sig {
			case unix.SIGCHLD:
				k.reaper.started()
				continue
			case unix.SIGURG, unix.SIGPIPE, unix.SIGTTIN, unix.SIGTTOU:
				continue // the runtime's own, and those that tell nothing to a supervisor
			case unix.SIGINT:
				copy(patience[:], patience[1:])
				patience[impatience-1] = poll.Now()
				if k.PID1 && patience[0] > 0 && patience[impatience-1]-patience[0] < impatienceTime {
					k.Now()
				}
			}
			k.tell(Message{Kind: Signal, Value: uint64(sig)})
		}
	}()
}
