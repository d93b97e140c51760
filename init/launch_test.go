package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// place is how the daemons of a script run.
type place string

const (
	foreground place = "run"  // `orderly run`
	first      place = "pid1" // the same as PID 1 of a PID namespace of its own
)

// inside is a command for scripts, that runs another one where the daemon runs.
const inside = `#!/bin/sh
# inside COMMAND...: runs it in the namespaces of a script's daemon where that is PID 1, and else just so
test "$PLACE" = pid1 || exec "$@"
exec nsenter -t "$KEEPER" -m -p env KEEPER=1 sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
`

// launched is a daemon, wherever it runs.
type launched struct {
	ts     *testscript.TestScript
	place  place
	dir    string // conf and console are in it
	socket string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has
	err    error         // how it ended
	keeper int           // as the test's own PID namespace has it, 0 before it is found
	proc   string        // the /proc of the daemon's PID namespace
	inside int           // the keeper there
}

// launch starts `orderly run` on the conf directory of another one.
func launch(ts *testscript.TestScript, dir, socket string, args []string) (*launched, error) {
	l := &launched{ts: ts, place: place(ts.Getenv("PLACE")), dir: dir, socket: socket, ended: make(chan struct{})}
	console, err := os.Create(filepath.Join(dir, "console"))
	if err != nil {
		return nil, err
	}
	l.cmd = l.command(args)
	l.cmd.Stdout, l.cmd.Stderr, l.cmd.Dir = console, console, ts.Getenv("WORK")
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { l.err = l.cmd.Wait(); console.Close(); close(l.ended) }()
	return l, nil
}

// command is `orderly run`, after what the script wants changed for it: OWN_NETWORK gives it an empty network, which is gone with it,
// and MOUNTS is a command that it changes its mounts by, in a namespace of its own.
func (l *launched) command(args []string) *exec.Cmd {
	args = append([]string{binary, "run", "--config", filepath.Join(l.dir, "conf"), "--control", l.socket}, args...)
	change := l.ts.Getenv("MOUNTS")
	if change != "" {
		args = append([]string{"sh", "-ec", change + `; exec "$0" "$@"`}, args...)
	}
	switch {
	case l.place == first:
		args = append([]string{"unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"}, args...)
	case change != "":
		args = append([]string{"unshare", "--mount"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + l.ts.Getenv("PATH"), "WORK=" + l.ts.Getenv("WORK")}
	if l.ts.Getenv("OWN_NETWORK") != "" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	}
	return cmd
}

// found says whether the keeper is there, in its own namespaces: the process that was started, or the child of unshare.
func (l *launched) found() bool {
	pid := l.cmd.Process.Pid
	if l.place == first {
		kids := oracle.Children("/proc", pid)
		if len(kids) != 1 {
			return false
		}
		pid = kids[0]
	}
	folder := "/proc/" + strconv.Itoa(pid)
	if l.place == first || l.ts.Getenv("MOUNTS") != "" { // it is unshare at first, or what changes its mounts
		if exe, err := os.Stat(folder + "/exe"); err != nil || !same(exe, binary) {
			return false
		}
	}
	l.keeper, l.proc, l.inside = pid, "/proc", pid
	if l.place == first {
		l.proc, l.inside = folder+"/root/proc", 1
	}
	return true
}

func same(a os.FileInfo, path string) bool {
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// listens says whether it answers on its control socket.
func (l *launched) listens() bool {
	c, err := control.Dial(l.socket)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func (l *launched) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// manager is the manager's pid inside, 0 while there is none.
func (l *launched) manager() int { return oracle.Manager(l.proc, l.inside) }

// kill sends a signal to a process by the pid that the daemon's namespace has for it.
func (l *launched) kill(pid int, sig unix.Signal) error {
	switch {
	case pid == l.inside:
		return unix.Kill(l.keeper, sig)
	case l.place == foreground:
		return unix.Kill(pid, sig)
	}
	return exec.Command("nsenter", "-t", strconv.Itoa(l.keeper), "-m", "-p", "kill", "-"+strconv.Itoa(int(sig)), strconv.Itoa(pid)).Run()
}

// end has it end in order, and says whether it did in time.
func (l *launched) end() bool {
	if l.keeper > 0 && !l.hasEnded() {
		unix.Kill(l.keeper, unix.SIGTERM)
	}
	select {
	case <-l.ended:
		return true
	case <-time.After(patience):
		l.cmd.Process.Kill()
		return false
	}
}

// patience is how long a fact is awaited that should come at once: a loaded machine is no failure.
const patience = 20 * time.Second

func soon(yes func() bool) bool {
	for end := time.Now().Add(patience); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
