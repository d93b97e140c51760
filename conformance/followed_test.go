package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// followed are scenarios about main processes that name another one, and about those that speak before whoever started them.
func followed() []scenario {
	return []scenario{
		{id: "A6b", story: "a program names its child as the main process and ends, and whoever started it has not come to say that it is there: the child is followed", play: earlyHeir, root: true,
			traps: []uintptr{unix.SYS_EXECVE}, config: `
[component.a]
command = ["sh", "-c", "sleep 1000 & echo $! > $DIR/heir; prog notify \"MAINPID=$!\nREADY=1\"; touch $DIR/named"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "A6c", story: "a program names its child as the main process, the manager is killed, and then the program ends: the child is followed", play: heirOfTheDead, mortal: true, config: `
[component.a]
command = ["sh", "-c", "sleep 1000 & echo $! > $DIR/heir; prog notify \"MAINPID=$!\nREADY=1\"; until test -e $DIR/go; do sleep 0.01; done"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "A6d", story: "a program says that it is ready, and whoever started it has not come to say that it is there: its reload_command knows its pid all the same", play: earlyReload, root: true,
			traps: []uintptr{unix.SYS_EXECVE}, config: `
[component.a]
command = ["sh", "-c", "prog notify READY=1; touch $DIR/named; while :; do sleep 0.01; done"]
reload_command = ["dash", "-c", "echo pid $MAINPID > $DIR/reloaded"]
ready = { when = "notified" }
[target.all]
depends_on = ["a"]
`},
		{id: "A6e", story: "the same, and it asks for more time: that is not taken back when it is there", play: earlyWish, root: true,
			traps: []uintptr{unix.SYS_EXECVE}, config: `
[component.a]
command = ["sh", "-c", "prog notify EXTEND_TIMEOUT_USEC=60000000; touch $DIR/named; until test -e $DIR/go; do sleep 0.01; done; exec prog notify READY=1 pause"]
ready = { when = "notified" }
start_timeout = "8s"
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "A6f", story: "one that a pid file has named is followed by one that it names itself: the stop signal comes to that", play: namedTwice, config: `
[component.a]
command = ["sh", "-c", "sh -c 'sh -c \"until test -e $DIR/go; do sleep 0.01; done; exec sleep 1000\" & echo $! > $DIR/pid; until test -e $DIR/go; do sleep 0.01; done; trap \"touch $DIR/term; exit 0\" TERM; prog notify MAINPID=$$; touch $DIR/named; while :; do sleep 0.01; done' & exit 0"]
pid_file = "$DIR/pid"
notify = true
[target.all]
depends_on = ["a"]
`},
		{id: "A6g", story: "the manager is killed while whoever started a program has not come to say that it is there, and the program names another process, which ends at once: the program goes on",
			play: heirBeforeTheWord, root: true, mortal: true, traps: []uintptr{unix.SYS_EXECVE}, config: `
[component.a]
command = ["sh", "-c", "sh -c 'sleep 1000 & echo $! > $DIR/heir'; prog notify READY=1; touch $DIR/named; until test -e $DIR/go; do sleep 0.01; done; prog notify MAINPID=$(cat $DIR/heir); touch $DIR/spoken; while :; do sleep 0.01; done"]
ready = { when = "notified" }
recovery = { attempts = 0, then = "stop" }
[target.all]
depends_on = ["a"]
`},
		{id: "A6h", story: "a program says its last words and ends while the manager is stopped, and that is killed before it receives anything, the first time to the fourth: the words are heard",
			play: lastWords, root: true, mortal: true, traps: []uintptr{unix.SYS_RECVMSG}, config: `
[component.a]
command = ["sh", "-c", "until test -e $DIR/go; do sleep 0.01; done; sleep 1000 & echo $! > $DIR/heir; prog notify READY=1; prog notify MAINPID=$!"]
ready = { when = "notified" }
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "A6i", story: "a process that is nobody's child here ends, a pid file names one that is, and the manager is killed before it tells the keeper of it: the stop signal comes to that",
			play: placeTaken, root: true, mortal: true, traps: []uintptr{unix.SYS_SENDMSG}, config: `
[component.a]
command = ["sh", "-c", "(sh -c 'trap \"touch $DIR/term; exit 0\" TERM; echo $$ > $DIR/heir; while :; do sleep 0.01; done' &); sh -c 'sleep 1000 & echo $! > $DIR/pid; wait; touch $DIR/gone; sleep 1000' & wait"]
pid_file = "$DIR/pid"
stop_timeout = "3s"
recovery = { attempts = 0, then = "stop" }
[target.all]
depends_on = ["a"]
`},
	}
}

// late starts a shell as a component, and holds up its intermediate: that waits for the execve of its child, and is stopped before this
// returns. It goes on when somebody says so.
func (w *world) late() (goOn func()) {
	w.Helper()
	held := make(chan int, 1)
	w.object(func(c asked) unix.Errno {
		if c.by("orderly-manager") && filepath.Base(c.text(0)) == "sh" { // it has the memory of the manager still
			if p, ok := oracle.Look("/proc", c.pid); ok && unix.Kill(p.Parent, unix.SIGSTOP) == nil {
				held <- p.Parent
			}
		}
		return 0
	})
	w.orderly("activate", "all", "--no-wait")
	w.await("its execve", func() bool { return len(held) > 0 })
	intermediate := <-held
	w.agree()
	w.await("its word", func() bool { return w.exists("named") })
	return func() { w.must(unix.Kill(intermediate, unix.SIGCONT)) }
}

func earlyHeir(w *world) {
	goOn := w.late()
	w.eventually("a", "ready")
	goOn()
	w.followed("a")
}

func earlyReload(w *world) {
	goOn := w.late()
	w.eventually("a", "ready")
	if out, code := w.orderly("reload", "a"); code != 0 {
		w.Errorf("reload: %s", out)
	}
	w.await("its reload", func() bool { return w.read("reloaded") != "" })
	goOn()
	w.await("its pid", func() bool { return w.component("a").PID != 0 })
	if want := fmt.Sprintf("pid %d", w.component("a").PID); w.read("reloaded") != want {
		w.Errorf("the command has %q, want %q", w.read("reloaded"), want)
	}
}

func earlyWish(w *world) {
	goOn := w.late()
	time.Sleep(100 * time.Millisecond) // its word is read
	goOn()
	time.Sleep(9 * time.Second) // longer than its start_timeout
	w.is("a", "starting", "")
	w.write("go", "")
	w.eventually("a", "ready")
}

func namedTwice(w *world) {
	w.reach("all")
	first := w.component("a").PID
	w.write("go", "")
	w.await("its word", func() bool { return w.exists("named") })
	w.await("another main process", func() bool { pid := w.component("a").PID; return pid != 0 && pid != first })
	w.stop("a")
	if !w.exists("term") {
		w.Error("the signal did not come")
	}
}

// followed waits until the heir of a component is its main process.
func (w *world) followed(name string) {
	w.Helper()
	w.mainIs(name, "heir")
	if n := w.count(name, "stopping"); n > 0 {
		w.Error("the end of the one before was taken for that of the component")
	}
}

// mainIs waits until the main process of a component is the one that a file names.
func (w *world) mainIs(name, file string) (c control.Component) {
	w.Helper()
	w.await("the process that "+file+" names as the main one", func() bool {
		c = w.component(name)
		return strconv.Itoa(c.PID) == w.read(file)
	})
	return c
}

// doom has the manager killed before the n-th of the calls that are trapped, and says when it is.
func (w *world) doom(n int) <-chan bool {
	w.Helper()
	doomed, made, dies := w.outside(w.Manager()), 0, make(chan bool, 1)
	w.object(func(c asked) unix.Errno {
		if oracle.Field("/proc", c.pid, "Tgid") != strconv.Itoa(doomed) {
			return 0
		}
		if made++; made == n {
			unix.Kill(doomed, unix.SIGKILL)
			dies <- true
		}
		return 0
	})
	return dies
}

func heirBeforeTheWord(w *world) {
	goOn := w.late()
	w.eventually("a", "ready")
	w.anotherManager()
	first := w.component("a")
	w.write("go", "")
	w.await("its word", func() bool { return w.exists("spoken") })
	time.Sleep(100 * time.Millisecond) // it is read
	heir, err := strconv.Atoi(w.read("heir"))
	w.must(err)
	w.kill(heir, unix.SIGKILL)
	time.Sleep(100 * time.Millisecond)
	goOn()
	time.Sleep(100 * time.Millisecond)
	if c := w.component("a"); c.State != "ready" || c.Run != first.Run || c.PID != first.PID {
		w.Errorf("it was run %d as process %d, and is %s: run %d as process %d", first.Run, first.PID, c.State, c.Run, c.PID)
	}
}

func lastWords(w *world) {
	for n := 1; n <= 4; n++ {
		w.orderly("activate", "all", "--no-wait")
		w.await("its process", func() bool { return w.component("a").PID != 0 })
		shell, first := w.component("a").PID, w.Manager()
		w.kill(first, unix.SIGSTOP)
		w.write("go", "")
		w.await("its end", func() bool { p, there := oracle.Look(w.Proc, shell); return !there || !p.Alive() })
		dies := w.doom(n)
		w.kill(first, unix.SIGCONT)
		select {
		case <-dies:
			w.again(first)
		case <-time.After(time.Second): // to look at each of both words and to take it is to receive four times
			w.Errorf("the manager did not receive %d times", n)
		}
		w.agree()
		w.eventually("a", "ready")
		w.mainIs("a", "heir")
		if run := w.component("a").Run; int(run) != n {
			w.Errorf("run %d, want %d", run, n)
		}
		w.stop("a")
		w.must(os.Remove(w.path("go")))
	}
}

func placeTaken(w *world) {
	w.reach("all")
	first, old := w.Manager(), w.mainIs("a", "pid").PID
	doomed := w.outside(first)
	w.kill(first, unix.SIGSTOP)
	w.await("its stop", func() bool { return strings.HasPrefix(oracle.Field("/proc", doomed, "State"), "T") })
	w.write("pid", w.read("heir"))
	w.kill(old, unix.SIGKILL)
	w.await("its end", func() bool { return w.exists("gone") })
	w.doom(1)
	w.kill(first, unix.SIGCONT)
	w.again(first)
	w.agree()
	if run := w.mainIs("a", "heir").Run; run != 1 {
		w.Errorf("run %d", run)
	}
	w.stop("a")
	if !w.exists("term") {
		w.Errorf("the stop signal has not come")
	}
}

func heirOfTheDead(w *world) {
	w.reach("all")
	w.anotherManager()
	w.write("go", "")
	w.followed("a")
}
