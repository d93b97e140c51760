package conformance

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// output are scenarios about what components print, and about descriptors.
func output() []scenario {
	return []scenario{
		{id: "C25", story: "a worker, and a process of no component, keep the output open: the exit is handled at once, the worker goes, what the other prints is read on until it ends", play: openOutput, config: `
[component.a]
command = ["sh", "-c", "sleep 1000 & touch $DIR/begun; until test -e $DIR/go; do sleep 0.01; done; exit 3"]
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "C26", story: "a flood of one component's output stops nobody, and loses no line of another", play: func(w *world) { flood(w, "1s", 100) }, config: flooding},
		{id: "C26b", story: "C26 for ten seconds", play: func(w *world) { flood(w, "10s", 1000) }, config: flooding, long: true},
		{id: "C28", story: "the reader of a pipe is killed while others write to it: no writer is hurt, no line is lost", play: deadReader, pipes: 1, config: `
[component.reader]
command = ["sh", "-c", "while read line; do echo $line >> $DIR/lines; done"]
output = { stdin = "pipe:p" }
recovery = { delay = "100ms", then = "retry" }
[component.writer]
command = ["sh", "-c", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.005; done; touch $DIR/written; exec sleep 1000"]
output = { stdout = "pipe:p" }
[target.all]
depends_on = ["reader", "writer"]
`},
		{id: "C29", story: "the file system of the logs is full, and then is not: components go on, what is lost is counted, logging goes on", play: fullDisk,
			places: []place{first}, lossy: true, config: `
[component.a]
command = ["sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); echo $i > $DIR/said; sleep 0.01; done"]
[target.all]
depends_on = ["a"]
`},
		{id: "C31", story: "the manager is killed in the middle of a rotation, again and again: no line is lost, none comes again but those that were being written, names are right", play: rotating, mortal: true, lossy: true, root: true, traps: []uintptr{unix.SYS_RENAMEAT},
			files: map[string]string{"conf/o.d/log.toml": "[log]\nmax_size = \"4KiB\"\n"}, config: `
[component.a]
command = ["sh", "-c", "i=0; until test -e $DIR/enough; do echo number $i; i=$((i+1)); sleep 0.002; done; echo number $i; echo $i > $DIR/counted; exec sleep 1000"]
output = { rate_limit = 0 }
[target.all]
depends_on = ["a"]
`},
		{id: "C30", story: "the file system of the logs is read-only for a while: the same", play: readOnlyLog, places: []place{first}, lossy: true, config: `
[component.a]
command = ["sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); echo $i > $DIR/said; sleep 0.01; done"]
[target.all]
depends_on = ["a"]
`},
		{id: "C32", story: "with 100 components and 50 clients a new one has descriptors 0, 1 and 2, and no other", play: noLeak, loaded: true,
			config: many(100) + `
[component.a]
command = ["sh", "-c", "ls /proc/self/fd > $DIR/list; exec sleep 1000"]
` + wanting(100)},
		{id: "C33", story: "100 starts and stops of components of several kinds: descriptors, threads and memory are flat", play: func(w *world) { cycles(w, 25) }, config: kinds},
		{id: "C33b", story: "12 starts and stops of each kind, with containers, other roots and pipes between them: descriptors, threads, memory, watches, groups and mounts are flat", play: func(w *world) { cycles(w, 12) }, config: allKinds, root: true, pipes: 1, files: map[string]string{"root/x": ""}},
		{id: "C33c", story: "C33b until there were 10000 (-cycles) of them", play: func(w *world) { cycles(w, *cycling/9) }, config: allKinds, root: true, pipes: 1, files: map[string]string{"root/x": ""}, long: true, places: []place{foreground}},
		{id: "C34", story: "standard input is at its end at once", play: noInput, config: `
[component.a]
kind = "oneshot"
command = ["sh", "-c", "readlink /proc/self/fd/0; cat; echo end"]
[target.all]
depends_on = ["a"]
`},
	}
}

const flooding = `
[component.loud]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; victim flood $(cat $DIR/go); touch $DIR/flooded; exec sleep 1000"]
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; i=0; while :; do echo count $i; i=$((i+1)); echo $i > $DIR/counted; sleep 0.01; done"]
output = { rate_limit = 0 }
[target.all]
depends_on = ["loud", "a"]
`

// kinds are components of several kinds.
const kinds = `
[component.pipe]
command = ["sh", "-c", "echo >&3; exec sleep 1000"]
ready = { fd = 3 }
[component.notified]
command = ["prog", "notify", "READY=1", "pause"]
ready = { when = "notified" }
[component.once]
kind = "oneshot"
command = ["true"]
[component.failed]
command = ["/there/is/no/such/program"]
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["pipe", "notified", "once", "failed"]
`

var cycling = flag.Int("cycles", 10_000, "with -long: so many starts and stops")

// allKinds are those, and the ones that need root.
var allKinds = strings.Replace(kinds, `[target.all]
wants = [`, `[template.boxed]
[template.boxed.container]
rootfs = "$DIR/root"
`+hostPrograms+`[component.boxed]
template = "boxed"
command = ["sleep", "1000"]
container.init = true
[component.lost]
template = "boxed"
command = ["/there/is/no/such/program"]
recovery = { attempts = 0, then = "stop" }
[component.rooted]
command = ["/prog", "pause"]
root_directory = "$DIR/other"
[component.speaks]
command = ["sh", "-c", "echo word; exec sleep 1000"]
output = { stdout = "pipe:p" }
[component.hears]
command = ["sh", "-c", "read line; touch $DIR/heard; exec sleep 1000"]
output = { stdin = "pipe:p" }
ready = { file = "$DIR/heard" }
[target.all]
wants = ["boxed", "lost", "rooted", "speaks", "hears", `, 1)

func openOutput(w *world) {
	w.reach("all")
	w.await("its begin", func() bool { return w.exists("begun") })
	// somebody outside opens its output, and holds it
	holder := exec.Command("sh", "-c", "exec >/proc/"+strconv.Itoa(w.outside(w.component("a").PID))+"/fd/1; echo held; until test -e "+w.path("late")+"; do sleep 0.01; done; echo late")
	w.must(holder.Start())
	defer func() { holder.Process.Kill(); holder.Wait() }()
	w.await("a word of the holder", func() bool { return slices.ContainsFunc(w.lines("a"), ends("held")) })
	begin := time.Now()
	w.write("go", "")
	w.eventually("a", "failed")
	if took := time.Since(begin); took > 8*time.Second { // stop_timeout is 10 s
		w.Errorf("the end took %v", took)
	}
	w.is("a", "failed", "exit 3")
	w.write("late", "")
	w.await("its last word", func() bool { return slices.ContainsFunc(w.lines("a"), ends("late")) })
}

// outside is the pid that the test has for a process inside.
func (w *world) outside(pid int) int {
	if w.Place == foreground {
		return pid
	}
	for _, p := range oracle.Children("/proc", w.Keeper) {
		if f := strings.Fields(oracle.Field("/proc", p, "NSpid")); len(f) == 2 && f[1] == strconv.Itoa(pid) {
			return p
		}
	}
	w.Fatalf("process %d is no child of the keeper", pid)
	return 0
}

// lines are what a component's log has of its output, the old file first.
func (w *world) lines(name string) (list []string) {
	for line := range strings.Lines(w.read("log/"+name+".log.1") + "\n" + w.read("log/"+name+".log")) {
		if f := strings.SplitN(strings.TrimSpace(line), " ", 4); len(f) == 4 {
			list = append(list, f[3])
		}
	}
	return list
}

func flood(w *world, while string, least int) {
	w.reach("all")
	w.write("go", while)
	w.await("the end of the flood", func() bool { _, err := os.Stat(w.path("flooded")); return err == nil })
	n := 0
	w.await("another component's work", func() bool { n = w.figure("counted"); return n >= least/2 })
	w.await("its lines", func() bool { return slices.ContainsFunc(w.lines("a"), ends(fmt.Sprintf("count %d", n-1))) })
	list := w.lines("a")
	for i := range n {
		if !slices.ContainsFunc(list, ends(fmt.Sprintf("count %d", i))) {
			w.Fatalf("count %d is not in the log", i)
		}
	}
	w.is("loud", "ready", "")
}

func ends(with string) func(string) bool {
	return func(line string) bool { return strings.HasSuffix(line, with) }
}

func deadReader(w *world) {
	w.reach("all")
	for range 3 {
		c := w.eventually("reader", "ready")
		w.kill(c.PID, unix.SIGKILL)
		w.await("its next run", func() bool { return w.component("reader").Run > c.Run })
	}
	w.await("the last line", func() bool { return strings.Contains(w.read("lines"), "line 199") })
	missing := 0
	for i := range 200 {
		if !slices.Contains(strings.Split(w.read("lines"), "\n"), fmt.Sprintf("line %d", i)) {
			missing++
		}
	}
	if missing > 3 { // a line that a reader has taken dies with it
		w.Errorf("%d lines are missing", missing)
	}
	if c := w.component("writer"); c.Run != 1 || c.State != "ready" {
		w.Errorf("writer is %+v", c)
	}
}

// growing says whether lines of a come into the log at present.
func (w *world) growing() bool {
	before := w.inside("tail", "-n1", w.path("log/a.log"))
	return launch.Soon(func() bool { return w.inside("tail", "-n1", w.path("log/a.log")) != before })
}

func fullDisk(w *world) {
	w.inside("mount", "-t", "tmpfs", "-o", "size=64k", "none", w.path("log"))
	w.reach("all")
	w.await("a log", func() bool { return w.inside("ls", w.path("log")) != "" })
	usual := w.wakeups()
	w.inside("sh", "-c", "cat /dev/zero > "+w.path("log/ballast")+" 2>/dev/null; true")
	w.await("what is lost", func() bool {
		return strings.Contains(w.inside("df", "--output=avail", w.path("log")), "\n    0") || strings.HasSuffix(strings.TrimSpace(w.inside("df", "--output=avail", w.path("log"))), " 0")
	})
	run, said := w.component("a").Run, w.figure("said")
	w.await("more lines than fit the last page, and some that cannot be written", func() bool { return w.figure("said") > said+100 })
	w.notMoreOftenThan(usual)
	w.inside("rm", w.path("log/ballast"))
	if !w.growing() {
		w.Error("logging does not go on")
	}
	w.await("a count of what is lost", func() bool {
		return strings.Contains(w.inside("cat", w.path("log/a.log")), " bytes lost: the log could not be written")
	})
	if c := w.component("a"); c.Run != run || c.State != "ready" {
		w.Errorf("a is %+v", c)
	}
	w.stop("a")
	w.inside("umount", "-l", w.path("log"))
}

// wakeups are how often manager and keeper are woken for each line that a component says. Most of it is the Go runtime's own clock, which goes on
// looking for a while after anything has happened.
func (w *world) wakeups() float64 {
	said := func() (n int) {
		w.await("a count", func() bool { n = w.figure("said"); return n > 0 }) // not between open(2) and write(2)
		return n
	}
	before, from, begin := w.seen().Switches(), said(), time.Now()
	w.await("20 lines", func() bool { return time.Since(begin) > 500*time.Millisecond && said() >= from+20 })
	return float64(w.seen().Switches()-before) / float64(said()-from)
}

// notMoreOftenThan measures again while lines cannot be written: each costs what it costs when it can.
func (w *world) notMoreOftenThan(usual float64) {
	w.Helper()
	if now := w.wakeups(); now > 3*usual+50 {
		w.Errorf("woken %.0f times for each line, and %.0f times when the log can be written", now, usual)
	}
}

// figure is the number in a file, 0 where there is none.
func (w *world) figure(name string) int {
	n, _ := strconv.Atoi(w.read(name))
	return n
}

// rotating kills the manager in each of a few rotations, before and behind the rename.
func rotating(w *world) {
	w.reach("all")
	for round := range 4 {
		dead := w.Manager()
		manager := w.outside(dead)
		hit := false
		w.object(func(a asked) unix.Errno {
			if hit || !a.by("orderly-manager") {
				return 0
			}
			hit = true
			if round%2 == 1 { // it has just come behind the rename, which we do for it
				old, name := a.text(1), a.text(3)
				if err := os.Rename(old, name); err != nil {
					w.Errorf("its rename of %q to %q: %v", old, name, err)
				}
			}
			unix.Kill(manager, unix.SIGKILL)
			return unix.EIO
		})
		w.await("a rotation", func() bool {
			w.refuser.mu.Lock()
			defer w.refuser.mu.Unlock()
			return hit
		})
		w.again(dead)
		w.agree()
	}
	w.write("enough", "")
	w.await("the end of the count", func() bool { return w.exists("counted") })
	var list []int
	w.await("the last number", func() bool {
		list = list[:0]
		for _, line := range w.lines("a") {
			if _, n, ok := strings.Cut(line, "number "); ok {
				i, err := strconv.Atoi(n)
				w.must(err)
				list = append(list, i)
			}
		}
		return len(list) > 0 && strconv.Itoa(list[len(list)-1]) == w.read("counted")
	})
	again := 0
	for i := range list[1:] {
		if list[i+1] <= list[i] {
			again++ // what was written and not yet taken out of the pipe when the manager died
		} else if list[i+1] != list[i]+1 {
			w.Errorf("behind %d comes %d", list[i], list[i+1])
		}
	}
	if again > 4 {
		w.Errorf("%d times lines came again, for 4 deaths", again)
	}
	if names := w.inside("ls", w.path("log")); strings.Contains(names, ".2") || !strings.Contains(names, "a.log") {
		w.Errorf("the names: %s", names)
	}
	if c := w.component("a"); c.Run != 1 || c.State != "ready" {
		w.Errorf("a is %+v", c)
	}
}

func readOnlyLog(w *world) {
	w.inside("mount", "-t", "tmpfs", "none", w.path("log"))
	w.reach("all")
	w.await("a log", func() bool { return strings.Contains(w.inside("ls", w.path("log")), "a.log") })
	usual := w.wakeups()
	w.inside("mount", "-o", "remount,ro", w.path("log"))
	run := w.component("a").Run
	w.notMoreOftenThan(usual)
	w.inside("mount", "-o", "remount,rw", w.path("log"))
	if !w.growing() {
		w.Error("logging does not go on")
	}
	if c := w.component("a"); c.Run != run || c.State != "ready" {
		w.Errorf("a is %+v", c)
	}
	w.stop("a")
	w.inside("umount", "-l", w.path("log"))
}

func noLeak(w *world) {
	w.reach("all")
	for range 50 {
		c, err := control.Dial(w.socket)
		w.must(err)
		defer c.Close()
		var reply control.StatusReply
		w.must(c.Call("GetStatus", control.NameParam{Name: "a"}, &reply))
	}
	w.start("a")
	w.await("a list", func() bool { return w.read("list") != "" })
	if got := strings.Fields(w.read("list")); !slices.Equal(got, []string{"0", "1", "2", "3"}) { // 3 is that of ls for its list
		w.Errorf("descriptors: %v", got)
	}
}

// withProgram has the program prog in another root.
func (w *world) withProgram(root string) {
	b, err := os.ReadFile(filepath.Join(programs, "prog"))
	w.must(err)
	w.write(root+"/prog", string(b))
	for _, dir := range []string{"proc", "sys", "dev", "run"} {
		w.must(os.MkdirAll(w.path(root+"/"+dir), 0o755))
	}
}

func cycles(w *world, n int) {
	w.withProgram("other")
	for range n {
		w.activate("all")
		w.activate("idle")
	}
	if c := w.component("pipe"); int(c.Run) != n {
		w.Errorf("%d runs in %d rounds", c.Run, n)
	}
}

func noInput(w *world) {
	w.reach("all")
	w.await("its output", func() bool {
		return strings.Contains(w.read("log/a.log"), "a: end") || strings.HasSuffix(w.read("log/a.log"), "end")
	})
	if !strings.Contains(w.read("log/a.log"), "/dev/null") {
		w.Errorf("standard input: %s", w.read("log/a.log"))
	}
}
