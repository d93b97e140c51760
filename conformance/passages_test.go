package conformance

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/control"
)

// passage is a kind of transition, in which the manager dies.
type passage struct {
	name   string
	config string              // "" is the gallery
	wrap   []string            // what the program is started by
	before func(w *world)      // brings the world to where it begins
	do     func(w *world) bool // begins it, and says whether it was answered that it is done
	begun  func(w *world) bool // whether it has: if so it goes on by itself, if not it is begun anew
	after  func(w *world)      // what is left to do; nil is nothing
	keeps  string              // components that must not notice
	twice  bool                // the next manager dies too
	fails  bool                // there is a manager that is none in it: that counts as one that died
	few    bool                // there are few calls, or a point costs much
	unsure string              // a mark that is not compared
	hasty  bool                // another transition follows at any moment: what was started before that is not compared
}

func passages() []passage {
	restarted := moves("stopping", "shared", "box")
	list := []passage{
		{name: "activate", before: at("idle"), do: command("activate", "A"), begun: turns("A")},
		{name: "switch", before: at("A"), do: command("activate", "B"), begun: turns("B"), keeps: "shared beating writer reader user"},
		{name: "leave", before: at("A"), do: command("activate", "idle"), begun: turns("idle")},
		{name: "stop", before: at("A"), do: command("stop", "noting", "gentle", "clock"), begun: moves("stopping", "noting", "gentle", "clock"), keeps: "shared beating writer reader user box failing"},
		{name: "start", before: func(w *world) {
			w.reach("A")
			w.stop("noting", "once", "user", "gentle")
		}, do: command("start", "gated", "once", "user", "gentle"), begun: moves("starting", "noting", "once", "user", "gentle"), keeps: "shared beating writer reader box clock failing"},
		{name: "restart", before: at("A"), do: command("restart", "shared", "box"), begun: restarted, keeps: "beating noting writer reader user clock failing"},
		{name: "crash", before: at("A"), do: func(w *world) bool {
			for _, name := range []string{"noting", "clock", "user"} {
				w.signal(w.pids[name])
			}
			w.await("other runs", func() bool { return w.ranAgain("noting", "clock", "user") })
			return true
		}, keeps: "shared beating writer reader box gentle failing"},
		{name: "follow", before: func(w *world) {
			w.reach("A")
			for _, name := range followers {
				w.stop(name)
			}
		}, do: command(append([]string{"start"}, followers...)...), begun: moves("starting", followers...), keeps: everybody, after: parted},
		{name: "reload", before: at("A"), do: command("reload", "shared"), begun: func(w *world) bool { return w.read("reloads") != "" }, keeps: everybody},
		{name: "apply", before: func(w *world) {
			w.change(true)
			w.types("apply")
			w.reach("A")
			w.change(false)
		}, do: command("apply"), begun: (*world).applied, keeps: "shared beating writer reader box user clock failing"},
		{name: "upgrade", before: at("A"), do: command("upgrade", filepath.Join(programs, "orderly")), begun: always, keeps: everybody, few: true},
		{name: "bad upgrade", before: at("A"), do: command("upgrade", filepath.Join(programs, "prog")), begun: always, keeps: everybody, few: true, fails: true},
	}
	list = append(append(append(list, tried()...), sorts()...), networking()...)
	for _, p := range list {
		if slices.Contains([]string{"activate", "switch", "restart"}, p.name) {
			p.name, p.twice = p.name+", again", true
			list = append(list, p)
		}
	}
	return list
}

// command gives one.
func command(args ...string) func(w *world) bool {
	return func(w *world) bool { return w.types(args...) }
}

func at(target string) func(w *world) { return func(w *world) { w.reach(target) } }

// tried are passages with a configuration on trial, and those that nobody asked for.
func tried() []passage {
	onTrial := func(w *world) {
		w.change(true)
		w.types("apply")
		w.reach("A")
		w.change(false)
	}
	const keeps = "shared beating writer reader box user clock failing"
	return []passage{
		{name: "trial", before: onTrial, do: func(w *world) bool { return w.types("apply", "--confirm", "10m") }, begun: (*world).applied, keeps: keeps, after: confirmed},
		{name: "confirm", before: func(w *world) {
			onTrial(w)
			w.types("apply", "--confirm", "10m")
		}, do: func(w *world) bool { return w.types("confirm") }, begun: func(w *world) bool { return !w.noted("waits to be confirmed") }, keeps: everybody},
		{name: "return", before: onTrial, do: func(w *world) bool {
			w.types("apply", "--confirm", "2s")
			time.Sleep(1500 * time.Millisecond) // who asks again and again makes calls that are no part of it
			w.await("the end of the trial", func() bool { return !w.noted("waits to be confirmed") })
			return w.noted("was not confirmed")
		}, begun: func(*world) bool { return false }, keeps: keeps, hasty: true},
		{name: "fallback", before: at("C"), do: func(w *world) bool {
			w.signal(w.pids["fragile"])
			w.await("another target", func() bool { s, ok := w.glance(); return ok && s.Target == "B" })
			return true
		}, keeps: "shared beating"},
		{name: "queue", before: at("idle"), do: func(w *world) bool {
			w.types("activate", "A", "--no-wait")
			return w.types("activate", "B", "--queue")
		}, begun: turns("B"), hasty: true},
	}
}

// followers are components whose main process is one that the first has started: a child of another process, one that nobody else has any
// more, and one that is named on the notify socket.
var followers = []string{"named", "forked", "heir"}

// parted ends those main processes, and waits for the next runs.
func parted(w *world) {
	for _, name := range followers {
		c := w.mainIs(name, name+".pid")
		w.runs[name] = c.Run
		w.signal(c.PID)
	}
	w.await("other runs", func() bool { return w.ranAgain(followers...) })
	w.calm()
}

// confirmed ends a trial.
func confirmed(w *world) { w.types("confirm") }

// noted says whether there is a note in the status.
func (w *world) noted(text string) bool {
	s, ok := w.glance()
	return !ok || slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, text) })
}

const everybody = "shared beating noting writer reader gentle gated failing box user clock"

func always(*world) bool { return true }

// turns says whether a transition to a target has begun since the passage did.
func turns(target string) func(w *world) bool {
	return tells(func(e control.Event) bool { return e.Target == target && e.To == "transition" })
}

// moves says whether one of some components has come to a state since the passage began.
func moves(state string, names ...string) func(w *world) bool {
	return tells(func(e control.Event) bool { return e.To == state && slices.Contains(names, e.Component) })
}

// tells says whether there has been such an event since the passage began.
func tells(such func(e control.Event) bool) func(w *world) bool {
	return func(w *world) bool { return slices.ContainsFunc(w.eventsAfter(w.began, math.MaxInt), such) }
}

// lastEvent is the number of the newest event.
func (w *world) lastEvent() (n uint64) {
	for _, e := range w.eventsAfter(0, math.MaxInt) {
		n = e.Seq
	}
	return n
}

// ranAgain says whether components have begun another run since the passage began.
func (w *world) ranAgain(names ...string) bool {
	s, ok := w.glance()
	for _, c := range s.Components {
		ok = ok && (!slices.Contains(names, c.Name) || c.Run != w.runs[c.Name])
	}
	return ok
}

// applied says whether the configuration that was written last is in force.
func (w *world) applied() bool {
	s, ok := w.glance()
	return ok && slices.ContainsFunc(s.Components, func(c control.Component) bool { return c.Name == w.extra() })
}

func (w *world) extra() string { return fmt.Sprintf("extra%d", w.changes) }

// change writes another configuration, or the first again: gentle gets another command, gated another dependency, once is removed and
// extra added, each time under another name: a component that comes back begins to count its runs anew.
func (w *world) change(back bool) {
	text := galleryText(gallery)
	w.changes++
	extra := w.extra()
	if !back {
		text = strings.Replace(text, `"here is gentle"`, `"here is gentle again"`, 1)
		text = strings.Replace(text, `depends_on = ["noting"]`, `depends_on = ["noting", "`+extra+`"]`, 1)
		text = strings.Replace(text, `"once", "writer"`, `"`+extra+`", "writer"`, 1)
		text = strings.ReplaceAll(text, "component.once", "component."+extra)
		text = strings.ReplaceAll(text, `"$DIR/starts", "once"`, `"$DIR/starts", "extra"`)
		text = strings.ReplaceAll(text, "here is once", "here is extra")
	}
	w.write("conf/o.toml", w.text(text))
}

// types gives a command, and says whether it was answered that all is done. The manager may die meanwhile, and then it says so.
func (w *world) types(args ...string) bool {
	w.Helper()
	out, code := w.orderly(args...)
	if code != 0 && (code != 1 || !strings.Contains(out, control.ErrGone.Error())) {
		w.Errorf("orderly %v: %d: %s", args, code, out)
	}
	return code == 0
}

// glance is the status, if there is a manager.
func (w *world) glance() (s control.Status, ok bool) {
	c, err := control.Dial(w.socket)
	if err != nil {
		return s, false
	}
	defer c.Close()
	var reply control.StatusReply
	err = c.Call("GetStatus", control.NameParam{}, &reply)
	return reply.Status, err == nil
}

// calm waits until there is nothing to do any more.
func (w *world) calm() {
	w.Helper()
	w.await("the end of all changes", func() bool {
		s, ok := w.glance()
		for _, c := range s.Components {
			ok = ok && !strings.Contains("starting stopping backoff", c.State)
		}
		return ok && s.State != "transition"
	})
	w.client.Close()
	w.await("a connection", w.connected)
}
