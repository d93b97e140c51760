package conformance

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// endings are scenarios about a machine that is told to end while something else goes on.
func endings() []scenario {
	return []scenario{
		{id: "H74", story: "a reboot asked for in the middle of a boot and of a switch takes over within 100 ms, eight times, at a second try at the latest: what starts is stopped, and what waits is not started; one of eight may take longer", play: takenOver,
			root: true, places: []place{foreground}, alone: true},
		{id: "H74c", story: "the manager dies in a reboot that somebody asked for: another end is refused still, and the next boot finds that it was asked for", play: askedAndKilled,
			root: true, places: []place{foreground}, alone: true},
		{id: "H74d", story: "the manager dies in a reboot by recovery: the next boot finds that nobody asked for it, and why it came", play: unaskedAndKilled,
			root: true, places: []place{foreground}, alone: true},
		{id: "H74e", story: "a reboot at once, while one by recovery goes on, is one that somebody asked for", play: forced,
			root: true, places: []place{foreground}, alone: true},
	}
}

// takeover is how soon a request to end must have stopped what is not needed by anything that runs.
const takeover = 100 * time.Millisecond

// stairs are 20 components, each started 10 ms after the one before it was, and one in the middle that is never ready; "boot" is all of
// them, and "short" the first.
func stairs() string {
	var text strings.Builder
	text.WriteString("initial_target = \"INITIAL\"\n")
	for i := range 20 {
		fmt.Fprintf(&text, "[component.c%d]\nready = { fd = 3 }\nstart_timeout = \"1m\"\n", i)
		ready := "sleep 0.01; echo >&3; exec sleep 1000"
		if i == 10 {
			ready = "touch $DIR/middle; exec sleep 1000"
		}
		fmt.Fprintf(&text, "command = [\"sh\", \"-c\", %q]\n", ready)
		if i > 0 {
			fmt.Fprintf(&text, "depends_on = [\"c%d\"]\n", i-1)
		}
	}
	text.WriteString("[target.boot]\ndepends_on = [\"c19\"]\n[target.short]\ndepends_on = [\"c0\"]\n")
	return text.String()
}

func takenOver(w *world) {
	late := 0
	for n := range 8 {
		initial := []string{"boot", "short"}[n%2]
		took := time.Hour
		for i := 0; i < 2 && took > takeover; i++ {
			took = min(took, w.endsInTheMiddle(strings.Replace(stairs(), "INITIAL", initial, 1), initial == "short"))
		}
		if w.Logf("%s: %v", initial, took); took > takeover {
			late++
		}
	}
	if late > 1 {
		w.Errorf("%d of 8 reboots took over after more than %v", late, takeover)
	}
}

// endsInTheMiddle boots a container, asks for a reboot while the stairs are climbed, and returns how long it took until all that had no
// reason to wait was stopping.
func (w *world) endsInTheMiddle(config string, switches bool) time.Duration {
	w.Helper()
	c := w.contained(config)
	first := w.firstOf(c)
	client, follower := w.dialed(first), w.dialed(first)
	defer client.Close()
	defer follower.Close()
	told := make(chan []control.Event)
	go func() { told <- allEvents(follower) }()
	if switches {
		w.must(client.Call("Wait", control.WaitParam{Names: []string{"short"}, TimeoutMS: 1e4}, &control.WaitReply{}))
		w.must(client.Call("Activate", control.ActivateParam{Target: "boot", NoWait: true}, &control.ActivateReply{}))
	}
	w.await("the middle", func() bool { return w.exists("middle") })
	var asked unix.Timespec
	w.must(unix.ClockGettime(unix.CLOCK_MONOTONIC, &asked))
	late := time.AfterFunc(2*patience, func() { c.Process.Kill() }) // what is waited for here comes of its end
	defer late.Stop()
	w.must(client.Call("End", control.EndParam{How: "reboot"}, &control.Empty{}))
	var stopping, started []string
	var took time.Duration
	for _, e := range <-told {
		after := time.Duration(e.TimeMS*1e6) - time.Duration(asked.Nano())
		switch {
		case after < 0 || e.Kind != "component":
		case e.To == "starting":
			started = append(started, e.Component)
		case e.To == "stopping":
			if stopping = append(stopping, e.Component); len(stopping) == 1 {
				took = after
			}
		}
	}
	w.reboots(c)
	if want := "[c10 c9 c8 c7 c6 c5 c4 c3 c2 c1 c0]"; fmt.Sprint(stopping) != want || len(started) > 0 {
		w.Errorf("it stopped %v and started %v", stopping, started)
	}
	w.must(unix.Unlink(w.path("middle")))
	return took
}

// reboots waits for the end of a container.
func (w *world) reboots(c *exec.Cmd) {
	w.Helper()
	exitOf(w, c)
	if how := c.ProcessState.Sys().(syscall.WaitStatus); how.Signal() != unix.SIGHUP { // what reboot(2) makes of it in a PID namespace
		w.Errorf("it ended with %#x: %s", int(how), w.read("contained"))
	}
}

func askedAndKilled(w *world) {
	w.killedInTheEnd("sleep 1000", func(client *control.Client) {
		w.must(client.Call("End", control.EndParam{How: "reboot"}, &control.Empty{}))
	})
	w.recorded("ended reboot", false)
}

func unaskedAndKilled(w *world) {
	w.killedInTheEnd(untilGo, func(*control.Client) { w.write("go", "") })
	w.recorded("ended reboot: b: ", true)
}

func forced(w *world) {
	c, first := w.slowEnd(untilGo, func(*control.Client) { w.write("go", "") })
	client := w.dialed(first)
	defer client.Close()
	client.Call("End", control.EndParam{How: "reboot", Now: true}, &control.Empty{})
	w.reboots(c)
	w.recorded("ended reboot", false)
}

// killedInTheEnd kills the manager while a component takes its time in a reboot.
func (w *world) killedInTheEnd(b string, begin func(*control.Client)) {
	w.Helper()
	c, first := w.slowEnd(b, begin)
	dead := oracle.Manager("/proc", first)
	w.must(unix.Kill(dead, unix.SIGKILL))
	w.await("the next manager", func() bool { m := oracle.Manager("/proc", first); return m != 0 && m != dead })
	next := w.dialed(first)
	defer next.Close()
	err := next.Call("End", control.EndParam{How: "poweroff"}, &control.Empty{})
	if err == nil || !strings.Contains(err.Error(), "reboot is under way") {
		w.Errorf("poweroff: %v", err)
	}
	w.write("end", "")
	w.reboots(c)
}

// recorded is what the next boot finds: how the machine ended, and that it counts as a reboot that nobody asked for.
func (w *world) recorded(end string, counts bool) {
	w.Helper()
	if got := w.read("state/last-end"); counts && !strings.HasPrefix(got, end) || !counts && got != end || w.exists("state/reboots") != counts {
		w.Errorf("the record: %q, counted %t", got, w.exists("state/reboots"))
	}
}

// untilGo is a component that fails when the file "go" is there.
const untilGo = "until test -e $DIR/go; do sleep 0.01; done; exit 3"

// slowEnd boots a container and begins its reboot, in which a component takes its time.
func (w *world) slowEnd(b string, begin func(*control.Client)) (c *exec.Cmd, first int) {
	w.Helper()
	w.write("state/last-end", "running before")
	c = w.contained(fmt.Sprintf(`initial_target = "all"
state_directory = "$DIR/state"
[component.a]
stop_timeout = "1m"
command = ["sh", "-c", "trap 'touch $DIR/asked' TERM; echo >&3; until test -e $DIR/end; do sleep 0.01; done"]
ready = { fd = 3 }
[component.b]
command = ["sh", "-c", %q]
recovery = { attempts = 0, then = "reboot" }
[target.all]
depends_on = ["a", "b"]
`, b))
	first = w.firstOf(c)
	client := w.dialed(first)
	defer client.Close()
	w.must(client.Call("Wait", control.WaitParam{Names: []string{"all"}, TimeoutMS: 1e4}, &control.WaitReply{}))
	begin(client)
	w.await("the stop signal", func() bool { return w.exists("asked") })
	return c, first
}

// allEvents are the events until nobody sends any more.
func allEvents(c *control.Client) (list []control.Event) {
	c.Stream("Events", control.EventsParam{Follow: true}, func(b json.RawMessage, _ bool) error {
		var reply control.EventsReply
		err := json.Unmarshal(b, &reply)
		list = append(list, reply.Event)
		return err
	})
	return list
}
