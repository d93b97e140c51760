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

// deaths are scenarios about the end of the manager, and of what is between it and a component.
func deaths() []scenario {
	return []scenario{
		{id: "O129a", story: "with 1000 components a new manager is in control 200 ms after the death of the one before, and has begun again what died meanwhile, not counting what anybody waited for a processor; one of four may take longer", play: soonInControl, config: swift(1000),
			places: []place{foreground}, mortal: true, loaded: true, alone: true},
		{id: "O129b", story: "what starts a component is killed at any step while its child is on the way: the child is gone before the next run begins", play: orphanedStarts, config: galleryText(`
[template.one]
stop_timeout = "0s"
command = ["/prog", "append", "/state/starts", "NAME", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
recovery = { delay = "1ms", max_delay = "1ms", then = "stop" }
container = { rootfs = "$DIR/root", mounts = [{ source = "$DIR", target = "/state" }] }
[component.plain]
command = ["prog", "append", "$DIR/starts", "plain", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
recovery = { delay = "1ms", max_delay = "1ms", then = "stop" }
[component.box]
template = "one"
[component.clock]
template = "one"
container.boottime_offset = "5s"
`), places: []place{foreground}, root: true, loaded: true},
		{id: "O131", story: "100 components end, each with a code of its own, while no manager is there and none can be made: the next one has every exit with its code", play: exitsUnseen,
			root: true, traps: forks, mortal: true, lossy: true, config: farewells(100)},
		{id: "O131c", story: "the manager is killed before each pidfd and each group on the way to the adoption of a process: the component has that with all of its children, and its own program is not started", play: adoptedByTheDead,
			root: true, traps: []uintptr{unix.SYS_PIDFD_OPEN, unix.SYS_MKDIRAT}, mortal: true, config: one},
		{id: "O131e", story: "a process is adopted, and its parent leaves it to the keeper: its exit code is known, twenty times", play: leftToTheKeeper,
			root: true, places: []place{first}, config: `
[component.a]
command = ["sleep", "1000"]
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["a"]
`},
		{id: "O131d", story: "the manager is killed while it takes in a process that it has adopted, and so is the next one: the same", play: adoptedByTheNext,
			root: true, traps: []uintptr{unix.SYS_PIDFD_OPEN, unix.SYS_MKDIRAT}, mortal: true, config: one},
	}
}

// farewells are components that wait for a word and then end with codes from 1 on.
func farewells(n int) (text string) {
	for i := range n {
		text += fmt.Sprintf("[component.c%d]\ncommand = [\"sh\", \"-c\", \"read word < $DIR/word; exit %d\"]\nrecovery = { attempts = 0, then = \"stop\" }\n", i, i+1)
	}
	return text + wanting(n)
}

func exitsUnseen(w *world) {
	w.must(unix.Mkfifo(w.path("word"), 0o600))
	word, err := os.OpenFile(w.path("word"), os.O_RDWR, 0)
	w.must(err)
	defer word.Close()
	w.reach("all")
	before := w.status()
	w.object(func(a asked) unix.Errno {
		if a.thread() || !a.by("orderly") {
			return 0
		}
		time.Sleep(300 * time.Millisecond) // after fifty refusals the keeper gives up
		return unix.EAGAIN
	})
	dead := w.Manager()
	w.kill(dead, unix.SIGKILL)
	w.await("a refusal", func() bool { return w.refused() > 0 })
	for range before.Components { // each takes a line
		_, err := word.WriteString("go\n")
		w.must(err)
	}
	for _, c := range before.Components {
		w.await("the end of "+c.Name, func() bool { _, there := oracle.Look(w.Proc, c.PID); return c.Name == "warm" || !there })
	}
	if m := w.Manager(); m != 0 {
		w.Errorf("a manager is there: %d", m)
	}
	w.agree()
	w.again(dead)
	for _, c := range before.Components {
		if c.Name == "warm" {
			continue
		}
		now, code := w.eventually(c.Name, "failed"), -1
		if now.Exit != nil && now.Exit.Code != nil {
			code = *now.Exit.Code
		}
		if want, _ := strconv.Atoi(c.Name[1:]); code != want+1 || now.Run != c.Run {
			w.Errorf("%s was to end with %d: %+v, exit %d", c.Name, want+1, now, code)
		}
	}
}

func orphanedStarts(w *world) {
	w.furnish()
	for _, name := range []string{"plain", "box", "clock"} {
		for _, who := range []string{"middle", "child"} {
			k := w.trace("-who", who)
			w.start(name)
			steps, _ := k.end()
			w.stop(name)
			if steps < 2 {
				w.Errorf("%s: the %s makes %d calls", name, who, steps)
			}
			for _, n := range spread(steps) {
				w.kills(name, who, "kill", n)
				if who == "child" {
					w.kills(name, who, "orphan", n)
				}
			}
		}
	}
}

// kills kills who is on the way to a component before its Nth call. In an orphan the child is held there: it must be gone before
// another run is ready.
func (w *world) kills(name, who, deed string, n int) {
	w.empty()
	k := w.trace("-who", who, "-n", strconv.Itoa(n), "-deed", deed)
	before := w.component(name)
	w.start(name)
	story := k.did()
	if pid := processOf(story); runs(pid) && who == "child" {
		w.Errorf("%s: %s: process %s is there in the next run", name, story, pid)
	}
	k.end()
	runs := w.component(name).Run - before.Run
	if c := w.component(name); c.State != "ready" || runs != 2 && (who == "child" || runs != 1) { // the last a middle does is to tell
		w.Errorf("%s: %s: %+v", name, story, c)
	}
	w.reality()
	if starts := strings.Count(w.read("starts"), name); starts != 1 && who == "child" || starts > 2 {
		w.Errorf("%s: %s: executed %d times", name, story, starts)
	}
	w.stop(name)
}

// runs says whether there is a process that has not ended.
func runs(pid string) bool {
	n, _ := strconv.Atoi(pid)
	p, ok := oracle.Look("/proc", n)
	return ok && p.Alive()
}

// spread are some of the calls 1 to n, the first ones among them: what comes before the child is in its group, all of them with -long.
func spread(n int) (list []int) {
	for i := 1; i <= n; i++ {
		if *long || i <= 3 || (i+*seed)%(n/4+1) == 0 {
			list = append(list, i)
		}
	}
	return list
}

// processOf is the process that a tracer says it did something with.
func processOf(story string) string {
	f := strings.Fields(story)
	return f[slices.Index(f, "process")+1]
}

// answers says whether somebody says how a component is: in a certain run at least, and ready.
func (w *world) answers(name string, run uint32) bool {
	c, err := control.Dial(w.socket)
	if err != nil {
		return false
	}
	defer c.Close()
	var reply control.StatusReply
	err = c.Call("GetStatus", control.NameParam{Name: name}, &reply)
	return err == nil && reply.Status.Components[0].Run >= run && reply.Status.Components[0].State == "ready"
}

// lastControl is how long after the death of a manager the next one answers.
const lastControl = 200 * time.Millisecond

func soonInControl(w *world) {
	w.reach("all")
	w.watching.stopped() // it takes a processor
	var took []time.Duration
	for round := range 4 { // a fifth death within a minute means safe mode
		before := w.status()
		dying := before.Components[round*100]
		w.client.Close()
		_, keeperWaited := w.loop(w.Keeper)
		dead, run := time.Now(), dying.Run
		w.kill(w.Manager(), unix.SIGKILL)
		if round%2 == 1 {
			w.signal(dying.PID)
			run++
		}
		w.await("an answer of the next manager", func() bool { return w.answers(dying.Name, run) })
		all := time.Since(dead)
		ran, waited := w.loop(w.Manager()) // of a new process
		if oracle.Busy() {                 // then its other threads wait too, side by side or one for another
			waited = delay(fmt.Sprintf("%s/%d", w.Proc, w.Manager()))
		}
		_, waitedThen := w.loop(w.Keeper)
		waited += waitedThen - keeperWaited
		w.Logf("round %d: answered after %v; its loop ran for %v; with the keeper it waited for %v", round, all, ran, waited)
		took = append(took, max(ran, all-waited))
		w.await("a connection", w.connected)
		for i, c := range w.status().Components {
			if b := before.Components[i]; c.State != b.State || c.Name != dying.Name && c.PID != b.PID || c.Name == dying.Name && c.Run != run {
				w.Errorf("%s was %+v and is %+v", c.Name, b, c)
			}
		}
	}
	slices.Sort(took)
	if second := took[len(took)-2]; second > lastControl {
		w.Errorf("the next managers answer after %v", took)
	}
}
