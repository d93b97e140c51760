package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
)

// processes are scenarios about who is whose child, and who reaps whom.
func processes() []scenario {
	return []scenario{
		{id: "A1", story: "an orphan of an orphan stays in its component's group, is no main process, and is reaped", play: orphanOfOrphan, config: `
[component.a]
command = ["sh", "-c", "setsid sh -c 'sleep 1000 & echo $! > $DIR/orphan'; exec sleep 1000"]
[target.all]
depends_on = ["a"]
`},
		{id: "A2", story: "an orphan of no component is reaped, and nobody's state changes", play: orphanOfNobody, places: []place{first}, config: one},
		{id: "A3", story: "1000 orphans and 20 components die at once: all are reaped, no exit is lost", play: thousandExits, config: many(20) + `
[component.mother]
command = ["victim", "orphans", "1000", "$DIR/born", "$DIR/go"]
[target.all]
depends_on = ["mother"]
wants = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15", "c16", "c17", "c18", "c19"]
`, loaded: true},
		{id: "A4", story: "components that exit at once, again and again: each exit is seen once, with its own code", play: func(w *world) { shortLives(w, 60) }, config: brief},
		{id: "A4b", story: "A4 ten thousand times", play: func(w *world) { shortLives(w, 2500) }, config: brief, long: true},
		{id: "A5", story: "the main process exits well while a worker lives: the worker goes too, and the component has failed", play: workerLeft, config: `
[component.a]
command = ["sh", "-c", "sleep 1000 & echo $! > $DIR/worker; until test -e $DIR/go; do sleep 0.01; done"]
recovery = { attempts = 0, then = "stop" }
[target.all]
depends_on = ["a"]
`},
		{id: "A8", story: "every exit code and every signal is reported as what it was", play: everyEnd, config: everyEndConfig()},
		{id: "A9", story: "a stopped main process has not exited, and a stop ends it in order", play: stoppedMain, config: one},
		{id: "A10", story: "the first thread ends and others go on: the component has not exited", play: leaderless, config: `
[component.a]
command = ["victim", "leaderless", "$DIR/alive"]
[target.all]
depends_on = ["a"]
`},
	}
}

// one is a component that does nothing.
const one = `
[component.a]
command = ["sleep", "1000"]
[target.all]
depends_on = ["a"]
`

// brief are four components that live for no time, each with a code of its own.
var brief = strings.Join([]string{short(1), short(2), short(3), short(4)}, "") + "[target.all]\nwants = [\"c1\", \"c2\", \"c3\", \"c4\"]\n"

func short(code int) string {
	return fmt.Sprintf(`
[component.c%d]
command = ["sh", "-c", "exit %d"]
recovery = { delay = "20ms", max_delay = "20ms", then = "retry" } # so fast that who follows the events on a busy machine loses none
`, code, code)
}

// many are components that do nothing.
func many(n int) (text string) {
	for i := range n { // thousands at once take their time on a busy machine, which is no failure
		text += fmt.Sprintf("[component.c%d]\ncommand = [\"sleep\", \"1000\"]\nstart_timeout = \"5m\"\nrecovery = { attempts = 0, then = \"stop\" }\n", i)
	}
	return text
}

func orphanOfOrphan(w *world) {
	w.reach("all")
	before := w.component("a")
	w.await("the orphan", func() bool { return w.read("orphan") != "" })
	pid, _ := strconv.Atoi(w.read("orphan"))
	w.await("the keeper as its parent", func() bool {
		p, ok := oracle.Look(w.Proc, pid)
		return ok && p.Parent == w.Inside()
	})
	if group := w.show("a").Cgroup; group != "" {
		b, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		w.must(err)
		if w.Place == foreground && !slices.Contains(strings.Fields(string(b)), strconv.Itoa(pid)) {
			w.Errorf("process %d is not in %s, which has %q", pid, group, b)
		}
	}
	w.kill(pid, unix.SIGKILL)
	w.gone(pid)
	if now := w.component("a"); now.PID != before.PID || now.Run != before.Run || now.State != "ready" {
		w.Errorf("a was %+v and is %+v", before, now)
	}
}

// gone waits until nothing is there with a pid, not even a zombie.
func (w *world) gone(pid int) {
	w.Helper()
	w.await(fmt.Sprintf("the end of process %d", pid), func() bool { _, there := oracle.Look(w.Proc, pid); return !there })
}

func orphanOfNobody(w *world) {
	w.reach("all")
	before := len(w.happened("a"))
	out := w.inside("sh", "-c", "sh -c 'sleep 0.2 > /dev/null 2>&1 & echo $!'")
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	w.must(err)
	w.gone(pid)
	if now := len(w.happened("a")); now != before {
		w.Errorf("a had %d events and has %d", before, now)
	}
}

func thousandExits(w *world) {
	w.reach("all")
	w.await("the orphans", func() bool { return w.read("born") == "1000" })
	var pids []int
	for i := range 20 {
		pids = append(pids, w.component(fmt.Sprintf("c%d", i)).PID)
	}
	w.write("go", "")
	for i, pid := range pids {
		w.kill(pid, unix.Signal(1+i%2*8)) // HUP and KILL
	}
	for i := range pids {
		w.eventually(fmt.Sprintf("c%d", i), "failed")
		w.is(fmt.Sprintf("c%d", i), "failed", []string{"signal HUP", "signal KILL"}[i%2])
	}
	w.await("no orphan", func() bool { return len(oracle.Children(w.Proc, w.Inside())) == 2 }) // manager and mother
}

func shortLives(w *world, runs uint32) {
	w.activate("all")
	for i := 1; i <= 4; i++ {
		name := fmt.Sprintf("c%d", i)
		for had := w.component(name).Run; had < runs; had = w.component(name).Run {
			w.await(name+" more often", func() bool { return w.component(name).Run >= min(had+100, runs) })
		}
	}
	w.stop("c1", "c2", "c3", "c4")
	for i := 1; i <= 4; i++ {
		w.everyRun(fmt.Sprintf("c%d", i), fmt.Sprintf("exit %d", i))
	}
}

// neverMade is the end of a run whose manager died before there was a process.
const neverMade = "no process after a manager's death"

// everyRun checks that each run of a component ended once, as it does, or was stopped, or was never made.
func (w *world) everyRun(name, how string) {
	w.Helper()
	ends := map[uint32]int{}
	for _, e := range w.happened(name) {
		if e.To == "down" && e.From != "down" {
			ends[e.Run]++
			unmade := e.Reason == neverMade && !w.executed(name, e.Run)
			if !unmade && !strings.HasPrefix(e.Reason, how) && e.Reason != "stopped by hand" {
				w.Errorf("%s run %d ended with %s", name, e.Run, e.Reason)
			}
		}
	}
	for run, n := range ends {
		if n != 1 {
			w.Errorf("%s run %d ended %d times", name, run, n)
		}
	}
	if runs := w.component(name).Run; len(ends) != int(runs) {
		w.Errorf("%s had %d runs, and %d ended", name, runs, len(ends))
	}
}

// executed says whether the kernel has told of a run.
func (w *world) executed(name string, run uint32) bool {
	if trace == nil {
		return false
	}
	_, ok := trace.find(w.dir, name, run)
	return ok
}

func workerLeft(w *world) {
	w.reach("all")
	w.await("the worker", func() bool { return w.read("worker") != "" })
	pid, _ := strconv.Atoi(w.read("worker"))
	w.write("go", "")
	w.eventually("a", "failed")
	w.is("a", "failed", "exit 0")
	if p, ok := oracle.Look(w.Proc, pid); ok && p.Alive() {
		w.Errorf("a has failed, and its worker lives: %+v", p)
	}
}

func everyEndConfig() string {
	text, names := "", ""
	add := func(name, act string) {
		names += fmt.Sprintf("%q, ", name)
		text += fmt.Sprintf("[component.%s]\nkind = \"oneshot\"\ncommand = [\"sh\", \"-c\", %q]\nsuccess_exit_codes = [0, 7]\nrecovery = { attempts = 0, then = \"stop\" }\n", name, act)
	}
	for code := range 256 {
		add(fmt.Sprintf("code%d", code), fmt.Sprintf("exit %d", code))
	}
	for _, n := range deadly() {
		add(fmt.Sprintf("signal%d", n), fmt.Sprintf("kill -%d $$; sleep 1000", n))
	}
	return text + "[target.all]\nwants = [" + names + "]\n"
}

// deadly are the signals that end a process that does not care.
func deadly() (list []int) {
	for n := 1; n <= 64; n++ {
		switch unix.Signal(n) {
		case unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, 32, 33:
		default:
			list = append(list, n)
		}
	}
	return list
}

func everyEnd(w *world) {
	w.activate("all")
	for code := range 256 {
		c := w.component(fmt.Sprintf("code%d", code))
		want := "failed"
		if code == 0 || code == 7 {
			want = "ready"
		}
		if c.State != want || c.Exit == nil || c.Exit.Code == nil || *c.Exit.Code != code {
			w.Errorf("exit %d is %+v", code, c)
		}
	}
	for _, n := range deadly() {
		c := w.component(fmt.Sprintf("signal%d", n))
		name := strings.TrimPrefix(unix.SignalName(unix.Signal(n)), "SIG")
		if n >= 34 { // a real-time signal has no name
			name = strconv.Itoa(n)
		}
		if c.State != "failed" || c.Exit == nil || c.Exit.Signal != name {
			w.Errorf("signal %d (%s) is %+v %+v", n, name, c, c.Exit)
		}
	}
}

func stoppedMain(w *world) {
	w.reach("all")
	c := w.component("a")
	w.kill(c.PID, unix.SIGSTOP)
	w.await("a process that is stopped", func() bool { p, _ := oracle.Look(w.Proc, c.PID); return p.State == 'T' })
	if now := w.component("a"); now.State != "ready" || now.PID != c.PID {
		w.Errorf("a is %+v", now)
	}
	begin := time.Now()
	w.stop("a")
	if took := time.Since(begin); took > 8*time.Second { // stop_timeout is 10 s
		w.Errorf("the stop took %v", took)
	}
	w.is("a", "down", "stopped by hand")
}

func leaderless(w *world) {
	w.reach("all")
	pid := w.component("a").PID
	w.await("a first thread that has ended", func() bool { p, _ := oracle.Look(w.Proc, pid); return p.State == 'Z' })
	w.await("a first sign of life", func() bool { return w.exists("alive") })
	w.must(os.Remove(w.path("alive")))
	w.await("a sign of life", func() bool { return w.read("alive") != "" })
	w.await("ready still", func() bool { c := w.component("a"); return c.State == "ready" && c.PID == pid })
	if n := w.count("a", "starting"); n != 1 {
		w.Errorf("a was started %d times", n)
	}
	w.stop("a")
}
