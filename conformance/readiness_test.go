package conformance

import (
	"strings"
	"time"

	"github.com/orderly-init/orderly/control"
)

// readiness are scenarios about what makes ready.
func readiness() []scenario {
	return []scenario{
		{id: "I78", story: "a descriptor that is closed without a newline fails the start; a newline, two, one of a grandchild and one behind a megabyte make ready, once; what is written after that ends and stops nobody", play: descriptors, config: `
[component.closed]
command = ["sh", "-c", "exec 3>&-; exec sleep 1000"]
ready = { fd = 3 }
recovery = { attempts = 0, then = "stop" }
[component.half]
command = ["sh", "-c", "printf half >&3; exec 3>&-; exec sleep 1000"]
ready = { fd = 3 }
recovery = { attempts = 0, then = "stop" }
[component.twice]
command = ["sh", "-c", "echo >&3; echo >&3; until test -e $DIR/ready; do sleep 0.01; done; head -c 100000 /dev/zero >&3; touch $DIR/after; exec sleep 1000"]
ready = { fd = 3 }
[component.child]
command = ["sh", "-c", "(sh -c 'echo >&3') & exec sleep 1000"]
ready = { fd = 3 }
[component.big]
command = ["sh", "-c", "head -c 1048576 /dev/zero >&3; echo >&3; exec sleep 1000"]
ready = { fd = 3 }
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["closed", "half", "twice", "child", "big"]
`},
		{id: "I79", story: "one that says it is ready in its first act and ends at once: it was ready, and then ended", play: briefReady, config: `
[component.a]
command = ["prog", "notify", "READY=1", "exit", "3"]
ready = { when = "notified" }
recovery = { attempts = 0, then = "stop" }
[component.b]
command = ["sh", "-c", "echo >&3; exit 3"]
ready = { fd = 3 }
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a", "b"]
`},
		{id: "I80", story: "ready in the first instruction, 50 times: never lost", play: firstWord, config: `
[component.a]
command = ["prog", "notify", "READY=1", "pause"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "I82", story: "messages that are no messages: unknown keys, nothing, bytes, more than fits, a main process that is not its own", play: nonsense, config: `
[component.a]
command = ["prog", "notify", "NONSENSE=1", "notify", "=", "notify", "MAINPID=1", "notify", "MAINPID=x", "notify", "EXTEND_TIMEOUT_USEC=-1", "notify", "READY=0", "notify", "WATCHDOG=1", "notify", "STATUS=\u0001\u0007\u00ff", "touch", "$DIR/said", "sleep", "300ms", "notify", "READY=1", "pause"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "I82b", story: "messages with nothing, with 64 KiB, and with as many descriptors as one can have: these are closed, the rest is heard", play: parcels, config: `
[component.a]
command = ["victim", "parcels"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "I84", story: "a file of an earlier run does not make ready", play: staleFile, config: ownFile, files: map[string]string{"ready": ""}},
		{id: "I84b", story: "the manager is killed while a file of an earlier run is there: it does not make ready", play: staleFileOfTheDead, mortal: true, config: ownFile, files: map[string]string{"ready": ""}},
		{id: "I86", story: "ready at the very end of the time that it has, again and again: ready or failed, and never both", play: lastMoment, config: `
[component.a]
command = ["sh", "-c", "sleep 0.1; echo >&3; exec sleep 1000"]
ready = { fd = 3 }
start_timeout = "105ms"
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "I88", story: "a probe that hangs, ignores its signal, starts others and prints a megabyte is killed with all of them, and the next one waits for that", play: hangingProbe, config: `
[component.a]
command = ["sleep", "1000"]
ready = { command = ["sh", "-c", "trap '' TERM; echo x >> $DIR/probes; test -e $DIR/good && exit 0; head -c 1048576 /dev/zero; setsid sleep 1000 & sleep 1000"], probe_timeout = "100ms" }
start_timeout = "1m"
[target.all]
depends_on = ["a"]
`},
	}
}

func descriptors(w *world) {
	w.activate("all")
	for _, name := range []string{"closed", "half"} {
		w.eventually(name, "failed")
	}
	for _, name := range []string{"twice", "child", "big"} {
		w.eventually(name, "ready")
		if n := w.count(name, "ready"); n != 1 {
			w.Errorf("%s was ready %d times", name, n)
		}
	}
	w.write("ready", "")
	w.await("twice behind its third word", func() bool { return w.exists("after") })
	if c := w.component("twice"); c.Run != 1 || c.State != "ready" {
		w.Errorf("twice is %+v", c)
	}
}

func briefReady(w *world) {
	w.activate("all")
	for _, name := range []string{"a", "b"} {
		w.eventually(name, "failed")
		w.is(name, "failed", "exit 3")
		w.order(name+":starting", name+":ready", name+":failed")
	}
}

func firstWord(w *world) {
	w.reach("all")
	for range 50 {
		if r := w.restart("a"); r.Result != "done" {
			w.Fatalf("restart: %+v", r)
		}
	}
	if n := w.count("a", "ready"); n != 51 {
		w.Errorf("ready %d times", n)
	}
}

func nonsense(w *world) {
	w.reach("all")
	c := w.component("a")
	if c.State != "ready" || c.Run != 1 || c.PID <= 1 {
		w.Errorf("a is %+v", c)
	}
	w.stop("a")
}

// ownFile is ready when it has made a file itself.
const ownFile = `
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; touch $DIR/ready; exec sleep 1000"]
ready = { file = "$DIR/ready" }
start_timeout = "1m"
[target.all]
depends_on = ["a"]
`

func staleFile(w *world) {
	go w.apart("all")
	w.eventually("a", "starting")
	w.readyByItself()
}

// readyByItself looks that a file of an earlier run does not make ready, and that its own one does.
func (w *world) readyByItself() control.Component {
	w.Helper()
	time.Sleep(200 * time.Millisecond) // that nothing comes can only be waited for
	w.is("a", "starting", "")
	w.write("go", "")
	return w.eventually("a", "ready")
}

func staleFileOfTheDead(w *world) {
	go w.apart("all")
	w.eventually("a", "starting")
	w.await("its process", func() bool { return w.component("a").PID != 0 })
	w.anotherManager()
	if c := w.readyByItself(); c.Run != 1 {
		w.Errorf("run %d", c.Run)
	}
}

func lastMoment(w *world) {
	for range 12 {
		w.activate("all")
		w.activate("idle")
	}
	runs := map[uint32][]string{}
	for _, e := range w.happened("a") {
		if e.To == "ready" || e.To == "failed" || strings.HasPrefix(e.Reason, "not ready within") && e.To == "stopping" && e.From == "starting" {
			runs[e.Run] = append(runs[e.Run], e.To)
		}
	}
	for run, list := range runs {
		if strings.Contains(strings.Join(list, " "), "stopping ready") || strings.Contains(strings.Join(list, " "), "failed ready") {
			w.Errorf("run %d: %v", run, list)
		}
	}
	if len(runs) != 12 {
		w.Errorf("%d of 12 runs came to an outcome", len(runs))
	}
}

func hangingProbe(w *world) {
	go w.apart("all")
	w.await("three probes", func() bool { return len(strings.Fields(w.read("probes"))) >= 3 })
	sleepers := 0
	for _, p := range w.tree() {
		if p.Alive() && p.Component == "a" {
			sleepers++
		}
	}
	if sleepers > 8 { // the component, and one probe with what it started
		w.Errorf("%d processes of a", sleepers)
	}
	w.write("good", "")
	w.eventually("a", "ready")
}

func parcels(w *world) {
	before := len(w.seen().Links(w.Manager())) + len(w.seen().Links(w.Inside()))
	w.reach("all")
	if c := w.component("a"); c.Run != 1 || c.StatusText != "again" {
		w.Errorf("a: %+v", c)
	}
	w.await("the descriptors closed", func() bool { return len(w.seen().Links(w.Manager()))+len(w.seen().Links(w.Inside())) < before+50 })
}
