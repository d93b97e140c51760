package keeper

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// Seven ctrl-alt-dels within two seconds mean that the person at the keyboard has given up on an orderly end.
const (
	impatience     = 7
	impatienceTime = 2 * time.Second
)

// caught are the signals that mean something, and those that would end or stop a Go program (os/signal, Default
// behavior of signals in Go programs); the runtime drops all others. It takes 25 µs to catch one on a small board.
func caught() []os.Signal {
	list := []os.Signal{
		unix.SIGCHLD, unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPWR,
		unix.SIGQUIT, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGSTKFLT, unix.SIGSYS,
		unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV,
		unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE,
	}
	for n := 3; n <= 5; n++ { // halt, poweroff, reboot
		list = append(list, syscall.Signal(realtime+n))
	}
	return list
}

// uncaught are those that Go leaves alone, for C libraries.
var uncaught = []int{32, 33, 34}

// ignore has the kernel drop a signal. To leave it as it is would not do, though PID 1 does not get what it has no handler for: a thread that
// blocks it for a moment, in a handler or to fork, makes the kernel take it, and another thread that does not is then killed by it
// (sig_ignored and complete_signal in kernel/signal.c), with the machine.
func ignore(sig int) {
	const size = 8          // of a set of signals
	action := [8]uintptr{1} // SIG_IGN, no flags, an empty set (rt_sigaction(2))
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, size, 0, 0)
}

// realtime is SIGRTMIN as C libraries count: the kernel's first two are theirs.
const realtime = 34

// Catch catches the signals, before anything else is done: until then SIGTERM and SIGQUIT end a Go program, also one that was started
// with them ignored, and PID 1 must not end.
func Catch() chan os.Signal {
	signals, all := make(chan os.Signal, 64), make(chan struct{})
	go func() { // the main thread, to which we are locked, would be changed to and from twice for each
		signal.Notify(signals, caught()...)
		close(all)
	}()
	<-all
	for _, sig := range uncaught {
		ignore(sig)
	}
	return signals
}

// forward sends the signals to the manager as messages.
func (k *Keeper) forward() {
	go func() {
		var patience [impatience]time.Duration
		for s := range k.Signals {
			sig := s.(syscall.Signal)
			switch sig {
			case unix.SIGCHLD:
				k.reaper.started()
				continue
			case marker:
				k.hushed <- struct{}{}
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

// marker is the signal that the keeper sends itself: the highest one, which os/signal delivers behind all that came before.
const marker = syscall.Signal(64)

// hush ignores what was caught, and waits until that has been passed on. What comes between that and hold is lost.
func (k *Keeper) hush() error {
	signal.Notify(k.Signals, marker)
	defer signal.Reset(marker)
	signal.Ignore(deaf()...)
	if err := unix.Kill(os.Getpid(), unix.Signal(marker)); err != nil {
		return os.NewSyscallError("kill itself", err)
	}
	<-k.hushed
	return nil
}

// hold has signals wait over an execve(2), until the next program has caught them: Go's runtime keeps those blocked that it finds so, but for
// SIGHUP, SIGINT, SIGQUIT, SIGTERM and SIGABRT (blockableSig in runtime/signal_unix.go). The first two stay ignored until then, and the
// others end a program that has not caught them, which therefore does nothing before it. What hold returns takes it back.
func hold() func() {
	var set, old unix.Sigset_t
	for _, s := range deaf() {
		const bits = int(unsafe.Sizeof(set.Val[0]) * 8)
		n := int(s.(syscall.Signal)) - 1
		set.Val[n/bits] |= 1 << (n % bits)
	}
	unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old)
	return func() { unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil) }
}

// listen is the end of hush where there is no next program.
func (k *Keeper) listen() { signal.Notify(k.Signals, caught()...) }

// deaf are those of caught that may be ignored: not SIGCHLD, whose children would be reaped by the kernel (wait(2)), and none of
// those that the processor raises.
func deaf() []os.Signal {
	return slices.DeleteFunc(caught(), func(s os.Signal) bool {
		switch s {
		case unix.SIGCHLD, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGSYS:
			return true
		}
		return false
	})
}
