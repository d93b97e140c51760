package conformance

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// forks are the calls that make processes and threads.
var forks = []uintptr{unix.SYS_CLONE, unix.SYS_CLONE3}

// scarcity are scenarios about what is used up: processes, threads, descriptors, memory, watches.
func scarcity() []scenario {
	return []scenario{
		{id: "E45", story: "fork fails with EAGAIN and ENOMEM, once, 10 and 300 times: each is a failed start that says so, others go on, and the next fork that works starts it", play: func(w *world) { noForks(w, 1, 10, 300) },
			root: true, traps: forks, config: unforked},
		{id: "E45b", story: "E45 with 3000 times", play: func(w *world) { noForks(w, 3000) }, root: true, traps: forks, config: unforked, long: true},
		{id: "E45c", story: "the manager gets no new thread, and the next three managers neither: each dies of it, components go on, and the next one has them", play: noThreads, root: true, traps: forks, mortal: true, lossy: true, config: one},
		{id: "E45d", story: "the keeper gets no new thread from its start on: managers die, exits come by the hundred, signals arrive, and it goes on to its end", play: keptThreads, root: true, traps: forks, mortal: true, lossy: true, config: one + many(200)},
	}
}

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
				if left == 0 || a.thread() || !a.by("orderly-manager") || (field("/proc", a.pid, "Threads") == "1") != inner {
					return 0
				}
				left--
				return errno
			})
			w.kill(w.eventually("a", "ready").PID, unix.SIGKILL)
			w.await(fmt.Sprintf("%d refusals", n), func() bool { return w.refused() == n })
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

// again waits for the next manager, and for a connection to it.
func (w *world) again(dead int) {
	w.Helper()
	w.await("the next manager", func() bool { m := w.manager(); return m != 0 && m != dead })
	w.reconnect()
}

func noThreads(w *world) {
	w.reach("all")
	before := w.component("a")
	left := 3
	w.object(func(a asked) unix.Errno {
		if left == 0 || !a.thread() || !a.by("orderly-manager") {
			return 0
		}
		left--
		return unix.ENOMEM // at EAGAIN the runtime tries again for a while
	})
	dead := w.manager()
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
		unix.Kill(w.keeper, unix.SIGHUP)
		dead := w.manager()
		w.kill(dead, unix.SIGKILL)
		w.again(dead)
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
