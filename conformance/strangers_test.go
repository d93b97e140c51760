package conformance

import (
	"net"
	"os"
	"strings"
	"time"
)

// strangers are scenarios about who may say that a component is ready, for how long it may ask, and what comes after.
func strangers() []scenario {
	return []scenario{
		{id: "I81", story: "messages of strangers are not taken: another component of the same user, somebody outside, another user", play: strangeMessages, root: true, config: `
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; exec prog notify READY=1 pause"]
ready = { when = "notified" }
start_timeout = "1m"
[component.b]
command = ["sh", "-c", "NOTIFY_SOCKET=$DIR/run/notify/a exec prog notify READY=1 notify STATUS=lie notify X_ORDERLY_STATE=degraded notify WATCHDOG=trigger touch $DIR/lied pause"]
[component.c]
command = ["sh", "-c", "NOTIFY_SOCKET=$DIR/run/notify/a exec prog notify READY=1 pause"]
user = "54321"
group = "54322"
ready = { fd = 3 }
recovery = { attempts = 0, then = "stop" }
[target.all]
depends_on = ["a"]
`},
		{id: "I85", story: "a socket file of an earlier run does not make ready", play: staleSocket, config: `
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; exec prog listen unix:$DIR/s pause"]
ready = { socket = "unix:$DIR/s" }
start_timeout = "1m"
[target.all]
depends_on = ["a"]
`},
		{id: "I87", story: "more time is asked for, for a start and for a stop: granted, and a shorter one takes nothing away", play: moreTime, config: `
[component.a]
command = ["sh", "-c", "prog notify EXTEND_TIMEOUT_USEC=60000000; touch $DIR/asked; until test -e $DIR/go; do sleep 0.01; done; trap 'prog notify EXTEND_TIMEOUT_USEC=60000000; touch $DIR/ending; until test -e $DIR/stop; do sleep 0.01; done; exit 7' TERM; prog notify READY=1; while :; do sleep 0.01; done"]
ready = { when = "notified" }
start_timeout = "8s"
stop_timeout = "8s"
[component.b]
command = ["sh", "-c", "prog notify EXTEND_TIMEOUT_USEC=1; touch $DIR/short; sleep 0.3; exec prog notify READY=1 pause"]
ready = { when = "notified" }
start_timeout = "30s"
[component.c]
command = ["sh", "-c", "prog notify EXTEND_TIMEOUT_USEC=12000000; exec sleep 1000"]
ready = { when = "notified" }
start_timeout = "8s"
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a", "b", "c"]
`},
		{id: "I89", story: "one that is ready takes that back, as far as it can: it stays ready, what it says of its health is shown, and dependents go by their rule only when its run has failed", play: illHealth, config: `
[component.a]
command = ["sh", "-c", "touch $DIR/ready; prog notify 'READY=1\nX_ORDERLY_CONDITION=good'; until test -e $DIR/ill; do sleep 0.01; done; rm $DIR/ready; prog notify 'READY=0\nX_ORDERLY_STATE=degraded\nX_ORDERLY_CONDITION=!good'; until test -e $DIR/worse; do sleep 0.01; done; prog notify WATCHDOG=trigger; exec sleep 1000"]
ready = { file = "$DIR/ready" }
notify = true
stop_timeout = "0s"
recovery = { delay = "10ms", then = "retry" }
[component.left]
command = ["sleep", "1000"]
depends_on = ["a"]
[component.again]
command = ["sleep", "1000"]
depends_on = ["a"]
on_dependency_failure = "restart"
[component.stopped]
command = ["sleep", "1000"]
depends_on = ["a"]
on_dependency_failure = "stop"
[target.all]
depends_on = ["left", "again", "stopped"]
`},
	}
}

func strangeMessages(w *world) {
	if w.cgroup == "" {
		w.Skip("needs cgroups: without them everybody of the user counts as the component")
	}
	go w.apart("all")
	w.eventually("a", "starting")
	w.start("b")
	w.await("the lies of b", func() bool { return w.exists("lied") })
	w.start("c")
	w.is("c", "failed", "exit 99")
	w.inside("sh", "-c", "NOTIFY_SOCKET="+w.path("run/notify/a")+" "+programs+"/prog notify READY=1 sleep 300ms")
	w.await("a word about it", func() bool {
		return strings.Contains(w.read("log/orderly.log"), "a: notify: a message of process ") && strings.Contains(w.read("log/orderly.log"), "which is not of this component, was ignored")
	})
	if c := w.component("a"); c.State != "starting" || c.StatusText != "" || c.Health != "ok" {
		w.Errorf("a is %+v", c)
	}
	w.write("go", "")
	w.eventually("a", "ready")
	if n := w.count("a", "starting"); n != 1 {
		w.Errorf("a was started %d times", n)
	}
}

func staleSocket(w *world) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: w.path("s")})
	w.must(err)
	l.SetUnlinkOnClose(false)
	w.must(l.Close())
	for range 2 { // the second time the socket is that of the component's own earlier run
		go w.apart("all")
		w.eventually("a", "starting")
		time.Sleep(200 * time.Millisecond) // that nothing comes can only be waited for
		w.is("a", "starting", "")
		w.write("go", "")
		w.eventually("a", "ready")
		w.must(os.Remove(w.path("go")))
		w.activate("idle")
		if !w.exists("s") {
			w.Fatal("the socket's file is gone")
		}
	}
	w.must(os.Remove(w.path("s")))
}

func moreTime(w *world) {
	go w.apart("all")
	w.await("a and b asked", func() bool { return w.exists("asked") && w.exists("short") })
	w.eventually("c", "failed")
	list := w.happened("c")
	if took := list[1].TimeMS - list[0].TimeMS; took < 11900 || !strings.Contains(list[1].Reason, "not ready within") {
		w.Errorf("c was given up after %.0f ms: %s", took, list[1].Reason)
	}
	w.eventually("b", "ready")
	w.is("a", "starting", "") // c alone took longer than the time that a has
	w.write("go", "")
	w.eventually("a", "ready")
	go w.tell("Stop", namesOf("a"))
	w.await("a asked again", func() bool { return w.exists("ending") })
	time.Sleep(9 * time.Second) // longer than its stop_timeout
	w.is("a", "stopping", "")
	w.write("stop", "")
	if c := w.eventually("a", "down"); c.Exit == nil || c.Exit.Code == nil || *c.Exit.Code != 7 {
		w.Errorf("a is %+v", c)
	}
}

func illHealth(w *world) {
	w.reach("all")
	before := map[string]int{}
	for _, name := range []string{"left", "again", "stopped"} {
		before[name] = w.component(name).PID
	}
	w.write("ill", "")
	w.await("its word", func() bool { return w.component("a").Health == "degraded" })
	if c := w.component("a"); c.State != "ready" || c.Run != 1 {
		w.Errorf("a is %+v", c)
	}
	for name, pid := range before {
		if c := w.component(name); c.PID != pid || c.State != "ready" {
			w.Errorf("a is ill, and %s is %+v", name, c)
		}
	}
	w.must(os.Remove(w.path("ill")))
	w.write("worse", "")
	w.await("another run of a", func() bool { c := w.component("a"); return c.Run == 2 && c.State == "ready" })
	w.must(os.Remove(w.path("worse")))
	w.await("another run of again", func() bool { c := w.component("again"); return c.Run == 2 && c.State == "ready" })
	w.eventually("stopped", "waiting")
	w.is("stopped", "waiting", "stays down")
	if c := w.component("left"); c.PID != before["left"] || c.State != "ready" {
		w.Errorf("left is %+v", c)
	}
	if c := w.component("a"); c.Health != "ok" {
		w.Errorf("a is well again, and %+v", c)
	}
}
