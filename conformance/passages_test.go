package conformance

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/control"
)

// passage is a kind of transition, in which the manager dies.
type passage struct {
	name   string
	before func(w *world)      // brings the world to where it begins
	do     func(w *world)      // begins it; repeated where it had not been begun when the manager died
	begun  func(w *world) bool // whether it has; nil: to do it twice changes nothing
	keeps  string              // components that must not notice
	twice  bool                // the next manager dies too
	fails  bool                // there is a manager that is none in it: that counts as one that died
	few    bool                // there are few calls, or a point costs much
}

func passages() []passage {
	command := func(args ...string) func(w *world) {
		return func(w *world) { w.types(args...) }
	}
	at := func(target string) func(w *world) { return func(w *world) { w.reach(target) } }
	return []passage{
		{name: "activate", before: at("idle"), do: command("activate", "A")},
		{name: "switch", before: at("A"), do: command("activate", "B"), keeps: "shared beating writer reader user"},
		{name: "leave", before: at("A"), do: command("activate", "idle")},
		{name: "stop", before: at("A"), do: command("stop", "noting", "gentle", "clock"), keeps: "shared beating writer reader user box failing"},
		{name: "start", before: func(w *world) {
			w.reach("A")
			w.stop("noting", "once", "user", "gentle")
		}, do: command("start", "gated", "once", "user", "gentle"), keeps: "shared beating writer reader box clock failing"},
		{name: "restart", before: at("A"), do: command("restart", "shared", "box"), begun: ranAgain("shared"), keeps: "beating noting writer reader user clock failing"},
		{name: "crash", before: at("A"), do: func(w *world) {
			for _, name := range []string{"noting", "clock", "user"} {
				w.signal(w.pids[name])
			}
			again := ranAgain("noting", "clock", "user")
			w.await("other runs", func() bool { return again(w) })
		}, begun: always, keeps: "shared beating writer reader box gentle failing"},
		{name: "reload", before: at("A"), do: command("reload", "shared"), begun: func(w *world) bool { return w.read("reloads") != "" }, keeps: everybody},
		{name: "apply", before: func(w *world) {
			w.change(true)
			w.types("apply")
			w.reach("A")
			w.change(false)
		}, do: command("apply"), keeps: "shared beating writer reader box user clock failing"},
		{name: "upgrade", before: at("A"), do: command("upgrade", filepath.Join(programs, "orderly")), begun: always, keeps: everybody, few: true},
		{name: "bad upgrade", before: at("A"), do: command("upgrade", filepath.Join(programs, "prog")), begun: always, keeps: everybody, few: true, fails: true},
		{name: "activate, again", before: at("idle"), do: command("activate", "A"), twice: true},
		{name: "switch, again", before: at("A"), do: command("activate", "B"), keeps: "shared beating writer reader user", twice: true},
		{name: "restart, again", before: at("A"), do: command("restart", "shared", "box"), begun: ranAgain("shared"), keeps: "beating noting writer reader user clock failing", twice: true},
	}
}

const everybody = "shared beating noting writer reader gentle gated failing box user clock"

func always(*world) bool { return true }

// ranAgain says whether components have begun another run since the passage began.
func ranAgain(names ...string) func(w *world) bool {
	return func(w *world) bool {
		s, ok := w.glance()
		for _, c := range s.Components {
			ok = ok && (!slices.Contains(names, c.Name) || c.Run != w.runs[c.Name])
		}
		return ok
	}
}

// change writes another configuration, or the first again: gentle gets another command, gated another dependency, once is removed and
// extra added, each time under another name: a component that comes back begins to count its runs anew.
func (w *world) change(back bool) {
	text := galleryText(gallery)
	w.changes++
	extra := fmt.Sprintf("extra%d", w.changes)
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

// types gives a command. The manager may die meanwhile, and then it says so.
func (w *world) types(args ...string) {
	w.Helper()
	out, code := w.orderly(args...)
	if code != 0 && (code != 1 || !strings.Contains(out, control.ErrGone.Error())) {
		w.Errorf("orderly %v: %d: %s", args, code, out)
	}
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
