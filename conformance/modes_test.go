package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// modes are scenarios about other ways to run.
func modes() []scenario {
	return []scenario{
		{id: "Q143", story: "first process of a container, without `run`: TERM and INT end components in order and it with 0, whatever theirs are; the last resort ends the container as reboot(2) says; it needs no terminal, and mounts nothing that is there; without CAP_SYS_ADMIN it mounts nothing, says what it has left as it is, and does all else", play: inContainer,
			root: true, places: []place{foreground}, config: one},
		{id: "Q147", story: "it may not be a subreaper: it says so and refuses to begin; orphans that escaped it are not reported as untracked, since there are none", play: noSubreaper, root: true, places: []place{foreground}, config: one},
	}
}

// contained is a supervisor as the first process of namespaces of its own, as an engine starts it, behind what wraps it. Something is
// not mounted there; what is is in the file "mounted". As any first process it takes the machine's own group, and ends what it finds in that: there
// is one at a time.
func (w *world) contained(config string, wrap ...string) *exec.Cmd {
	w.Helper()
	w.firsts.Do(func() {
		machine.Lock()
		w.Cleanup(machine.Unlock)
	})
	w.write("etc/o.toml", strings.ReplaceAll(config, "$DIR", w.dir))
	setup := fmt.Sprintf(`mount -t tmpfs none /run && mkdir -p /run/orderly/conf && cp %s /run/orderly/conf/ || exit 1
while umount -l %s 2>/dev/null; do :; done
cat /proc/self/mountinfo > %s
exec %s %s`, w.path("etc/o.toml"), unmounted, w.path("mounted"), strings.Join(wrap, " "), filepath.Join(programs, "orderly"))
	c := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", setup)
	c.Env = []string{"container=test", "PATH=" + programs + ":/usr/bin:/bin:/usr/sbin:/sbin"}
	console, err := os.Create(w.path("contained"))
	w.must(err)
	defer console.Close()
	c.Stdout, c.Stderr = console, console
	w.must(c.Start())
	w.Cleanup(func() { c.Process.Kill() }) // where it has not ended as it should
	return c
}

// machine is held by the scenario that has such containers.
var machine sync.Mutex

// unmounted is what Orderly would mount.
const unmounted = "/dev/shm"

// mounts are the places of what has been mounted in a container since it was begun, in order.
func (w *world) mounts(pid int) (fresh []string) {
	w.Helper()
	before, after := w.read("mounted")+"\n", string(w.bytes(fmt.Sprintf("/proc/%d/mountinfo", pid)))
	for line := range strings.Lines(before) {
		if !strings.Contains(after, line) {
			w.Errorf("no longer mounted: %s", line)
		}
	}
	for line := range strings.Lines(after) {
		point := strings.Fields(line)[4] // proc_pid_mountinfo(5)
		switch {
		case strings.Contains(before, line):
		case strings.Contains(before, " "+point+" "), slices.Contains(fresh, point):
			w.Errorf("mounted once more: %s", line)
		default:
			fresh = append(fresh, point)
		}
	}
	return fresh
}

const container = `initial_target = "all"
on_fallback_failure = "poweroff"
[component.a]
command = ["sh", "-c", "trap 'touch $DIR/ended; exit 3' TERM; touch $DIR/begun; while :; do sleep 0.01; done"]
ready = { file = "$DIR/begun" }
recovery = { attempts = 0 }
[target.all]
depends_on = ["a"]
[target.broken]
depends_on = ["b"]
[component.b]
command = ["sh", "-c", "exit 1"]
ready = { fd = 3 }
recovery = { attempts = 0 }
`

// initOf waits for the component of a container, and returns the container's first process.
func (w *world) initOf(c *exec.Cmd) int {
	w.Helper()
	w.await("a component", func() bool { return w.exists("begun") })
	return w.firstOf(c)
}

// firstOf is the first process of a container.
func (w *world) firstOf(c *exec.Cmd) int {
	w.Helper()
	var pids []int
	w.await("the first process", func() bool { pids = oracle.Children("/proc", c.Process.Pid); return len(pids) == 1 })
	return pids[0]
}

// dialed is a connection to the container with this first process.
func (w *world) dialed(first int) (client *control.Client) {
	w.Helper()
	w.await("its control socket", func() bool {
		var err error
		client, err = control.Dial(fmt.Sprintf("/proc/%d/root/run/orderly/control.sock", first))
		return err == nil
	})
	return client
}

// ends sends a signal to a container, which must end well with its component.
func (w *world) ends(c *exec.Cmd, init int, sig unix.Signal) {
	w.Helper()
	w.must(unix.Kill(init, sig))
	if code := exitOf(w, c); code != 0 || !w.exists("ended") {
		w.Errorf("%v: it ended with %d: %s", sig, code, w.read("contained"))
	}
	w.must(os.Remove(w.path("begun")))
	w.must(os.Remove(w.path("ended")))
}

func inContainer(w *world) {
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		c := w.contained(container)
		init := w.initOf(c)
		if list := w.mounts(init); !slices.Contains(list, unmounted) {
			w.Errorf("%s is not mounted: %v", unmounted, list)
		}
		w.ends(c, init, sig)
	}
	w.poor()
	c := w.contained(strings.Replace(container, `initial_target = "all"`, "initial_target = \"broken\"\nfallback_target = \"broken\"", 1))
	exitOf(w, c)
	if how := c.ProcessState.Sys().(syscall.WaitStatus); how.Signal() != unix.SIGINT { // what reboot(2) makes of a power off in a PID namespace
		w.Errorf("the last resort: it ended with %#x: %s", int(how), w.read("contained"))
	}
}

// poor is a container that may not mount.
func (w *world) poor() {
	w.Helper()
	c := w.contained(container, "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
	init := w.initOf(c)
	if list := w.mounts(init); len(list) > 0 {
		w.Errorf("it has mounted %v", list)
	}
	w.ends(c, init, unix.SIGTERM)
	for _, want := range []string{"container: left as it is: ", "mount tmpfs on " + unmounted + ": operation not permitted"} {
		if said := w.read("contained"); !strings.Contains(said, want) {
			w.Errorf("%q is not in what it says: %s", want, said)
		}
	}
}

// exitOf waits for a program, but not for ever.
func exitOf(w *world, c *exec.Cmd) int {
	w.Helper()
	late := time.AfterFunc(2*patience, func() { c.Process.Kill() })
	defer late.Stop()
	c.Wait()
	return c.ProcessState.ExitCode()
}

func noSubreaper(w *world) {
	w.write("other/conf/o.toml", "[component.a]\ncommand = [\"sh\", \"-c\", \"touch "+w.path("ran")+"\"]\n[target.all]\ndepends_on = [\"a\"]\n[log]\ndirectory = \""+w.path("other/log")+"\"\n")
	r, args, err := refuse(w.path("other"), []uintptr{unix.SYS_PRCTL})
	w.must(err)
	go r.serve()
	r.object = func(a asked) unix.Errno {
		if a.args[0] == unix.PR_SET_CHILD_SUBREAPER {
			return unix.EPERM
		}
		return 0
	}
	a := w.another("other", args...)
	if code := exitOf(w, a.Cmd); code != 1 {
		w.Errorf("it ended with %d", code)
	}
	if said := w.read("other/console"); !strings.Contains(said, "prctl subreaper: operation not permitted") {
		w.Errorf("it said %s", said)
	}
	if w.exists("ran") {
		w.Error("a component ran")
	}
}
