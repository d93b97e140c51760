package main

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// started is a daemon that a script has started.
type started struct {
	ts     *testscript.TestScript
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has
	err    error         // how it ended
	killed bool          // by the script, so there was no end in order
	over   bool          // its end was looked at
	eyes   *eyes
}

// daemons are those of a script, in their order.
type daemons struct{ list []*started }

func newest(ts *testscript.TestScript) *started {
	all := ts.Value("daemons").(*daemons).list
	if len(all) == 0 {
		ts.Fatalf("no daemon was started")
	}
	return all[len(all)-1]
}

// startDaemon starts `orderly run` on the script's conf directory and waits for the control socket. With "!" it must
// fail, and what it prints is in the file "console".
func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	expand(ts)
	console, err := os.Create(ts.MkAbs("console"))
	ts.Check(err)
	d := &started{ts: ts, cmd: runCommand(ts, args), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.Dir = console, console, ts.MkAbs(".")
	d.eyes = open(ts)
	ts.Check(d.cmd.Start())
	go func() { d.err = d.cmd.Wait(); console.Close(); close(d.ended) }()
	if neg {
		d.mustFail()
		return
	}
	ts.Setenv("KEEPER", strconv.Itoa(d.cmd.Process.Pid))
	all := ts.Value("daemons").(*daemons)
	all.list = append(all.list, d)
	ts.Defer(d.finish)
	d.eyes.watch(d.cmd.Process.Pid, d.ended)
	waitFor(ts, "the control socket", func() bool {
		c, err := control.Dial(ts.Getenv("ORDERLY_CONTROL"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// runCommand is `orderly run`, after what the script wants changed for it: OWN_NETWORK gives it an empty network, which is gone with it,
// and MOUNTS is a command that it changes its mounts by, in a namespace of its own.
func runCommand(ts *testscript.TestScript, args []string) *exec.Cmd {
	args = append([]string{binary, "run", "--config", ts.MkAbs("conf"), "--control", ts.Getenv("ORDERLY_CONTROL")}, args...)
	if change := ts.Getenv("MOUNTS"); change != "" {
		args = append([]string{"unshare", "--mount", "sh", "-ec", change + `; exec "$0" "$@"`}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "WORK=" + ts.MkAbs(".")}
	if ts.Getenv("OWN_NETWORK") != "" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	}
	return cmd
}

func (d *started) mustFail() {
	select {
	case <-d.ended:
		if d.err == nil {
			d.ts.Fatalf("the daemon ended well")
		}
	case <-time.After(20 * time.Second):
		d.cmd.Process.Kill()
		d.ts.Fatalf("the daemon did not end")
	}
}

// endDaemon ends the newest daemon before the script is over: for another one behind it.
func endDaemon(ts *testscript.TestScript, _ bool, _ []string) { newest(ts).finish() }

// finish ends the daemon in order, if it still runs, and holds it to the oracles. It may run after the script, so what it finds is told
// to the test as a whole.
func (d *started) finish() {
	if d.over {
		return
	}
	d.over = true
	finds := d.ts.Value("finds").(func(string))
	if !d.hasEnded() && !d.killed {
		d.truth(finds)
	}
	d.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(20 * time.Second):
		d.cmd.Process.Kill()
		finds("the daemon did not end within 20 s of SIGTERM\n" + contents(d.ts, "console"))
		return
	}
	if d.err != nil && !d.killed {
		finds("the daemon ended with " + d.err.Error() + "\n" + contents(d.ts, "console"))
	}
	d.saw(finds)
	d.remains(finds)
}

func (d *started) hasEnded() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}
