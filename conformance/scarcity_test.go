package conformance

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// forks are the calls that make processes and threads.
var forks = []uintptr{unix.SYS_CLONE, unix.SYS_CLONE3}

// scarcity are scenarios about what is used up: processes, threads, descriptors, memory, watches.
func scarcity() []scenario {
	return []scenario{
		{id: "E45", story: "fork fails with EAGAIN and ENOMEM, once, 10 and 100 times: each is a failed start that says so, others go on, and the next fork that works starts it", play: func(w *world) { noForks(w, 1, 10, 100) },
			root: true, traps: forks, config: unforked},
		{id: "E45b", story: "E45 with 1000 times", play: func(w *world) { noForks(w, 1000) }, root: true, traps: forks, config: unforked, long: true},
		{id: "E45c", story: "the manager gets no new thread, and the next three managers neither: each dies of it, components go on, and the next one has them", play: noThreads, root: true, traps: forks, mortal: true, lossy: true, config: one},
		{id: "E45d", story: "the keeper gets no new thread from its start on: managers die, exits come by the hundred, signals arrive, and it goes on to its end", play: keptThreads, root: true, traps: forks, mortal: true, lossy: true, config: one + many(200)},
		{id: "E45e", story: "the manager is killed, and for seconds no process can be made: no component stops for want of somebody who reads its output, and the next manager has them", play: noManager, root: true, traps: forks, mortal: true, lossy: true, config: `
[component.a]
command = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo this is line number $i of many that are printed without end, whether somebody reads them or not; echo $i > $DIR/said; done"]
scheduling.nice = 10
[target.all]
depends_on = ["a"]
`},
		{id: "E47b", story: "no file can be opened in the whole machine (ENFILE): starts fail with that reason, others go on, who is connected is answered, and all is well when there are some", play: noFiles,
			root: true, mortal: true, loaded: true, traps: []uintptr{unix.SYS_OPENAT, unix.SYS_PIPE2, unix.SYS_ACCEPT4, unix.SYS_SOCKET, unix.SYS_EVENTFD2, unix.SYS_EPOLL_CREATE1, unix.SYS_MEMFD_CREATE}, config: `
[component.a]
command = ["sleep", "1000"]
recovery = { delay = "50ms", backoff = 1.0, then = "retry" }
[component.b]
command = ["sleep", "1000"]
[target.all]
depends_on = ["a", "b"]
`},
		{id: "E47c", story: "watches of inotify are used up: what waits for a file, for a pid file or for the end of a group says so and looks for it, others notice nothing", play: noWatches,
			root: true, traps: inotify, config: watchful},
		{id: "E47d", story: "instances of inotify are used up when a manager begins: the same, and a note", play: noInstances, root: true, mortal: true, lossy: true, traps: inotify, config: watchful},
		{id: "E47e", story: "the file system of the sockets is full: what needs one fails to start with that reason, others start, and it starts when there is room", play: fullRun, places: []place{first}, mortal: true, config: `
[component.a]
command = ["prog", "notify", "READY=1", "pause"]
ready = { when = "notified" }
recovery = { delay = "50ms", backoff = 1.0, then = "retry" }
[component.b]
command = ["sleep", "1000"]
[target.all]
wants = ["a", "b"]
`},
	}
}

var inotify = []uintptr{unix.SYS_INOTIFY_INIT1, unix.SYS_INOTIFY_ADD_WATCH}

// watchful are components of which the kernel tells something by inotify.
const watchful = `
[template.again]
recovery = { delay = "10ms", then = "retry" }
[component.file]
template = "again"
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; touch $DIR/there; exec sleep 1000"]
ready = { file = "$DIR/there" }
[component.forks]
template = "again"
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; exec prog daemonize $DIR/pid pause"]
pid_file = "$DIR/pid"
[component.waits]
template = "again"
command = ["sleep", "1000"]
[[component.waits.start_conditions]]
file = "$DIR/come"
timeout = "1m"
[component.worker]
template = "again"
command = ["sh", "-c", "setsid sh -c 'trap \"\" TERM; touch $DIR/armed; until test -e $DIR/free; do sleep 0.01; done' & exec sleep 1000"]
ready = { file = "$DIR/armed" }
[target.all]
depends_on = ["file", "forks", "waits", "worker"]
`

const unforked = `
[component.a]
command = ["sleep", "1000"]
recovery = { delay = "5ms", backoff = 1.0, then = "retry" }
[component.b]
command = ["sleep", "1000"]
[target.all]
depends_on = ["b"]
wants = ["a"]
`

// noForks refuses the manager's own fork, and that of the process in between, so many times.
func noForks(w *world, times ...int) {
	w.reach("all")
	before := w.component("b")
	for _, n := range times {
		for _, inner := range []bool{false, true} {
			errno := map[bool]unix.Errno{false: unix.EAGAIN, true: unix.ENOMEM}[inner]
			left := n
			w.object(func(a asked) unix.Errno {
				if left == 0 || a.thread() || !a.by("orderly-manager") || (oracle.Field("/proc", a.pid, "Threads") == "1") != inner {
					return 0
				}
				left--
				return errno
			})
			w.kill(w.eventually("a", "ready").PID, unix.SIGKILL)
			for had := 0; had < n; had = w.refused() {
				w.await(fmt.Sprintf("more than %d refusals of %d", had, n), func() bool { return w.refused() >= min(had+50, n) })
			}
			w.eventually("a", "ready")
			w.agree()
			w.saidOf("a", n, "clone", errno.Error())
		}
	}
	if now := w.component("b"); now.PID != before.PID || now.State != "ready" {
		w.Errorf("b was %+v and is %+v", before, now)
	}
}

// saidOf checks that the last n failures of a component that are still told were told with these words.
func (w *world) saidOf(name string, n int, words ...string) {
	w.Helper()
	list := slices.DeleteFunc(w.happened(name), func(e control.Event) bool { return e.From != "starting" || e.To == "ready" })
	if len(list) < n {
		w.Fatalf("%s: %d failed starts were told, want %d", name, len(list), n)
	}
	for _, e := range list[len(list)-n:] {
		for _, word := range words {
			if !strings.Contains(e.Reason, word) {
				w.Errorf("%s run %d: %q is not in %q", name, e.Run, word, e.Reason)
			}
		}
	}
}

// anotherManager kills the manager, and waits for the next one.
func (w *world) anotherManager() {
	w.Helper()
	dead := w.Manager()
	w.kill(dead, unix.SIGKILL)
	w.again(dead)
}

// again waits for the next manager, and for a connection to it.
func (w *world) again(dead int) {
	w.Helper()
	w.await("the next manager", func() bool { m := w.Manager(); return m != 0 && m != dead })
	w.reconnect()
}

func noThreads(w *world) {
	w.reach("all")
	before := w.component("a")
	dead := w.Manager()
	left, old := 3, strconv.Itoa(w.outside(dead))
	w.object(func(a asked) unix.Errno {
		if left == 0 || !a.thread() || !a.by("orderly-manager") || oracle.Field("/proc", a.pid, "Tgid") == old {
			return 0
		}
		left--
		return unix.ENOMEM // at EAGAIN the runtime tries again for a while
	})
	w.kill(dead, unix.SIGKILL)
	w.await("three refusals", func() bool { return w.refused() == 3 })
	w.again(dead)
	if now := w.eventually("a", "ready"); now.PID != before.PID || now.Run != before.Run {
		w.Errorf("a was %+v and is %+v", before, now)
	}
	if n := strings.Count(w.read("console"), "starting it again"); n != 4 {
		w.Errorf("four managers died, and %d of them were told of", n)
	}
}

func keptThreads(w *world) {
	w.object(func(a asked) unix.Errno {
		if a.thread() && a.by("orderly") {
			return unix.ENOMEM
		}
		return 0
	})
	w.reach("all")
	w.start(manyNames(200)...)
	for range 3 {
		for _, c := range w.status().Components {
			if c.PID != 0 && c.Name != "a" {
				w.signal(c.PID)
			}
		}
		unix.Kill(w.Keeper, unix.SIGHUP)
		w.anotherManager()
		w.start(manyNames(200)...)
	}
	w.stop(manyNames(200)...)
	if n := w.refused(); n > 0 {
		w.Errorf("%d threads were asked for", n)
	}
}

func manyNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("c%d", i))
	}
	return names
}

func noFiles(w *world) {
	w.reach("all")
	before := w.component("b")
	w.object(func(a asked) unix.Errno {
		if a.by("orderly-manager") {
			return unix.ENFILE
		}
		return 0
	})
	w.kill(w.component("a").PID, unix.SIGKILL)
	w.await("some failed starts", func() bool { return w.component("a").Run >= 4 })
	var held []*control.Client
	for range 5 { // nobody accepts them now
		c, err := control.Dial(w.socket)
		w.must(err)
		held = append(held, c)
	}
	n := w.refused()
	time.Sleep(500 * time.Millisecond)
	if most := 200; w.refused()-n > most {
		w.Errorf("%d calls were refused in half a second", w.refused()-n)
	}
	w.agree()
	w.eventually("a", "ready")
	list := slices.DeleteFunc(w.happened("a"), func(e control.Event) bool { return !strings.Contains(e.Reason, "too many open files in system") })
	if len(list) < 3 {
		w.Errorf("%d events say why", len(list))
	}
	for _, c := range held {
		var reply control.StatusReply
		if err := c.Call("GetStatus", control.NameParam{Name: "b"}, &reply); err != nil || reply.Status.Components[0].PID != before.PID {
			w.Errorf("b was %+v; now %+v, %v", before, reply.Status.Components, err)
		}
		c.Close()
	}
}

func noWatches(w *world) {
	w.object(func(a asked) unix.Errno {
		if a.nr == unix.SYS_INOTIFY_ADD_WATCH && a.by("orderly-manager") {
			return unix.ENOSPC
		}
		return 0
	})
	w.watchless("no space left on device")
}

func noInstances(w *world) {
	w.object(func(a asked) unix.Errno {
		if a.nr == unix.SYS_INOTIFY_INIT1 && a.by("orderly-manager") {
			return unix.EMFILE
		}
		return 0
	})
	w.anotherManager()
	if notes := strings.Join(w.status().Notes, "\n"); strings.Count(notes, "inotify_init1: too many open files") != 2 {
		w.Errorf("the notes: %s", notes)
	}
	w.watchless("too many open files")
	w.agree() // the next one has some again
	w.anotherManager()
	if notes := strings.Join(w.status().Notes, "\n"); strings.Contains(notes, "inotify") {
		w.Errorf("the notes: %s", notes)
	}
}

// watchless has everything happen that inotify tells of.
func (w *world) watchless(why string) {
	w.Helper()
	go w.apart("all")
	said := func(what string) bool {
		for line := range strings.Lines(w.read("log/orderly.log")) {
			if strings.Contains(line, what) && strings.Contains(line, why) {
				return true
			}
		}
		return false
	}
	w.await("a word of the files", func() bool { return said("file: ready.file: inotify") && said("forks: pid_file: inotify") })
	w.write("go", "")
	for _, name := range []string{"file", "forks", "worker"} {
		w.eventually(name, "ready")
	}
	w.is("waits", "waiting", "")
	w.write("come", "")
	w.eventually("waits", "ready")
	w.must(os.Remove(w.path("armed")))
	w.kill(w.component("worker").PID, unix.SIGKILL)
	w.await("a word of the group", func() bool { return said("the end of its last process is looked for again and again") })
	w.write("free", "")
	w.await("another run of worker", func() bool { c := w.component("worker"); return c.Run == 2 && c.State == "ready" })
	w.stop("worker")
	w.is("worker", "down", "")
	w.must(os.Remove(w.path("go")))
	if w.refused() == 0 {
		w.Error("nothing was refused")
	}
	w.must(os.Remove(w.path("come")))
}

func fullRun(w *world) {
	w.inside("mount", "-t", "tmpfs", "-o", "nr_inodes=5", "none", w.path("run"))
	w.await("a socket on another file system", func() bool { return w.inside("sh", "-c", "test -S "+w.socket+" && echo yes; true") == "yes\n" })
	w.inside("sh", "-c", "mkdir "+w.path("run/notify")+"; touch "+w.path("run/ballast")+"; touch "+w.path("run/more")+" 2>/dev/null; true")
	w.activate("all")
	w.is("b", "ready", "")
	w.await("a failed start that says so", func() bool { return strings.Contains(w.component("a").Reason, "no space left on device") })
	w.inside("rm", w.path("run/ballast"))
	w.inside("mount", "-o", "remount,nr_inodes=100", w.path("run"))
	w.eventually("a", "ready")
	w.stop("a")
	w.inside("sh", "-c", "umount -l "+w.path("run"))
	w.await("a socket on the one before", w.reachable)
	w.start("a") // with a notify socket there
	w.stop("a")
}

func noManager(w *world) {
	w.reach("all")
	before := w.component("a")
	w.object(func(a asked) unix.Errno {
		if !a.thread() && a.by("orderly") {
			return unix.EAGAIN
		}
		return 0
	})
	dead := w.Manager()
	w.kill(dead, unix.SIGKILL)
	w.await("refusals", func() bool { return w.refused() > 10 })
	said := w.figure("said")
	const room = 2000 // lines that fit its pipe, and more
	w.await("more lines than a pipe holds, while no manager is there", func() bool { return w.figure("said") > said+room })
	if m := w.Manager(); m != 0 {
		w.Errorf("a manager is there: %d", m)
	}
	w.agree()
	w.again(dead)
	if now := w.component("a"); now.PID != before.PID || now.State != "ready" {
		w.Errorf("a was %+v and is %+v", before, now)
	}
}
