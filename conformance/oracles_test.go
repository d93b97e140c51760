package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
)

// seen is the supervisor, for the oracles.
func (w *world) seen() oracle.Daemon {
	d := oracle.Daemon{Proc: w.Proc, Keeper: w.Inside(), Dir: w.dir, Socket: w.socket, Config: w.read("conf/o.toml")}
	if w.cgroup != "" {
		d.Groups = []string{w.cgroup}
	}
	d.Mounted = func(place string) bool {
		return strings.HasPrefix(place, w.dir) || w.Place == first && !strings.HasPrefix(place, os.TempDir()) // other tests mount there too
	}
	return d
}

func (w *world) footprint() oracle.Footprint { return w.seen().Footprint() }

// warm has everything that is made at its first use made: one component started and stopped.
func (w *world) warm() {
	w.Helper()
	pipes := w.footprint().Pipes()
	w.reach("warming")
	if group := w.show("warm").Cgroup; group != "" {
		w.cgroup = filepath.Dir(group)
	}
	w.reach("idle")
	w.await("no group of a component", func() bool { return len(w.footprint().Groups) == 0 })
	w.await("the end of its log", func() bool { return w.footprint().Pipes() == pipes })
	w.quiet(oracle.Calm / 8)
}

// settled waits until all is as it was before the scenario.
func (w *world) settled(before oracle.Footprint) {
	w.Helper()
	var now oracle.Footprint
	diff := ""
	if !launch.Soon(func() bool {
		now = w.footprint()
		diff = before.Unlike(now)
		return diff == ""
	}) {
		w.Errorf("idle again, but not as before (-before +now):\n%s", diff)
	}
	for _, what := range before.Outgrown(now) {
		w.Error(what)
	}
}

// quiet waits for a while in which no thread of manager and keeper is woken.
func (w *world) quiet(calm time.Duration) {
	w.Helper()
	if woken := w.seen().Woken(calm, patience); woken > 0 {
		w.Errorf("idle, and woken %d times in the last %v", woken, calm)
	}
}

// reality compares what is reported with the processes that are there. Both change while they are looked at, so what is
// found must be found for as long as patience lasts.
func (w *world) reality() {
	w.Helper()
	var wrong []string
	if !launch.Soon(func() bool { wrong = w.compare(); return len(wrong) == 0 }) {
		w.Errorf("status is not reality:\n%s", strings.Join(wrong, "\n"))
	}
}

func (w *world) compare() (wrong []string) {
	list := w.tree()
	return oracle.Compare(w.status().Components, list)
}

// nothingLeft looks for what should have ended with the supervisor.
func (w *world) nothingLeft() (wrong []string) {
	finds := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if list := oracle.Sockets(w.dir, w.socket); len(list) > 0 {
		finds("sockets are left: %v", list)
	}
	if _, err := os.Stat(w.socket); err == nil {
		finds("the control socket is left")
	}
	if list := oracle.PIDFiles(w.read("conf/o.toml")); len(list) > 0 {
		finds("pid files are left: %v", list)
	}
	if w.cgroup != "" {
		for _, dir := range []string{w.cgroup, w.cgroup + ".self"} {
			if _, err := os.Stat(dir); err == nil {
				finds("%s is left", dir)
			}
		}
	}
	for _, what := range oracle.Processes("CONFORMANCE=" + w.dir) {
		finds("a process is left: %s", what)
	}
	return wrong
}
