package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/conformance/oracle"
)

const (
	moreThreads = 6           // of one process: Go ends none, so a burst of file operations leaves some
	moreMemory  = 24 * 1024   // KiB of one process
	calm        = time.Second // without a wake-up, at the end
)

// footprint is what the supervisor holds while it has nothing to do.
type footprint struct {
	Descriptors      []string // of manager and keeper, without what numbers them
	Mounts           []string
	Groups, Sockets  []string
	Children         []string // of the keeper, living or dead
	PIDFiles         []string
	Watches          int    // of inotify, of the manager
	threads, private [2]int // of manager and keeper; private memory in KiB
}

// oneFilter is the device filter of the last container, which is kept for the next one.
const oneFilter = "anon_inode:bpf-prog"

var numbered = regexp.MustCompile(`\[[0-9]+\]|/proc/[0-9]+|[0-9]{3,}`)

func (w *world) footprint() footprint {
	f := footprint{Sockets: oracle.Sockets(w.dir, w.socket), Groups: w.groups(), Children: w.children(), PIDFiles: oracle.PIDFiles(w.read("conf/o.toml"))}
	for i, pid := range []int{w.manager(), w.keeperInside()} {
		filter := false
		for _, to := range w.links(pid) {
			if to == oneFilter && !filter {
				filter = true
				continue
			}
			f.Descriptors = append(f.Descriptors, []string{"manager ", "keeper "}[i]+numbered.ReplaceAllString(to, ""))
		}
		f.threads[i], _ = strconv.Atoi(oracle.Field(w.proc, pid, "Threads"))
		f.private[i], _ = strconv.Atoi(strings.TrimSuffix(oracle.Field(w.proc, pid, "RssAnon"), " kB"))
	}
	f.Watches = w.watches()
	f.withoutNotify()
	if i := slices.Index(f.Descriptors, "manager anon_inode:bpf-prog"); i >= 0 { // that of the newest container's devices is kept for the next
		f.Descriptors = slices.Delete(f.Descriptors, i, i+1)
	}
	for _, place := range oracle.Mounts(w.proc, w.keeperInside()) {
		if strings.HasPrefix(place, w.dir) || w.place == first && !strings.HasPrefix(place, os.TempDir()) { // other tests mount there too
			f.Mounts = append(f.Mounts, place)
		}
	}
	return f
}

// children are those of the keeper: nobody but the manager, when nothing runs.
func (w *world) children() (list []string) {
	manager := w.manager()
	for _, pid := range oracle.Children(w.proc, w.keeperInside()) {
		switch p, ok := oracle.Look(w.proc, pid); {
		case !ok:
		case pid == manager:
			list = append(list, "manager")
		default:
			list = append(list, fmt.Sprintf("%s (process %d, %c)", oracle.Field(w.proc, pid, "Name"), pid, p.State))
		}
	}
	return list
}

// watches are those that the manager has the kernel keep (inotify(7)).
func (w *world) watches() (n int) {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/fdinfo/*", w.proc, w.manager()))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		n += strings.Count(string(b), "inotify wd:")
	}
	return n
}

// links are what the descriptors of a process lead to.
func (w *world) links(pid int) (list []string) {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/fd/*", w.proc, pid))
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil {
			list = append(list, to)
		}
	}
	return list
}

// withoutNotify leaves out the notify sockets: one is made at the first start of its component and stays as long as that.
func (f *footprint) withoutNotify() {
	slices.Sort(f.Descriptors)
	f.Sockets = slices.DeleteFunc(f.Sockets, func(path string) bool {
		if filepath.Base(filepath.Dir(path)) != "notify" {
			return false
		}
		for _, who := range []string{"manager socket:", "keeper socket:"} {
			if i := slices.Index(f.Descriptors, who); i >= 0 {
				f.Descriptors = slices.Delete(f.Descriptors, i, i+1)
			}
		}
		return true
	})
	if len(f.Sockets) == 0 {
		f.Sockets = nil
	}
}

// expect adds the ends of pipes between components, which are made at the first start and stay as long as they are configured.
func (f *footprint) expect(pipes int) {
	for range 2 * pipes {
		f.Descriptors = append(f.Descriptors, "manager pipe:", "keeper pipe:")
	}
	slices.Sort(f.Descriptors)
}

// pipes is how many the keeper has an end of.
func (f footprint) pipes() (n int) {
	for _, d := range f.Descriptors {
		if d == "keeper pipe:" {
			n++
		}
	}
	return n
}

// warm has everything that is made at its first use made: one component started and stopped.
func (w *world) warm() {
	w.Helper()
	pipes := w.footprint().pipes()
	w.reach("warming")
	if group := w.show("warm").Cgroup; group != "" {
		w.cgroup = filepath.Dir(group)
	}
	w.reach("idle")
	w.await("no group of a component", func() bool { return len(w.groups()) == 0 })
	w.await("the end of its log", func() bool { return w.footprint().pipes() == pipes })
	w.quiet(calm / 8)
}

// groups are the groups of components that are there.
func (w *world) groups() []string {
	if w.cgroup == "" {
		return nil
	}
	entries, _ := os.ReadDir(w.cgroup)
	var list []string
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list
}

// settled waits until all is as it was before the scenario.
func (w *world) settled(before footprint) {
	w.Helper()
	var now footprint
	diff := ""
	if !soon(func() bool {
		now = w.footprint()
		diff = before.unlike(now)
		return diff == ""
	}) {
		w.Errorf("idle again, but not as before (-before +now):\n%s", diff)
	}
	for _, what := range before.outgrown(now) {
		w.Error(what)
	}
}

// unlike is how another footprint differs; "" is not.
func (f footprint) unlike(now footprint) string {
	return cmp.Diff(f, now, cmp.FilterPath(hidden, cmp.Ignore()))
}

// outgrown is what another footprint has more of than it may.
func (f footprint) outgrown(now footprint) (wrong []string) {
	for i, who := range []string{"manager", "keeper"} {
		if now.threads[i] > f.threads[i]+moreThreads {
			wrong = append(wrong, fmt.Sprintf("the %s had %d threads and has %d", who, f.threads[i], now.threads[i]))
		}
		if now.private[i] > f.private[i]+moreMemory {
			wrong = append(wrong, fmt.Sprintf("the %s had %d KiB of its own and has %d", who, f.private[i], now.private[i]))
		}
	}
	return wrong
}

// hidden are the fields that have a bound instead of being the same.
func hidden(p cmp.Path) bool {
	f, ok := p.Last().(cmp.StructField)
	return ok && (f.Name() == "threads" || f.Name() == "private")
}

// quiet waits for a while in which no thread of manager and keeper is woken.
func (w *world) quiet(calm time.Duration) {
	w.Helper()
	if woken := w.woken(calm, patience); woken > 0 {
		w.Errorf("idle, and woken %d times in the last %v", woken, calm)
	}
}

// woken waits so long for a while without a wake-up, and returns how many the last one had.
func (w *world) woken(calm, patience time.Duration) (n int) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		before := w.switches()
		time.Sleep(calm)
		if n = w.switches() - before; n == 0 {
			return 0
		}
	}
	return n
}

// switches are how often the threads of manager and keeper have gone to sleep so far.
func (w *world) switches() (sum int) {
	for _, n := range w.sleeps() {
		sum += n
	}
	return sum
}

// sleeps is how often each thread of manager and keeper has gone to sleep so far.
func (w *world) sleeps() map[int]int {
	all := map[int]int{}
	for _, pid := range []int{w.manager(), w.keeperInside()} {
		threads, _ := filepath.Glob(fmt.Sprintf("%s/%d/task/*", w.proc, pid))
		for _, dir := range threads {
			tid, _ := strconv.Atoi(filepath.Base(dir))
			all[tid], _ = strconv.Atoi(oracle.Field(filepath.Dir(dir), tid, "voluntary_ctxt_switches"))
		}
	}
	return all
}

// reality compares what is reported with the processes that are there. Both change while they are looked at, so what is
// found must be found for as long as patience lasts.
func (w *world) reality() {
	w.Helper()
	var wrong []string
	if !soon(func() bool { wrong = w.compare(); return len(wrong) == 0 }) {
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
