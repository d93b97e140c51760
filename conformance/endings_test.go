package conformance

import (
	"encoding/json"
	"fmt"
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
	var pids []int
	w.await("the first process", func() bool { pids = oracle.Children("/proc", c.Process.Pid); return len(pids) == 1 })
	socket := fmt.Sprintf("/proc/%d/root/run/orderly/control.sock", pids[0])
	var client *control.Client
	w.await("its control socket", func() bool {
		var err error
		client, err = control.Dial(socket)
		return err == nil
	})
	defer client.Close()
	follower, err := control.Dial(socket)
	w.must(err)
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
	exitOf(w, c)
	if how := c.ProcessState.Sys().(syscall.WaitStatus); how.Signal() != unix.SIGHUP { // what reboot(2) makes of it in a PID namespace
		w.Errorf("it ended with %#x: %s", int(how), w.read("contained"))
	}
	if want := "[c10 c9 c8 c7 c6 c5 c4 c3 c2 c1 c0]"; fmt.Sprint(stopping) != want || len(started) > 0 {
		w.Errorf("it stopped %v and started %v", stopping, started)
	}
	w.must(unix.Unlink(w.path("middle")))
	return took
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
