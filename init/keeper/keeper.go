package keeper

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/binary"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/init/watchdog"
)

// Options say what a keeper is for.
type Options struct {
	PID1  bool
	Args  []string  // of the manager, behind its name
	Env   []string  // of the manager, passed on
	Facts int       // size of the facts table in bytes
	Voice io.Writer // for the few lines that the keeper itself has to say
	// End makes the last system calls of PID 1 and does not return. A manager that cannot be had any more ends
	// in GiveUp, which does not return as PID 1 either.
	End     func(Ending)
	GiveUp  func(facts int)
	Now     func()            // reboot at once
	Shown   func(text string) // tells a service manager above us
	Signals chan os.Signal    // from Catch
	From    *State            // of the program that this process was before, see Inherited; nil is a fresh start

	Watchdog string           // the device to feed from the first moment, before anything is configured; "" is none
	Above    *watchdog.Device // the watchdog of a service manager above us, instead of a device; nil is none
}

// Ending is how a machine ends.
type Ending struct {
	End    uint8
	Now    bool
	Disarm bool              // the watchdog is not to stay armed whatever the end is
	Last   func(disarm bool) // feeds the watchdog a last time, or disarms it; called once nothing can hang any more
}

// Keeper is the state of the process. Its loop is the main goroutine on the main thread.
type Keeper struct {
	Options
	binary   int  // the file that the next manager is executed from
	replaced bool // the manager ends because it asked for the new binary
	before   int  // the binary before the last Replace, until the new manager said Hello; 0 is none
	renewing bool // the new manager has said Hello: our own turn comes

	path, pathBefore string // of binary and before; what is there may be another file by now

	reaper *reaper
	held   held
	facts  int
	ring   int
	wake   int
	land   int
	nudge  int
	epoll  int

	mu     sync.Mutex // of link and early, between the loop and the goroutine of the signals
	link   *Link
	early  []Message // that came before there was a link
	far    *Link     // our copy of the manager's end: what a dead manager has not read is read here
	sender sync.WaitGroup

	hushed chan struct{} // every signal that was caught has been passed on

	dog     dog
	deaths  deaths
	due     time.Duration // when the next manager is to be started; 0 is not at all
	tries   int           // of that so far
	safe    bool          // whether managers are started in safe mode
	count   int           // managers so far
	booted  bool
	ending  bool
	end     uint64
	beat    uint64
	missed  uint64        // bytes of output thrown away since the manager was last there
	killed  int32         // the manager that was sent SIGKILL, by its pid
	waiting time.Duration // since when the manager owes a beat; 0 is not at all
	asked   atomic.Uint64 // the beat, plus one, when a signal was sent that has not been answered; 0: all have been
}

// Run keeps until the manager says Finish; it returns the exit code of `orderly run`. As PID 1 it does not return.
// The caller's goroutine must be locked to the main thread.
func Run(o Options) (code int, err error) {
	debug.SetGCPercent(50) // next to nothing lives: what a message leaves behind would grow to 16 MB before it is collected
	// the last that the kernel may kill for want of memory, and the manager after us (proc(5), oom_score_adj); who
	// may not say so is not protected
	os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0)
	k := &Keeper{Options: o, held: held{}, dog: dog{open: watchdog.Open}, hushed: make(chan struct{})}
	if k.dog.device = o.Above; o.Above != nil {
		k.dog.interval = o.Above.Timeout / 3
	}
	if err := k.begin(); err != nil {
		return 1, err
	}
	go MakeThreads()
	go k.reaper.run()
	return k.loop(), nil
}

// begin has a manager, and the signals for it: those of the program before us, or new ones.
func (k *Keeper) begin() error {
	if k.From != nil {
		SetName("orderly")
		if err := k.resume(k.From); err != nil {
			return err
		}
		k.forward()
		k.tell(Message{Kind: Renewed})
		return nil
	}
	var err error
	if k.binary, err = binary.Own(); err != nil {
		return err
	}
	k.path = binary.Name()
	if err := k.open(); err != nil {
		return err
	}
	if k.Watchdog != "" {
		k.say("%s", k.dog.watch(k.Watchdog, 0, 0, poll.Now()))
	}
	k.forward()
	if !k.PID1 {
		// orphans of components come to us, and not to a process above us (prctl(2), PR_SET_CHILD_SUBREAPER, which outlasts
		// another program)
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return os.NewSyscallError("prctl subreaper", err)
		}
	}
	return k.start()
}

// open makes what keeper and manager share.
func (k *Keeper) open() error {
	var err error
	if k.facts, err = Memfd("orderly-facts", int64(k.Facts)); err != nil {
		return err
	}
	if k.ring, err = NewRing(); err != nil {
		return err
	}
	for _, fd := range []*int{&k.wake, &k.land} {
		if *fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
			return os.NewSyscallError("eventfd", err)
		}
	}
	return k.ready()
}

// ready makes what is the keeper's own.
func (k *Keeper) ready() error {
	ring, err := MapRing(k.ring)
	if err != nil {
		return err
	}
	if k.nudge, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	if k.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	k.reaper = newReaper(ring, k.wake, k.nudge)
	return k.watch(k.nudge)
}

func (k *Keeper) watch(fd int) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(k.epoll, unix.EPOLL_CTL_ADD, fd,
		&unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}))
}

// loop waits for messages of the manager and for its end, until the manager has said Finish and is gone.
func (k *Keeper) loop() int {
	var events [4]unix.EpollEvent
	for {
		unix.EpollWait(k.epoll, events[:], k.timeout())
		poll.Calm(k.nudge)
		k.drain()
		status := k.reaper.ended.Swap(0)
		if k.ending && (k.PID1 || status != 0) {
			return k.finish()
		}
		if status != 0 {
			k.again(unix.WaitStatus(status - 1))
		}
		k.bringDue()
		k.suspect()
		k.relieve()
		k.tend()
		if k.renewing && !k.ending && k.due == 0 { // with a manager, whom the new program has to know
			k.renewing = false
			k.renew()
		}
	}
}

// finish ends the machine, or gives the exit code of the program.
func (k *Keeper) finish() int {
	if k.PID1 {
		last := k.dog.farewell()
		k.End(Ending{End: uint8(k.end), Now: k.end>>16&1 == 1, Disarm: k.dog.disarm, Last: last})
	}
	return int(k.end >> 8 & 0xff)
}

// drain handles every message that is there.
func (k *Keeper) drain() {
	for {
		m, err := k.link.Receive(false)
		if err != nil {
			return // nothing more, or the manager is gone, which the reaper tells
		}
		k.handle(m)
	}
}

func (k *Keeper) handle(m Message) {
	switch m.Kind {
	case Hold:
		k.held.hold(m)
		return
	case Replace:
		k.replace(m.Files, m.Text)
		return
	case Hello:
		k.forget()
	case Watch:
		k.watchdog(m)
	case Drop:
		k.held.drop(m.Tags)
	case Booted:
		k.booted = true
	case Shown:
		k.Shown(m.Text)
	case Finish:
		k.ending, k.end = true, m.Value
	}
	closeAll(m.Files)
}

// tell sends a message to the manager that is there, or to the next one. A manager that has left a hundred signals
// unread does not need one more: it is not waited for.
func (k *Keeper) tell(m Message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.link == nil {
		k.early = append(k.early, m)
		return
	}
	k.asked.Store(k.reaper.ring.Beat() + 1)
	k.link.TrySend(m)
	poll.Bump(k.nudge)
}

// say prints one line of the keeper's own.
func (k *Keeper) say(format string, args ...any) {
	fmt.Fprintf(k.Voice, "orderly: "+format+"\n", args...)
}
