package conformance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
)

// namespaces are scenarios about cgroups, namespaces and containers.
func namespaces() []scenario {
	return []scenario{
		{id: "L110", story: "keeper and manager are killed at one instant, and Orderly is started again: what was left, also what left its session and ignores signals, is ended before the first start", play: leftovers,
			root: true, places: []place{foreground}, config: one, files: map[string]string{"old/conf/o.toml": `initial_target = "all"
[log]
directory = "$DIR/old/log"
[component.a]
command = ["sh", "-c", "for p in $(cat $DIR/old/pids); do kill -0 $p 2>/dev/null && ! grep -q State:.Z /proc/$p/status && echo $p >> $DIR/old/alive; done; setsid sh -c 'trap \"\" TERM; echo $$ >> $DIR/old/pids; while :; do sleep 1; done' & echo $$ >> $DIR/old/pids; touch $DIR/old/told; exec sleep 1000"]
ready = { file = "$DIR/old/told" }
[target.all]
depends_on = ["a"]
`, "old/pids": ""}},
		{id: "L112", story: "a filter refuses clone3 with EPERM: components start all the same, each in its cgroup before its first instruction", play: withoutClone3, root: true, traps: []uintptr{unix.SYS_CLONE3}, object: refusing(unix.EPERM), config: cgrouped},
		{id: "L112b", story: "the same with ENOSYS, as from a kernel that does not have it", play: withoutClone3, root: true, traps: []uintptr{unix.SYS_CLONE3}, object: refusing(unix.ENOSYS), config: cgrouped},
		{id: "L112c", story: "a filter refuses close_range with ENOSYS, and lets clone3 be made: the same", play: withoutClone3, root: true, traps: []uintptr{unix.SYS_CLOSE_RANGE}, object: refusing(unix.ENOSYS), config: cgrouped},
		{id: "L114", story: "the first process of a container dies, has no handler for its signal, leaves orphans: the rest dies with it, it is told of and killed in time, and an init reaps them", play: firstProcess, root: true, config: `
[template.box]
stop_timeout = "500ms"
recovery = { delay = "10ms", then = "retry" }
[template.box.container]
rootfs = "$DIR/root"
` + hostPrograms + `[component.bare]
template = "box"
command = ["sh", "-c", "setsid sleep 1000 & sleep 1000 & touch /bare; while :; do sleep 1; done"]
ready = { file = "/bare" }
[component.init]
template = "box"
command = ["sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.0$i &) ; done; sleep 0.3; for i in $(seq 100); do cat /proc/[0-9]*/stat > /states; grep -q ') Z ' /states || break; sleep 0.05; done; touch /init; exec sleep 1000"]
ready = { file = "/init" }
container.init = true
[target.all]
depends_on = ["bare", "init"]
`, files: map[string]string{"root/x": ""}},
		{id: "L114b", story: "a container with an init is told to end in its first moment, 100 times: the init hears it, and nobody waits for stop_timeout", play: endsAtOnce, root: true, config: `
[component.boxed]
command = ["/prog", "pause"]
stop_timeout = "1m"
container = { rootfs = "$DIR/root", init = true }
[target.all]
depends_on = ["boxed"]
`},
		{id: "L115", story: "user namespaces cannot be had, for want of room or of permission: a failed start that says so, and the program never runs; others do", play: noUserNamespaces, root: true, traps: forks, config: `
[component.a]
command = ["sh", "-c", "touch /ran"]
recovery = { attempts = 0, then = "stop" }
[component.a.container]
rootfs = "$DIR/root"
namespaces = ["user", "pid", "mount"]
` + hostPrograms + `[component.b]
command = ["sleep", "1000"]
[target.all]
wants = ["a", "b"]
`, files: map[string]string{"root/x": ""}},
	}
}

// hostPrograms are those of the machine in a container.
const hostPrograms = `mounts = [{ source = "/usr", target = "/usr", options = "ro" }, { source = "/usr/bin", target = "/bin", options = "ro" }, { source = "/usr/lib", target = "/lib", options = "ro" }, { source = "/usr/lib64", target = "/lib64", options = "ro" }]
`

// cgrouped writes down where it is when it begins.
const cgrouped = `
[component.a]
command = ["sh", "-c", "cat /proc/self/cgroup > $DIR/group; touch $DIR/told; exec sleep 1000"]
ready = { file = "$DIR/told" }
[target.all]
depends_on = ["a"]
`

// refusing objects to every call.
func refusing(errno unix.Errno) func(asked) unix.Errno {
	return func(asked) unix.Errno { return errno }
}

func leftovers(w *world) {
	if w.cgroup == "" {
		w.Skip("needs cgroups: without them nobody knows what was left")
	}
	w.write("old/conf/o.toml", strings.ReplaceAll(w.read("old/conf/o.toml"), "$DIR", w.dir))
	a := w.another("old")
	a.up("all")
	w.await("one that left its session", func() bool { return len(strings.Fields(w.read("old/pids"))) == 2 })
	group := ""
	shown, _ := a.orderly("show", "a")
	for line := range strings.Lines(shown) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "cgroup" {
			group = f[1]
		}
	}
	a.kill()
	for _, word := range strings.Fields(w.read("old/pids")) {
		pid, _ := strconv.Atoi(word)
		if p, ok := oracle.Look("/proc", pid); !ok || !p.Alive() {
			w.Fatalf("process %d did not outlive its supervisor: there is nothing to show", pid)
		}
	}
	a = w.another("old")
	a.up("all")
	if alive := w.read("old/alive"); alive != "" {
		w.Errorf("of an earlier one there were, when a was started: %s", alive)
	}
	w.await("its own pids", func() bool { return len(strings.Fields(w.read("old/pids"))) == 4 })
	if code := a.end(unix.SIGTERM); code != 0 {
		w.Errorf("it ended with %d", code)
	}
	if _, err := os.Stat(filepath.Dir(group)); group == "" || err == nil {
		w.Errorf("its cgroup %q is left", group)
	}
}

func withoutClone3(w *world) {
	w.reach("all")
	if w.cgroup == "" {
		w.Skip("needs cgroups")
	}
	if !strings.Contains(w.read("group"), "/"+filepath.Base(w.cgroup)+"/a\n") && !strings.HasSuffix(w.read("group"), "/"+filepath.Base(w.cgroup)+"/a") {
		w.Errorf("a began in %s, want %s/a", w.read("group"), w.cgroup)
	}
	if n := w.refused(); n == 0 {
		w.Error("nothing was refused")
	}
	w.signal(w.component("a").PID)
	w.await("another run", func() bool { c := w.component("a"); return c.Run == 2 && c.State == "ready" })
	w.stop("a")
}

func firstProcess(w *world) {
	w.reach("all")
	for line := range strings.Lines(w.read("root/states")) {
		if strings.Contains(line, ") Z ") {
			w.Errorf("an init leaves a zombie: %s", line)
		}
	}
	inside := func() (n int) {
		for _, p := range w.tree() {
			if p.Component == "bare" && p.Alive() {
				n++
			}
		}
		return n
	}
	w.await("four processes", func() bool { return inside() == 4 })
	main := w.component("bare").PID
	w.signal(main)
	w.await("another run, of as many", func() bool { c := w.component("bare"); return c.Run == 2 && c.State == "ready" && inside() == 4 })
	begin := time.Now()
	w.stop("bare")
	if took := time.Since(begin); took < 500*time.Millisecond || took > 8*time.Second {
		w.Errorf("the stop took %v", took)
	}
	if n := inside(); n > 0 {
		w.Errorf("it is down, and %d processes live", n)
	}
	if c := w.component("bare"); c.Exit == nil || c.Exit.Signal != "KILL" || !strings.Contains(w.read("log/orderly.log"), "bare: ") {
		w.Errorf("bare is %+v", c)
	}
	begin = time.Now()
	w.stop("init") // which passes the signal on
	if took := time.Since(begin); took > 8*time.Second {
		w.Errorf("the stop took %v", took)
	}
	if c := w.component("init"); c.Exit == nil || c.Exit.Code == nil || *c.Exit.Code != 128+15 {
		w.Errorf("init is %+v", c.Exit)
	}
}

func noUserNamespaces(w *world) {
	for _, errno := range []unix.Errno{unix.ENOSPC, unix.EPERM, unix.EUSERS} {
		w.object(func(a asked) unix.Errno {
			if a.flags()&unix.CLONE_NEWUSER != 0 {
				return errno
			}
			return 0
		})
		w.activate("all")
		w.is("a", "failed", "user namespace")
		w.is("a", "failed", map[unix.Errno]string{unix.ENOSPC: "as many namespaces as the kernel allows"}[errno])
		if errno != unix.ENOSPC {
			w.is("a", "failed", errno.Error())
		}
		w.is("b", "ready", "")
		if w.refused() == 0 {
			w.Error("nothing was refused")
		}
		w.activate("idle")
	}
	if w.exists("root/ran") {
		w.Error("it ran")
	}
	w.agree()
}

func endsAtOnce(w *world) {
	w.withProgram("root")
	for range 100 {
		w.reach("all")
		w.activate("idle")
	}
	for _, e := range w.happened("boxed") {
		if e.From == "stopping" && e.To == "stopping" {
			w.Errorf("run %d: %s", e.Run, e.Reason)
		}
	}
}
