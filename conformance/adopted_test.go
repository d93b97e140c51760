package conformance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

func adoptedByTheDead(w *world) {
	for n, killed := 1, true; killed; n++ {
		killed = false
		w.stranger()
		dead, calls := w.Manager(), 0
		w.object(func(asked) unix.Errno {
			if calls++; calls == n {
				killed = true
				w.kill(dead, unix.SIGKILL)
			}
			return 0
		})
		done := w.adopts("a")
		w.agree()
		if killed {
			w.again(dead)
		}
		if !done && w.component("a").State == "down" {
			w.adopts("a")
		}
		w.parts("a")
		if n == 1 && !killed {
			w.Error("nobody died")
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
