package keeper

import (
	"errors"
	"fmt"
	"maps"
	"os"
	goruntime "runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/binary"
	"github.com/orderly-init/orderly/init/poll"
)

// ManagerName is argv[0] of the manager: the same binary, told apart by its name.
const ManagerName = "orderly-manager"

// The descriptors that a manager is started with, behind 0, 1 and 2.
const (
	LinkFD  = 3
	FactsFD = 4
	RingFD  = 5
	WakeFD  = 6 // eventfd: there are exits
	LandFD  = 7 // eventfd: a start has come to its end; the same for every manager, for one may see what another began
	SelfFD  = 8 // the file that it is executed from: what is at its path may be another one by then
)

// The state that the keeper hands to a manager in its environment.
const (
	EnvPID1   = "ORDERLY_PID1"   // "1": the keeper is PID 1
	EnvBooted = "ORDERLY_BOOTED" // "1": the machine has been set up already
	EnvSafe   = "ORDERLY_SAFE"   // "1": safe mode (R19)
	EnvAgain  = "ORDERLY_AGAIN"  // how many managers there were before this one
	EnvFile   = "ORDERLY_FILE"   // the path of the file that it is executed from; "" is not known
)

// deaths are the ends of managers that came too often (R19).
type deaths struct {
	times [8]time.Duration
	n     int
}

// The bounds of R19: 5 deaths within a minute mean safe mode, 3 more mean that no manager can help.
const (
	deathWindow = time.Minute
	safeAfter   = 5
	giveUpAfter = 8
)

// add counts a death and returns how many there were within the window.
func (d *deaths) add(at time.Duration) int {
	copy(d.times[1:], d.times[:])
	d.times[0] = at
	d.n = min(d.n+1, len(d.times))
	count := 0
	for _, t := range d.times[:d.n] {
		if at-t < deathWindow {
			count++
		}
	}
	return count
}

// start brings up a manager with a fresh pair of sockets. It must run on the locked main thread.
func (k *Keeper) start() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	k.reaper.starting.Lock() // an exit that is reaped before its pid is known would be taken for a component's
	defer k.reaper.starting.Unlock()
	pid, err := syscall.ForkExec(binary.Path(SelfFD), append([]string{ManagerName}, k.Args...), &syscall.ProcAttr{
		Dir:   "/",
		Env:   append(k.environment(), k.Env...),
		Files: []uintptr{0, 1, 2, uintptr(pair[1]), uintptr(k.facts), uintptr(k.ring), uintptr(k.wake), uintptr(k.land), uintptr(k.binary)},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		closeAll(pair[:])
		return fmt.Errorf("start the manager: %w", err)
	}
	k.reaper.manager.Store(int32(pid))
	k.killed = 0
	k.reaper.started()
	k.count++
	return k.connect(NewLink(pair[0]), NewLink(pair[1]))
}

// connect makes a pair of sockets the present one, passes on what the last manager did not read, and hands over
// what is held.
func (k *Keeper) connect(near, far *Link) error {
	k.mu.Lock()
	oldNear, oldFar := k.link, k.far
	k.link, k.far = near, far
	early := k.early
	k.early = nil
	k.mu.Unlock()
	for _, m := range early {
		k.tell(m)
	}
	if oldNear != nil {
		unix.Shutdown(oldNear.FD(), unix.SHUT_RDWR) // wakes a sender that waits for a dead manager
		k.sender.Wait()
		k.passOn(oldFar)
		oldNear.Close()
		oldFar.Close()
	}
	kept := maps.Clone(k.held)
	k.sender.Go(func() { kept.send(near) })
	k.beat, k.waiting = k.reaper.ring.Beat(), 0
	k.dog.manager(poll.Now())
	return k.watch(near.FD())
}

// passOn repeats what a dead manager did not read.
func (k *Keeper) passOn(far *Link) {
	for {
		m, err := far.Receive(false)
		if err != nil {
			return
		}
		closeAll(m.Files)
		if m.Kind == Signal || m.Kind == Missed {
			k.tell(Message{Kind: m.Kind, Value: m.Value})
		}
	}
}

// again starts the next manager after one has ended, in safe mode when that came often, not at all when no
// manager can help.
func (k *Keeper) again(status unix.WaitStatus) {
	k.drain()
	if k.before != 0 && !k.replaced { // not the end of the one that asked for the upgrade: the new one never said Hello
		k.revert("ended before it was ready (" + describe(status) + ")")
	}
	n := 0
	if !k.replaced || status != 0 {
		n = k.deaths.add(poll.Now())
		k.say("manager: %s; starting it again", describe(status))
	}
	k.replaced = false
	if n >= giveUpAfter {
		k.surrender(fmt.Errorf("it ended %d times in %v", n, deathWindow))
	}
	k.due, k.tries, k.safe = poll.Now()+pause(n), 0, n >= safeAfter
}

// pause is how long nobody is started after so many deaths. What a machine has too little of at one moment, threads and memory, it
// may have at another; a few managers die for other reasons, and the next one is there at once.
func pause(deaths int) time.Duration {
	if deaths < safeAfter-1 {
		return 0
	}
	return startEvery << (deaths - safeAfter + 1)
}

// A machine that is out of memory or processes may have some again soon: a start is tried so often, so far apart.
const (
	startTries = 50
	startEvery = 100 * time.Millisecond
)

// bringDue starts the next manager when it is time. In between the loop goes on: pipes are read and the watchdog is fed.
func (k *Keeper) bringDue() {
	if k.due == 0 || poll.Now() < k.due {
		return
	}
	err := k.bring()
	if err == nil {
		k.due = 0
		return
	}
	k.tries++
	if k.tries == startTries || !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOMEM) {
		k.surrender(err)
	}
	k.due = poll.Now() + startEvery
}

// bring starts the next manager. A new binary that cannot be executed gives way to the one before.
func (k *Keeper) bring() error {
	err := k.start()
	if err != nil && k.before != 0 {
		k.revert("cannot be started (" + err.Error() + ")")
		err = k.start()
	}
	return err
}

// revert goes back to the binary before an upgrade.
func (k *Keeper) revert(why string) {
	k.say("manager: the new binary %s; the one before goes on", why)
	unix.Close(k.binary)
	k.binary, k.before = k.before, 0
	k.path, k.pathBefore = k.pathBefore, ""
}

// forget gives up the binary before an upgrade: the new manager is ready, so the keeper may become that program too.
func (k *Keeper) forget() {
	if k.before != 0 {
		unix.Close(k.before)
		k.before, k.renewing = 0, true
	}
}

// surrender ends everything: no manager can be had.
func (k *Keeper) surrender(why error) {
	k.say("manager: given up: %v", why)
	k.dog.farewell()
	k.GiveUp(k.facts)
}

// replace makes a binary the one of the next manager. It is kept by descriptor: what is on the disk may change.
func (k *Keeper) replace(files []int, path string) {
	if len(files) != 1 {
		closeAll(files)
		return
	}
	k.before, k.binary, k.replaced = k.binary, binary.Protected(files[0]), true
	k.path, k.pathBefore = path, k.path
}

// spareThreads are as many as can be wanted at once, and more: for the reaper, the signals, the console, the sender, the collector.
const spareThreads = 4

// MakeThreads has the runtime keep threads ready. It makes one when all that it has wait in system calls, and where none can be had
// that ends the program (newosproc in runtime/os_linux.go): nobody must need one when a machine has no more processes.
func MakeThreads() { OnThreads(spareThreads, func() {}) }

// OnThreads does something on so many threads, each another one than the caller's and one another's.
func OnThreads(n int, do func()) {
	var begun sync.WaitGroup
	over := make(chan struct{})
	for range n {
		begun.Add(1)
		go func() {
			goruntime.LockOSThread() // each has one of its own, until all do
			defer goruntime.UnlockOSThread()
			do()
			begun.Done()
			<-over
		}()
	}
	begun.Wait()
	close(over)
}

// SetName names the calling thread, and where that is the first one the process (prctl(2), PR_SET_NAME): ps(1) would show the number of a
// descriptor where that was executed.
func SetName(name string) {
	if p, err := unix.BytePtrFromString(name); err == nil {
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(p)), 0, 0, 0)
		goruntime.KeepAlive(p)
	}
}

// describe says in words how a process ended.
func describe(s unix.WaitStatus) string {
	if s.Signaled() {
		return "killed by " + unix.SignalName(s.Signal())
	}
	return "exit " + strconv.Itoa(s.ExitStatus())
}

// environment is what a manager must know of its predecessors.
func (k *Keeper) environment() []string {
	env := []string{EnvAgain + "=" + strconv.Itoa(k.count), EnvFile + "=" + k.path}
	for _, v := range []struct {
		set  bool
		name string
	}{{k.PID1, EnvPID1}, {k.booted, EnvBooted}, {k.safe, EnvSafe}} {
		if v.set {
			env = append(env, v.name+"=1")
		}
	}
	return env
}
