package conformance

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/control"
)

func (w *world) call(method string, in, out any) {
	w.Helper()
	if err := w.client.Call(method, in, out); err != nil {
		w.Fatalf("%s: %v", method, err)
	}
}

func (w *world) activate(target string) control.Result {
	w.Helper()
	var reply control.ActivateReply
	w.call("Activate", control.ActivateParam{Target: target}, &reply)
	return *reply.Result
}

// reach activates a target, and all must be well.
func (w *world) reach(target string) {
	w.Helper()
	if r := w.activate(target); r.Result != "done" || len(r.Degraded) > 0 {
		w.Fatalf("activate %s: %+v", target, r)
	}
}

func (w *world) start(names ...string) control.Result {
	w.Helper()
	var reply control.ResultReply
	w.call("Start", control.StartParam{Names: names}, &reply)
	return reply.Result
}

func (w *world) stop(names ...string) {
	w.Helper()
	var reply control.ResultReply
	w.call("Stop", control.NamesParam{Names: names}, &reply)
	if reply.Result.Result != "done" {
		w.Fatalf("stop %v: %+v", names, reply.Result)
	}
}

func (w *world) restart(names ...string) control.Result {
	w.Helper()
	var reply control.ResultReply
	w.call("Restart", control.NamesParam{Names: names}, &reply)
	return reply.Result
}

func (w *world) status() control.Status {
	w.Helper()
	var reply control.StatusReply
	w.call("GetStatus", control.NameParam{}, &reply)
	return reply.Status
}

func (w *world) component(name string) control.Component {
	w.Helper()
	var reply control.StatusReply
	w.call("GetStatus", control.NameParam{Name: name}, &reply)
	return reply.Status.Components[0]
}

func (w *world) show(name string) control.Detail {
	w.Helper()
	var reply control.ShowReply
	w.call("Show", control.NameParam{Name: name}, &reply)
	return reply.Detail
}

// eventually waits until a component is in a state.
func (w *world) eventually(name, state string) control.Component {
	w.Helper()
	var c control.Component
	if !launch.Soon(func() bool { c = w.component(name); return c.State == state }) {
		w.Fatalf("%s is %s (%s), not %s", name, c.State, c.Reason, state)
	}
	return c
}

// is checks the state and what is in the reason of a component.
func (w *world) is(name, state, reason string) {
	w.Helper()
	if c := w.component(name); c.State != state || !strings.Contains(c.Reason, reason) {
		w.Errorf("%s is %s (%s), want %s (%s)", name, c.State, c.Reason, state, reason)
	}
}

// happened are the events of a component so far, each as "FROM>TO" and the reason behind.
func (w *world) happened(name string) []control.Event {
	w.caughtUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []control.Event
	for _, e := range w.events {
		if e.Component == name {
			list = append(list, e)
		}
	}
	return list
}

// told are all events as lines.
func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, e := range w.events {
		lines = append(lines, fmt.Sprintf("%d %.3f %s%s %d: %s -> %s (%s)", e.Seq, e.TimeMS, e.Component, e.Target, e.Run, e.From, e.To, e.Reason))
	}
	return lines
}

// count is how many events of a component lead to a state from another one.
func (w *world) count(name, to string) (n int) {
	for _, e := range w.happened(name) {
		if e.To == to && e.From != to {
			n++
		}
	}
	return n
}

// order checks that the events NAME:STATE came in this order.
func (w *world) order(want ...string) {
	w.Helper()
	w.caughtUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		list = append(list, e.Component+":"+e.To)
	}
	w.ordered(list, want...)
}

// ordered checks that some come in this order in a list.
func (w *world) ordered(list []string, want ...string) {
	w.Helper()
	i := 0
	for _, e := range list {
		if i < len(want) && e == want[i] {
			i++
		}
	}
	if i < len(want) {
		w.Errorf("%s did not come behind %v", want[i], want[:i])
	}
}

var change = regexp.MustCompile(`\b([a-z]+[0-9]+): (starting|ready|done)\b`)

// ownLog is Orderly's own log, with what has been rotated.
func (w *world) ownLog() string {
	return w.read("log/orderly.log.1") + "\n" + w.read("log/orderly.log")
}

// begun are the beginnings of numbered components as the log has them, as NAME:STATE: it has all, also where the stream of events has gaps.
func (w *world) begun() (list []string) {
	for _, m := range change.FindAllStringSubmatch(w.ownLog(), -1) {
		list = append(list, m[1]+":"+m[2])
	}
	return list
}

func namesOf(names ...string) control.StartParam { return control.StartParam{Names: names} }
