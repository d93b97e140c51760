package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
)

const (
	moreThreads = 6         // of one process: Go ends none, so a burst of file operations leaves some
	moreMemory  = 24 * 1024 // KiB of one process
)

// Daemon is a supervisor, and where the traces are that it leaves.
type Daemon struct {
	Proc   string   // the /proc of its PID namespace: what it calls a pid is a folder there
	Keeper int      // as that namespace has it
	Work   []string // what a descriptor leads to below one of them is told without it
	Dir    string   // its sockets are below it
	Socket string   // of control
	Config string   // all of its configuration
	Groups []string // the folders where it makes groups

	Mounted func(place string) bool // whether it may have mounted there, and nobody else
}

// Manager is the manager's pid, 0 while there is none.
func (d Daemon) Manager() int { return Manager(d.Proc, d.Keeper) }

// Footprint is what a supervisor holds while it has nothing to do.
type Footprint struct {
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

var numbered = regexp.MustCompile(`\[[0-9]+\]|orderly-[0-9a-f]+|/proc/[0-9]+|[0-9]{3,}`)

// Footprint is what it holds now.
func (d Daemon) Footprint() Footprint {
	f := Footprint{Sockets: Sockets(d.Dir, d.Socket), Groups: d.groups(), Children: d.Children(), PIDFiles: PIDFiles(d.Config), Watches: d.watches()}
	for i, pid := range []int{d.Manager(), d.Keeper} {
		filter := false
		for _, to := range d.Links(pid) {
			if to == oneFilter && !filter {
				filter = true
				continue
			}
			for _, dir := range d.Work {
				to = strings.TrimPrefix(to, dir)
			}
			f.Descriptors = append(f.Descriptors, []string{"manager ", "keeper "}[i]+numbered.ReplaceAllString(to, ""))
		}
		f.threads[i], _ = strconv.Atoi(Field(d.Proc, pid, "Threads"))
		f.private[i], _ = strconv.Atoi(strings.TrimSuffix(Field(d.Proc, pid, "RssAnon"), " kB"))
	}
	f.withoutNotify()
	if i := slices.Index(f.Descriptors, "manager anon_inode:bpf-prog"); i >= 0 { // that of the newest container's devices is kept for the next
		f.Descriptors = slices.Delete(f.Descriptors, i, i+1)
	}
	for _, place := range Mounts(d.Proc, d.Keeper) {
		if d.Mounted(place) {
			f.Mounts = append(f.Mounts, place)
		}
	}
	return f
}

// Children are those of the keeper: nobody but the manager, when nothing runs.
func (d Daemon) Children() (list []string) {
	manager := d.Manager()
	for _, pid := range Children(d.Proc, d.Keeper) {
		switch p, ok := Look(d.Proc, pid); {
		case !ok:
		case pid == manager:
			list = append(list, "manager")
		default:
			list = append(list, fmt.Sprintf("%s (process %d, %c)", Field(d.Proc, pid, "Name"), pid, p.State))
		}
	}
	return list
}

// watches are those that the manager has the kernel keep (inotify(7)).
func (d Daemon) watches() (n int) {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/fdinfo/*", d.Proc, d.Manager()))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		n += strings.Count(string(b), "inotify wd:")
	}
	return n
}

// Links are what the descriptors of a process lead to.
func (d Daemon) Links(pid int) (list []string) {
	files, _ := filepath.Glob(fmt.Sprintf("%s/%d/fd/*", d.Proc, pid))
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil {
			list = append(list, to)
		}
	}
	return list
}

// groups are the groups of components that are there.
func (d Daemon) groups() (list []string) {
	for _, dir := range d.Groups {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.IsDir() {
				list = append(list, e.Name())
			}
		}
	}
	return list
}

// withoutNotify leaves out the notify sockets: one is made at the first start of its component and stays as long as that.
func (f *Footprint) withoutNotify() {
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

// Expect adds the ends of pipes between components, which are made at the first start and stay as long as they are configured, and the
// bundles that are kept until the next start.
func (f *Footprint) Expect(pipes, bundles int) {
	for range bundles {
		f.Descriptors = append(f.Descriptors, "keeper /memfd:undle (deleted)")
	}
	for range 2 * pipes {
		f.Descriptors = append(f.Descriptors, "manager pipe:", "keeper pipe:")
	}
	slices.Sort(f.Descriptors)
}

// Pipes is how many the keeper has an end of.
func (f Footprint) Pipes() (n int) {
	for _, d := range f.Descriptors {
		if d == "keeper pipe:" {
			n++
		}
	}
	return n
}

// Unlike is how another footprint differs; "" is not.
func (f Footprint) Unlike(now Footprint) string {
	return cmp.Diff(f, now, cmp.FilterPath(hidden, cmp.Ignore()))
}

// Outgrown is what another footprint has more of than it may.
func (f Footprint) Outgrown(now Footprint) (wrong []string) {
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
