// Package launch starts a supervisor for a test, beside the test or as PID 1 of a PID namespace of its own, and knows its processes in either
// place: whoever is inside calls a process by another number than the test does.
package launch

import (
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
)

// Place is where a supervisor runs.
type Place string

const (
	Foreground Place = "run"  // `orderly run`
	First      Place = "pid1" // the same as PID 1 of a PID namespace of its own, which is gone with it
)

// Patience is how long a fact is awaited that should come at once: a loaded machine is no failure.
const Patience = 20 * time.Second

// Soon asks until yes, for what another process does and nobody tells of, and says whether that was within Patience.
func Soon(yes func() bool) bool {
	for end := time.Now().Add(Patience); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// Timed is a test that knows when all tests must be over.
type Timed interface{ Deadline() (time.Time, bool) }

// Guard kills what a test waits for when half of the time is over that all tests have: the others go on, and this one can be played once more.
// Whoever has it stops it when the test is over.
func Guard(t Timed, kill func(after time.Duration)) *time.Timer {
	const forever = 1000 * time.Hour
	limit := forever
	if end, ok := t.Deadline(); ok {
		limit = time.Until(end) / 2
	}
	return time.AfterFunc(limit, func() { kill(limit) })
}

// Destroy kills a keeper by the pid that the test has for it. Its manager clears up then, and is killed if it does not.
func Destroy(keeper int) {
	if keeper == 0 {
		return
	}
	manager := oracle.Manager("/proc", keeper)
	unix.Kill(keeper, unix.SIGKILL)
	if manager == 0 {
		return
	}
	unix.Kill(manager, unix.SIGCONT) // the test may have stopped it
	if !Soon(func() bool { p, ok := oracle.Look("/proc", manager); return !ok || !p.Alive() }) {
		unix.Kill(manager, unix.SIGKILL)
	}
}

// Command is one that runs args in this place: either they are the program, or they become it.
func (p Place) Command(args ...string) *exec.Cmd {
	if p == First {
		args = append([]string{"unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// Daemon is a supervisor, wherever it runs.
type Daemon struct {
	Place  Place
	Keeper int           // its first process as the test's own PID namespace has it, 0 before Found
	Proc   string        // the /proc of its PID namespace: what it calls a pid is a folder there
	Ended  chan struct{} // closed when it has
	Err    error         // how it ended

	command *exec.Cmd
}

// Start starts a command that the place has made. What it prints is in the file console.
func Start(p Place, c *exec.Cmd, console string) (*Daemon, error) {
	f, err := os.Create(console)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c.Stdout, c.Stderr = f, f
	if err := c.Start(); err != nil {
		return nil, err
	}
	d := &Daemon{Place: p, Proc: "/proc", Ended: make(chan struct{}), command: c}
	go func() { d.Err = c.Wait(); close(d.Ended) }()
	return d, nil
}

// Found says whether the keeper is there: the process that was started, or the child of unshare, when it has become the program.
func (d *Daemon) Found(program string) bool {
	pid := d.command.Process.Pid
	if d.Place == First {
		kids := oracle.Children("/proc", pid)
		if len(kids) != 1 {
			return false
		}
		pid = kids[0]
	}
	folder := "/proc/" + strconv.Itoa(pid)
	want, err := os.Stat(program)
	is, e := os.Stat(folder + "/exe")
	if err != nil || e != nil || !os.SameFile(want, is) {
		return false
	}
	if d.Keeper = pid; d.Place == First {
		d.Proc = folder + "/root/proc"
	}
	return true
}

// Inside is the keeper's pid as its own namespace has it.
func (d *Daemon) Inside() int {
	if d.Place == First {
		return 1
	}
	return d.Keeper
}

// Manager is the manager's pid inside, 0 while there is none.
func (d *Daemon) Manager() int { return oracle.Manager(d.Proc, d.Inside()) }

// Command is one that runs beside the components: in the supervisor's namespaces, and of none of them.
func (d *Daemon) Command(args ...string) *exec.Cmd {
	if d.Place == First {
		args = append([]string{"nsenter", "-t", strconv.Itoa(d.Keeper), "-m", "-p"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// Kill sends a signal to a process by the pid that the supervisor's namespace has for it.
func (d *Daemon) Kill(pid int, sig unix.Signal) error {
	switch {
	case pid == d.Inside():
		return unix.Kill(d.Keeper, sig)
	case d.Place == Foreground:
		return unix.Kill(pid, sig)
	}
	return d.Command("kill", "-"+strconv.Itoa(int(sig)), strconv.Itoa(pid)).Run()
}

// HasEnded says whether it has.
func (d *Daemon) HasEnded() bool {
	select {
	case <-d.Ended:
		return true
	default:
		return false
	}
}

// End has it end in order, and says whether it did so in time; else it is killed.
func (d *Daemon) End(within time.Duration) bool {
	if d.Keeper > 0 && !d.HasEnded() {
		unix.Kill(d.Keeper, unix.SIGTERM)
	}
	select {
	case <-d.Ended:
		return true
	case <-time.After(within):
		d.Abandon()
		return false
	}
}

// Abandon kills the process that was started.
func (d *Daemon) Abandon() { d.command.Process.Kill() }
