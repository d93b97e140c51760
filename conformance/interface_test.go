package conformance

import (
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/control"
)

// interfaces are scenarios about the control socket and the event stream.
func interfaces() []scenario {
	return []scenario{
		{id: "N125", story: "the files of the sockets are deleted, alone, with their directory, and under a mount: they are there again, and who is connected stays so", play: deletedSocket, mortal: true, lossy: true, config: `
[component.a]
command = ["prog", "notify", "READY=1", "pause"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "N126", story: "a reader of events comes back with the last number, also to the next manager: no gap; one who stays away too long is told of it", play: comesBack, mortal: true, lossy: true, loaded: true, alone: true, config: `
[component.a]
command = ["sh", "-c", "exit 1"]
recovery = { delay = "20ms", max_delay = "20ms", then = "retry" } # so fast that who follows the events on a busy machine loses none
` + fastest(8)},
		{id: "N127", story: "waiting for what is so already, for what never comes, and for one that is removed meanwhile", play: waiting, config: `
[component.a]
command = ["sleep", "1000"]
[component.never]
command = ["sleep", "1000"]
ready = { fd = 3 }
start_timeout = "1m"
[target.all]
depends_on = ["a"]
wants = ["never"]
`},
		{id: "N128", story: "a start by hand answers when the component is ready, and fails when it fails, with the reason", play: honestStart, config: `
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; echo >&3; exec sleep 1000"]
ready = { fd = 3 }
start_timeout = "1m"
[component.b]
command = ["sh", "-c", "exit 3"]
ready = { fd = 3 }
recovery = { attempts = 1, delay = "10ms", then = "stop" }
[component.c]
command = ["sleep", "1000"]
ready = { fd = 3 }
start_timeout = "200ms"
recovery = { attempts = 0, then = "stop" }
[component.d]
command = ["sleep", "1000"]
depends_on = ["b"]
[target.all]
`},
	}
}

// reachable says whether somebody answers at the control socket's place.
func (w *world) reachable() bool {
	c, err := control.Dial(w.socket)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func deletedSocket(w *world) {
	w.reach("all")
	before := w.component("a")
	for what, args := range map[string][]string{"alone": {"rm", w.socket}, "replaced": {"sh", "-c", "rm " + w.socket + "; touch " + w.socket}, "with its directory": {"sh", "-c", "mv $0 $0.old; rm -r $0.old", w.path("run")}} {
		w.inside(args...)
		if !launch.Soon(w.reachable) {
			w.Fatalf("deleted %s, the socket is not there again", what)
		}
		if c := w.component("a"); c.PID != before.PID { // by the old connection
			w.Errorf("a was %+v and is %+v", before, c)
		}
	}
	if r := w.restart("a"); r.Result != "done" { // with a notify socket that is there again
		w.Errorf("restart: %+v", r)
	}
	w.anotherManager() // the next one has the new socket
	w.must(os.Remove(w.socket))
	w.await("a socket of the next manager", w.reachable)
	if w.Place == first {
		w.inside("mount", "-t", "tmpfs", "none", w.path("run"))
		w.await("a socket on another file system", func() bool { return w.inside("sh", "-c", "test -S "+w.socket+" && echo yes; true") == "yes\n" })
		w.inside("umount", "-l", w.path("run"))
		w.await("a socket on the one before", w.reachable)
	}
	w.is("a", "ready", "")
}

// fastest are components that fail as often as a second has room for.
func fastest(n int) string {
	text := ""
	for i := range n {
		text += strings.ReplaceAll("[component.fX]\ncommand = [\"/there/is/no/such/program\"]\nrecovery = { delay = \"20ms\", max_delay = \"20ms\", then = \"retry\" }\n", "X", string(rune('0'+i)))
	}
	names := ""
	for i := range n {
		names += `, "f` + string(rune('0'+i)) + `"`
	}
	return text + "[target.all]\nwants = [\"a\"]\n[target.flood]\nwants = [\"a\"" + names + "]\n"
}

// eventsAfter reads the events behind a number, at most n.
func (w *world) eventsAfter(after uint64, n int) (list []control.Event) {
	c, err := control.Dial(w.socket)
	if err != nil {
		return nil
	}
	defer c.Close()
	c.Stream("Events", control.EventsParam{After: after}, func(b json.RawMessage, last bool) error {
		var reply control.EventsReply
		err := json.Unmarshal(b, &reply)
		if err != nil || last || len(list) == n {
			return err
		}
		list = append(list, reply.Event)
		return nil
	})
	return list
}

func comesBack(w *world) {
	w.activate("all")
	last := uint64(0)
	for _, dies := range []bool{false, true, false} {
		if dies {
			w.anotherManager()
		}
		w.await("20 more events", func() bool { return len(w.eventsAfter(last, 20)) == 20 })
		for _, e := range w.eventsAfter(last, 20) {
			if e.Kind == "gap" || e.Seq != last+1 {
				w.Fatalf("behind %d came %+v", last, e)
			}
			last = e.Seq
		}
	}
	w.activate("flood")
	w.await("more events than are kept", func() bool {
		list := w.eventsAfter(last, 1)
		return len(list) == 1 && list[0].Kind == "gap"
	})
	if list := w.eventsAfter(last, 2); len(list) < 2 || list[0].Seq <= last || list[1].Kind == "gap" || !strings.Contains(list[0].Reason, "no longer there") {
		w.Errorf("the gap and what is behind it: %+v", list)
	}
}

func waiting(w *world) {
	go w.apart("all")
	w.eventually("a", "ready")
	w.eventually("never", "starting")
	for _, args := range [][]string{{"wait", "a"}, {"wait", "a", "--state", "ready", "--timeout", "1ms"}, {"wait", "never", "--state", "starting"}} {
		if out, code := w.orderly(args...); code != 0 {
			w.Errorf("%v ended with %d: %s", args, code, out)
		}
	}
	begin := time.Now()
	if out, code := w.orderly("wait", "a", "never", "--timeout", "300ms"); code != 1 || !strings.Contains(out, "not ready within 300ms: never") || time.Since(begin) < 300*time.Millisecond {
		w.Errorf("after %v it ended with %d: %s", time.Since(begin), code, out)
	}
	if out, code := w.orderly("wait", "nobody"); code != 1 || !strings.Contains(out, "nobody") {
		w.Errorf("waiting for nobody ended with %d: %s", code, out)
	}
	type answer struct {
		text string
		code int
	}
	done, before := make(chan answer, 1), w.clients()
	w.await("the end of those before", func() bool { // who has been answered may not have been hung up yet
		had := before
		time.Sleep(50 * time.Millisecond)
		before = w.clients()
		return before == had
	})
	go func() { text, code := w.orderly("wait", "never", "a"); done <- answer{text, code} }()
	w.await("somebody who waits", func() bool { return w.clients() > before })
	w.write("conf/o.toml", w.text("[component.a]\ncommand = [\"sleep\", \"1000\"]\n[target.all]\ndepends_on = [\"a\"]\n"))
	if out, code := w.orderly("apply"); code != 0 {
		w.Fatalf("apply ended with %d: %s", code, out)
	}
	select {
	case a := <-done:
		if a.code != 1 || !strings.Contains(a.text, "never") {
			w.Errorf("waiting for one that was removed ended with %d: %s", a.code, a.text)
		}
	case <-time.After(patience):
		w.Error("somebody waits for one that was removed")
	}
}

// clients is how many sockets the manager has: one for each connection, and some others.
func (w *world) clients() (n int) {
	for _, to := range w.seen().Links(w.Manager()) {
		if strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func honestStart(w *world) {
	w.reach("all")
	done := make(chan int, 1)
	go func() { _, code := w.orderly("start", "a"); done <- code }()
	w.eventually("a", "starting")
	select {
	case code := <-done:
		w.Errorf("a is not ready, and the start ended with %d", code)
	case <-time.After(100 * time.Millisecond): // that nothing comes can only be waited for
	}
	w.write("go", "")
	if code := <-done; code != 0 || w.component("a").State != "ready" {
		w.Errorf("the start of a ended with %d, and it is %+v", code, w.component("a"))
	}
	for _, s := range []struct{ name, why string }{{"b", "b: exit 3 before ready"}, {"c", "c: ready: not ready within 200ms"}, {"d", "d: waiting: waits for b (failed: exit 3 before ready)"}} {
		if out, code := w.orderly("start", s.name); code != 1 || !strings.Contains(out, s.why) {
			w.Errorf("the start of %s ended with %d: %s", s.name, code, out)
		}
	}
	w.must(os.Remove(w.path("go")))
}
