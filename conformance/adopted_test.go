package conformance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

func adoptedByTheDead(w *world) {
	for n, died := 1, 1; died == 1; n++ {
		died = w.adoptedOver(n)
		if n == 1 && died == 0 {
			w.Error("nobody died")
		}
	}
}

func adoptedByTheNext(w *world) {
	for then := range 2 {
		if died := w.adoptedOver(takingIn, then+1); died != 2 {
			w.Errorf("%d managers died", died)
		}
	}
}

// takingIn is the first call of a manager that has stored an adoption: it makes the group.
const takingIn = 3

// adoptedOver has a component adopt a stranger while the manager is killed before the first of these calls, and the next one before the second,
// counted anew. It returns how many were.
func (w *world) adoptedOver(calls ...int) int {
	w.Helper()
	w.stranger()
	first, made, doomed := w.Manager(), 0, w.Keeper
	var died atomic.Int32
	w.object(func(a asked) unix.Errno {
		process, _ := strconv.Atoi(oracle.Field("/proc", a.pid, "Tgid"))
		at := int(died.Load())
		if process == w.Keeper || process == doomed || at == len(calls) {
			return 0
		}
		if made++; made == calls[at] {
			made, doomed = 0, process
			died.Add(1)
			unix.Kill(process, unix.SIGKILL)
		}
		return 0
	})
	done := w.adopts("a")
	if len(calls) > 1 {
		w.await("the death of the next manager too", func() bool { return int(died.Load()) == len(calls) })
	}
	w.agree()
	if died.Load() > 0 {
		w.again(first)
	}
	if !done && w.component("a").State == "down" {
		w.adopts("a")
	}
	w.parts("a")
	return int(died.Load())
}

func leftToTheKeeper(w *world) {
	for range 20 {
		done := make(chan error, 1)
		parent := w.Command("sh", "-c", "cd "+w.dir+"; setsid sh -c 'echo $$ > stranger.new; mv stranger.new stranger; until test -e go; do sleep 0.01; done; exit 7' & until test -e left; do sleep 0.01; done")
		go func() { done <- parent.Run() }()
		w.await("a stranger", func() bool { return w.exists("stranger") })
		w.adopts("a")
		w.write("left", "")
		w.must(<-done)
		w.write("go", "")
		if c := w.eventually("a", "failed"); c.Exit == nil || c.Exit.Code == nil || *c.Exit.Code != 7 {
			w.Errorf("the exit: %+v", c.Exit)
		}
		for _, name := range []string{"stranger", "left", "go"} {
			w.must(os.Remove(w.path(name)))
		}
	}
}

// stranger starts a process with a child beside the components, and notes their numbers.
func (w *world) stranger() {
	w.Helper()
	w.inside("sh", "-c", "setsid sh -c 'sleep 100000 & echo $$ $! > "+w.path("stranger")+"; wait' < /dev/null > /dev/null 2>&1 &")
	w.await("a stranger", func() bool { return len(strings.Fields(w.read("stranger"))) == 2 })
}

// adopts has a component adopt the stranger, and says whether it was answered that it has.
func (w *world) adopts(name string) bool {
	w.Helper()
	pid, _, _ := strings.Cut(w.read("stranger"), " ")
	out, err := w.Command("env", "ORDERLY_CONTROL="+w.socket, filepath.Join(programs, "orderly"), "adopt", name, pid).CombinedOutput()
	if err != nil && !strings.Contains(string(out), control.ErrGone.Error()) {
		w.Errorf("adopt: %v: %s", err, out)
	}
	return err == nil
}

// parts looks whether a component has the stranger, and only that, and stops both of its processes.
func (w *world) parts(name string) {
	w.Helper()
	pids := strings.Fields(w.read("stranger"))
	if c := w.component(name); c.State != "ready" || strconv.Itoa(c.PID) != pids[0] {
		w.Errorf("%s is %s with process %d, not %s", name, c.State, c.PID, pids[0])
	}
	w.stop(name)
	for _, word := range pids {
		pid, err := strconv.Atoi(word)
		w.must(err)
		if p, there := oracle.Look(w.Proc, pid); there && p.Alive() {
			w.Errorf("process %d of the stranger is still there", pid)
			w.signal(pid)
		}
	}
	w.must(os.Remove(w.path("stranger")))
}
