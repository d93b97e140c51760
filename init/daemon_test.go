package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
)

// started is a daemon that a script has started.
type started struct {
	*launched
	killed  bool // by the script, so there was no end in order
	over    bool // its end was looked at
	eyes    *eyes
	mounts  []string // that it saw when it began
	answers oracle.Answers
	guard   *time.Timer
	deaf    chan struct{} // closed: nobody asks it any more
}

// daemons are those of a script, in their order.
type daemons struct {
	list []*started
	like *references
}

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
	e := open(ts)
	l, err := begin(ts, ts.Getenv("WORK"), ts.Getenv("ORDERLY_CONTROL"), args)
	ts.Check(err)
	d := &started{launched: l, eyes: e, deaf: make(chan struct{})}
	d.guard = launch.Guard(ts.Value("test").(launch.Timed), func(after time.Duration) {
		ts.Value("finds").(func(string))(fmt.Sprintf("it hangs, and the daemon is killed after %v\n%s", after, contents(ts, "console")))
		launch.Destroy(d.Keeper)
	})
	if neg {
		d.mustFail()
		return
	}
	all := ts.Value("daemons").(*daemons)
	all.list = append(all.list, d)
	ts.Defer(d.finish)
	waitFor(ts, "the keeper", d.found)
	ts.Setenv("KEEPER", strconv.Itoa(d.Keeper))
	d.mounts = oracle.Mounts(d.Proc, d.Inside())
	d.eyes.watch(d.launched)
	waitFor(ts, "the control socket", d.listens)
	ts.Check(d.ask())
}

// ask has somebody call the control socket again and again, as long as the daemon lives.
func (d *started) ask() error {
	d.answers.Finds, d.answers.Beside = d.eyes.finds, true
	over := make(chan struct{})
	d.eyes.wait.Go(func() {
		select {
		case <-d.Ended:
		case <-d.deaf:
		}
		close(over)
	})
	return d.answers.Ask(exec.Command(filepath.Join(filepath.Dir(binary), "victim"), "asks", d.socket, strconv.Itoa(d.Keeper)), over)
}

func (d *started) mustFail() {
	defer d.guard.Stop()
	select {
	case <-d.Ended:
		if d.Err == nil {
			d.ts.Fatalf("the daemon ended well")
		}
	case <-time.After(launch.Patience):
		d.Abandon()
		d.ts.Fatalf("the daemon did not end")
	}
}

// endDaemon ends the newest daemon before the script is over: for another one behind it.
func endDaemon(ts *testscript.TestScript, _ bool, _ []string) { newest(ts).finish() }

// letGo has the keeper and the manager go on where a script that failed has left one of them stopped.
func (d *started) letGo() {
	if !d.answers.Held.Load() {
		return
	}
	d.Kill(d.Inside(), unix.SIGCONT)
	if manager := d.Manager(); manager > 1 {
		d.Kill(manager, unix.SIGCONT)
	}
	d.answers.LetGo()
}

// finish ends the daemon in order, if it still runs, and holds it to the oracles. It may run after the script, so what it finds is told
// to the test as a whole.
func (d *started) finish() {
	if d.over {
		return
	}
	d.over = true
	defer d.guard.Stop()
	finds := d.ts.Value("finds").(func(string))
	lives := d.Keeper > 0 && !d.HasEnded() && !d.killed
	if lives {
		d.letGo()
		d.truth(finds)
	}
	close(d.deaf)
	d.answers.Wait()
	if lives {
		d.idles(finds)
	}
	if !d.End(launch.Patience) {
		finds("the daemon did not end within 20 s of SIGTERM\n" + contents(d.ts, "console"))
		return
	}
	if d.Err != nil && !d.killed {
		finds("the daemon ended with " + d.Err.Error() + "\n" + contents(d.ts, "console"))
	}
	d.saw(finds)
	d.remains(finds)
}
