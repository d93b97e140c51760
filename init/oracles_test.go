package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// eyes look at a daemon and at what it makes, as long as it lives.
type eyes struct {
	mounts []string // that were there before
	wait   sync.WaitGroup
	seen   map[[2]uint64]bool

	mu    sync.Mutex
	found map[string]bool
	trees map[string]bool // names of the groups that groups of components are made in
}

// open sees what there is before a daemon starts.
func open(ts *testscript.TestScript) *eyes {
	return &eyes{mounts: mountsBelow(ts.Getenv("WORK")), found: map[string]bool{}, trees: map[string]bool{}, seen: map[[2]uint64]bool{}}
}

func mountsBelow(dir string) []string {
	return slices.DeleteFunc(oracle.Mounts("/proc", os.Getpid()), func(place string) bool { return !strings.HasPrefix(place, dir+"/") })
}

// watch looks at the processes again and again until the keeper has ended.
func (e *eyes) watch(l *launched) {
	w := oracle.NewWatch(l.Proc, l.Inside(), e.finds)
	e.wait.Go(func() { w.Run(l.Ended, 1, func(list []oracle.Process) { e.groups(l.Proc, list) }) })
}

func (e *eyes) finds(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.found[fmt.Sprintf(format, args...)] = true
}

// groups learns from processes where groups are made: a group has the name of its component.
func (e *eyes) groups(proc string, list []oracle.Process) {
	for _, p := range list {
		id := [2]uint64{uint64(p.PID), p.Born}
		if p.Component == "" || e.seen[id] {
			continue
		}
		e.seen[id] = true
		b, _ := os.ReadFile(fmt.Sprintf("%s/%d/cgroup", proc, p.PID))
		_, name, _ := strings.Cut(string(b), "0::") // of version 2, the last line (cgroups(7))
		if name = strings.TrimSpace(name); filepath.Base(name) == p.Component {
			e.mu.Lock()
			e.trees[filepath.Dir(name)] = true
			e.mu.Unlock()
		}
	}
}

// folders are those that groups of components are made in.
func (e *eyes) folders() (list []string) {
	place, err := cgroups.Hierarchy()
	e.mu.Lock()
	defer e.mu.Unlock()
	for tree := range e.trees {
		if err == nil {
			list = append(list, place.Dir(tree))
		}
	}
	return list
}

// saw is what was found, when the daemon has ended.
func (d *started) saw(finds func(what string)) {
	d.eyes.wait.Wait()
	for _, what := range slices.Sorted(maps.Keys(d.eyes.found)) {
		if name, _, _ := strings.Cut(what, ": "); !d.loose(name) {
			finds(what)
		}
	}
}

// loose says whether the script has let processes of a component go, or had some taken in (LOOSE): by ancestors and environment nobody
// can tell then whose they are.
func (d *started) loose(component string) bool {
	return slices.Contains(strings.Fields(d.ts.Getenv("LOOSE")), component)
}

// truth checks, while the daemon runs, that status is reality, and that events, log and status tell one story, and a possible one.
func (d *started) truth(finds func(what string)) {
	wrong := d.wrong()
	for end := d.patience(); len(wrong) > 0 && !d.HasEnded() && time.Now().Before(end); wrong = d.wrong() {
		time.Sleep(20 * time.Millisecond)
	}
	if len(wrong) > 0 && !d.HasEnded() { // the script may have told it to end
		finds("status, events, log and reality differ:\n" + strings.Join(wrong, "\n"))
	}
}

// patience is the end of what may take its time.
func (d *started) patience() time.Time {
	return time.Now().Add(d.ts.Value("patience").(time.Duration))
}

// wrong is what differs now; things may change while they are looked at.
func (d *started) wrong() []string {
	var reply control.StatusReply
	if err := call(d.ts, "GetStatus", control.NameParam{}, &reply); err != nil {
		return []string{"the daemon runs and does not answer: " + err.Error()}
	}
	list := oracle.Tree(d.Proc, d.Inside(), oracle.Known{})
	list = slices.DeleteFunc(list, func(p oracle.Process) bool { return d.loose(p.Component) })
	told := slices.DeleteFunc(slices.Clone(reply.Status.Components), func(c control.Component) bool { return d.loose(c.Name) })
	wrong := oracle.Compare(told, list)
	for i, c := range reply.Status.Components {
		if c.State == "waiting" || c.State == "backoff" { // which no event tells of: it is down
			reply.Status.Components[i].State = "down"
		}
	}
	events := eventList(d.ts)
	wrong = append(wrong, oracle.Story(events, reply.Status)...)
	if missing := oracle.Unlogged(events, contents(d.ts, "log/orderly.log.1")+"\n"+contents(d.ts, "log/orderly.log")); missing != "" {
		wrong = append(wrong, "the log does not have, in this order: "+missing)
	}
	return wrong
}

// remains looks for what should have ended with the daemon. After one that was killed, others clear up.
func (d *started) remains(finds func(what string)) {
	wrong := d.left()
	for end := d.patience(); d.killed && len(wrong) > 0 && time.Now().Before(end); wrong = d.left() {
		time.Sleep(20 * time.Millisecond)
	}
	for _, what := range wrong {
		finds(what)
	}
}

func (d *started) left() (wrong []string) {
	finds := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	work, socket := d.dir, d.socket
	if list := oracle.Processes("WORK=" + work); len(list) > 0 { // as [defaults] of every script gives it to them
		finds("processes are left:\n%s", strings.Join(list, "\n"))
	}
	if _, err := os.Stat(socket); err == nil {
		finds("the control socket is left")
	}
	if list := oracle.Sockets(filepath.Dir(socket), socket); len(list) > 0 {
		finds("sockets are left beside it: %v", list)
	}
	if list := oracle.PIDFiles(configuration(filepath.Join(work, "conf"))); len(list) > 0 {
		finds("pid files are left: %v", list)
	}
	for _, place := range mountsBelow(work) {
		if !slices.Contains(d.eyes.mounts, place) {
			finds("a mount is left: %s", place)
		}
	}
	place, err := cgroups.Hierarchy()
	for tree := range d.eyes.trees {
		for _, name := range []string{tree, tree + ".self"} {
			if _, e := os.Stat(place.Dir(name)); err != nil || e == nil {
				finds("cgroup %s is left (%v)", name, err)
			}
		}
	}
	return wrong
}

// configuration is all of a folder.
func configuration(dir string) string {
	var all bytes.Buffer
	files, _ := filepath.Glob(filepath.Join(dir, "*.toml"))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		all.Write(b)
	}
	return all.String()
}
