package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// stopping are scenarios about ends that are asked for.
func stopping() []scenario {
	return []scenario{
		{id: "B11", story: "one that ignores its stop signal is killed at stop_timeout, not before and not long after, and that is said", play: deaf, config: `
[component.a]
command = ["prog", "ignore", "TERM", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
stop_timeout = "300ms"
[target.all]
depends_on = ["a"]
`},
		{id: "B12", story: "processes that left the session, lost their parents and ignore signals are gone when the component is down", play: escaped, config: `
[component.a]
command = ["sh", "-c", "trap '' TERM; for i in 1 2 3; do setsid sh -c \"trap '' TERM; setsid sh -c 'sleep 1000 & echo \\$! >> $DIR/escaped; sleep 1000' &\" & done; exec sleep 1000"]
stop_timeout = "200ms"
[target.all]
depends_on = ["a"]
`},
		{id: "B13", story: "a stop command that hangs is bounded by stop_timeout, and goes with all that it started", play: hangingCommand, config: `
[component.a]
command = ["sleep", "1000"]
stop_command = ["sh", "-c", "trap '' TERM; sleep 1000 & echo $! > $DIR/child; wait"]
stop_timeout = "3s"
[target.all]
depends_on = ["a"]
`},
		{id: "B14", story: "a stop command that fails is told of, and the stop goes on with the signal", play: failingCommand, config: `
[component.a]
command = ["sleep", "1000"]
stop_command = ["sh", "-c", "exit 3"]
[target.all]
depends_on = ["a"]
`},
		{id: "B15", story: "stopped while it starts: it ends at once, and whoever waits for it waits on", play: stopStarting, config: `
[component.a]
command = ["sleep", "1000"]
ready = { fd = 3 }
start_timeout = "1m"
[component.b]
command = ["sleep", "1000"]
depends_on = ["a"]
[target.all]
depends_on = ["a", "b"]
`},
		{id: "B16", story: "stopped while it waits for a dependency: it never runs", play: stopWaiting, config: `
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; echo >&3; exec sleep 1000"]
ready = { fd = 3 }
start_timeout = "1m"
[component.b]
command = ["sleep", "1000"]
depends_on = ["a"]
[target.all]
depends_on = ["a"]
wants = ["b"]
`},
		{id: "B17", story: "stopped while its restart is due: the restart is off", play: stopBackoff, config: `
[component.a]
command = ["sh", "-c", "exit 1"]
recovery = { delay = "500ms", backoff = 1.0, then = "retry" }
[target.all]
wants = ["a"]
`},
		{id: "B18", story: "started while it stops, again and again: one run after the other, never two", play: startStopping, config: `
[component.a]
command = ["sh", "-c", "trap 'sleep 0.05; exit 0' TERM; while :; do sleep 0.01; done"]
[target.all]
depends_on = ["a"]
`},
		{id: "B19", story: "a dependency is stopped: its dependents are gone before its own stop begins", play: stopDependency, config: `
[component.a]
command = ["sleep", "1000"]
[component.b]
command = ["sh", "-c", "trap 'sleep 0.1; exit 0' TERM; while :; do sleep 0.01; done"]
depends_on = ["a"]
[component.c]
command = ["sleep", "1000"]
depends_on = ["b"]
[target.all]
depends_on = ["a", "c"]
`},
		{id: "B20", story: "200 components that end at their signal are down at once: nobody waits for a time", play: stopMany, config: many(200) + wanting(200), loaded: true},
		{id: "B22", story: "another stop signal, and several with times between them: there is no list of them, a stop command sends them, and all of it is bounded by stop_timeout", play: otherSignals, config: `
[component.a]
command = ["sh", "-c", "trap 'echo INT >> $DIR/a; exit 5' INT; trap 'echo TERM >> $DIR/a' TERM; touch $DIR/a.armed; while :; do sleep 0.01; done"]
ready = { file = "$DIR/a.armed" }
stop_signal = "INT"
[component.b]
command = ["sh", "-c", "trap 'echo INT >> $DIR/b' INT; trap 'echo HUP >> $DIR/b' HUP; trap 'echo TERM >> $DIR/b; exit 6' TERM; touch $DIR/b.armed; while :; do sleep 0.01; done"]
ready = { file = "$DIR/b.armed" }
stop_command = ["sh", "-c", "for s in INT HUP TERM; do kill -$s $MAINPID; sleep 0.1; until grep -q $s $DIR/b; do sleep 0.01; done; done"]
[component.c]
command = ["sh", "-c", "trap '' INT HUP TERM; touch $DIR/c.armed; while :; do sleep 0.01; done"]
ready = { file = "$DIR/c.armed" }
stop_command = ["sh", "-c", "while :; do kill -INT $MAINPID; sleep 0.05; done"]
stop_timeout = "400ms"
[target.all]
depends_on = ["a", "b", "c"]
`},
		{id: "B23", story: "a reload without a way to is refused; a component that dies of its reload signal has failed", play: reloads, config: `
[component.a]
command = ["sleep", "1000"]
[component.b]
command = ["sleep", "1000"]
reload_signal = "HUP"
recovery = { attempts = 0, then = "stop" }
[target.all]
depends_on = ["a", "b"]
`},
	}
}

// wanting is a target of many.
func wanting(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprintf("c%d", i))
	}
	return "[target.all]\nwants = [" + strings.Join(names, ", ") + "]\n"
}

func deaf(w *world) {
	w.reach("all")
	w.stop("a")
	list := w.happened("a")
	if n := len(list); n < 3 || list[n-2].Reason != "not down within 300ms: killed" {
		w.Fatalf("the end was %+v", list)
	}
	asked, killed, down := list[len(list)-3].TimeMS, list[len(list)-2].TimeMS, list[len(list)-1].TimeMS
	last := float64(patience.Milliseconds()) // of a machine that stalls
	if took := killed - asked; took < 300 || took > last {
		w.Errorf("killed after %.1f ms", took)
	}
	if down-killed > last {
		w.Errorf("down %.1f ms after SIGKILL", down-killed)
	}
}

func escaped(w *world) {
	w.reach("all")
	w.await("three that escaped", func() bool { return len(strings.Fields(w.read("escaped"))) == 3 })
	w.stop("a")
	for _, word := range strings.Fields(w.read("escaped")) {
		pid, _ := strconv.Atoi(word)
		if p, ok := oracle.Look(w.Proc, pid); ok && p.Alive() {
			w.Errorf("a is down, and process %d lives", pid)
		}
	}
	w.is("a", "down", "stopped by hand")
}

func hangingCommand(w *world) {
	w.reach("all")
	begin := time.Now()
	w.stop("a")
	if took := time.Since(begin); took > 15*time.Second {
		w.Errorf("the stop took %v", took)
	}
	pid, _ := strconv.Atoi(w.read("child"))
	if p, ok := oracle.Look(w.Proc, pid); pid == 0 || ok && p.Alive() {
		w.Errorf("a is down, and what its stop command started lives: %d", pid)
	}
}

func failingCommand(w *world) {
	w.reach("all")
	begin := time.Now()
	w.stop("a")
	if took := time.Since(begin); took > 8*time.Second { // stop_timeout is 10 s
		w.Errorf("the stop took %v", took)
	}
	w.await("a word about the command", func() bool { return strings.Contains(w.read("log/orderly.log"), "command: exit 3") })
}

func stopStarting(w *world) {
	result := make(chan control.Result, 1)
	go func() { result <- w.apart("all") }()
	w.eventually("a", "starting")
	w.stop("a")
	w.is("a", "down", "stopped by hand")
	w.is("b", "waiting", "")
	if n := w.count("b", "starting"); n != 0 {
		w.Errorf("b was started %d times", n)
	}
	select {
	case <-result: // what waits for one that was stopped by hand holds nothing open
	case <-time.After(patience):
		w.Error("the activation does not end")
	}
}

// apart activates a target on a connection of its own.
func (w *world) apart(target string) control.Result {
	c, err := control.Dial(w.socket)
	if err != nil {
		return control.Result{Why: err.Error()}
	}
	defer c.Close()
	var reply control.ActivateReply
	if err := c.Call("Activate", control.ActivateParam{Target: target}, &reply); err != nil {
		return control.Result{Why: err.Error()}
	}
	return *reply.Result
}

func stopWaiting(w *world) {
	go w.apart("all")
	w.eventually("b", "waiting")
	w.stop("b")
	w.write("go", "")
	w.eventually("a", "ready")
	w.is("b", "down", "stopped by hand")
	if n := w.count("b", "starting"); n != 0 {
		w.Errorf("b was started %d times", n)
	}
}

func stopBackoff(w *world) {
	w.activate("all")
	w.eventually("a", "backoff")
	w.stop("a")
	runs := w.component("a").Run
	time.Sleep(700 * time.Millisecond) // longer than the delay: that nothing comes can only be waited for
	if c := w.component("a"); c.State != "down" || c.Run != runs {
		w.Errorf("a is %+v", c)
	}
}

func startStopping(w *world) {
	w.reach("all")
	for range 10 {
		var both sync.WaitGroup
		both.Go(func() { w.ask("Stop", control.NamesParam{Names: []string{"a"}}) })
		both.Go(func() { w.ask("Start", control.StartParam{Names: []string{"a"}}) })
		both.Wait()
	}
	if r := w.start("a"); r.Result != "done" {
		w.Errorf("the last start: %+v", r)
	}
	w.is("a", "ready", "")
}

// ask calls a method on a connection of its own; what it answers is for somebody else to judge.
func (w *world) ask(method string, in any) {
	if err := w.tell(method, in); err != nil {
		w.Error(err)
	}
}

// tell is ask for a goroutine that may outlive the test.
func (w *world) tell(method string, in any) error {
	c, err := control.Dial(w.socket)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(method, in, &control.ResultReply{})
}

func stopDependency(w *world) {
	w.reach("all")
	w.stop("a")
	w.order("c:stopping", "c:down", "b:stopping", "b:down", "a:stopping", "a:down")
	w.is("b", "waiting", "")
}

func stopMany(w *world) {
	w.reach("all")
	begin := time.Now()
	w.activate("idle")
	if took := time.Since(begin); took > 5*time.Second { // stop_timeout is 10 s
		w.Errorf("200 stops took %v", took)
	}
}

func reloads(w *world) {
	w.reach("all")
	before := w.component("a")
	if _, code := w.orderly("reload", "a"); code != 1 {
		w.Errorf("the reload of a ended with %d", code)
	}
	if now := w.component("a"); now.PID != before.PID {
		w.Errorf("a was %+v and is %+v", before, now)
	}
	w.orderly("reload", "b")
	w.eventually("b", "failed")
	w.is("b", "failed", "signal "+strings.TrimPrefix(unix.SignalName(unix.SIGHUP), "SIG"))
}

func otherSignals(w *world) {
	w.reach("all")
	w.stop("a", "b", "c")
	for name, want := range map[string]string{"a": "INT", "b": "INT\nHUP\nTERM"} {
		if got := w.read(name); got != want {
			w.Errorf("%s got %q, want %q", name, got, want)
		}
	}
	for name, code := range map[string]int{"a": 5, "b": 6} {
		if c := w.component(name); c.Exit == nil || c.Exit.Code == nil || *c.Exit.Code != code {
			w.Errorf("%s is %+v", name, c)
		}
	}
	if c := w.component("c"); c.Exit == nil || c.Exit.Signal != "KILL" {
		w.Errorf("c is %+v", c)
	}
}
