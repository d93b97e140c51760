package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// modes are scenarios about other ways to run.
func modes() []scenario {
	return []scenario{
		{id: "Q143", story: "first process of a container, without `run`: TERM and INT end components in order and it with 0; the last resort ends the container as reboot(2) says; it needs no terminal, and mounts nothing that is there", play: inContainer,
			root: true, places: []place{foreground}, config: one},
		{id: "Q147", story: "it may not be a subreaper: it says so and refuses to begin; orphans that escaped it are not reported as untracked, since there are none", play: noSubreaper, root: true, places: []place{foreground}, config: one},
	}
}

// contained is a supervisor as the first process of namespaces of its own, as an engine starts it.
func (w *world) contained(config string) *exec.Cmd {
	w.Helper()
	w.write("etc/o.toml", strings.ReplaceAll(config, "$DIR", w.dir))
	setup := fmt.Sprintf("mount -t tmpfs none /run && mkdir -p /run/orderly/conf && cp %s /run/orderly/conf/ && exec %s", w.path("etc/o.toml"), filepath.Join(programs, "orderly"))
	c := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", setup)
	c.Env = []string{"container=test", "PATH=" + programs + ":/usr/bin:/bin:/usr/sbin:/sbin"}
	console, err := os.Create(w.path("contained"))
	w.must(err)
	defer console.Close()
	c.Stdout, c.Stderr = console, console
	w.must(c.Start())
	return c
}

func inContainer(w *world) {
	const config = `initial_target = "all"
on_fallback_failure = "poweroff"
[component.a]
command = ["sh", "-c", "trap 'touch $DIR/ended; exit 0' TERM; touch $DIR/begun; while :; do sleep 0.01; done"]
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
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		c := w.contained(config)
		w.await("a component", func() bool { return w.exists("begun") })
		kids := children("/proc", c.Process.Pid)
		if len(kids) != 1 {
			w.Fatalf("children of unshare: %v", kids)
		}
		w.must(unix.Kill(kids[0], sig))
		if code := exitOf(w, c); code != 0 || !w.exists("ended") {
			w.Errorf("%v: it ended with %d: %s", sig, code, w.read("contained"))
		}
		w.must(os.Remove(w.path("begun")))
		w.must(os.Remove(w.path("ended")))
	}
	c := w.contained(strings.Replace(config, `initial_target = "all"`, "initial_target = \"broken\"\nfallback_target = \"broken\"", 1))
	exitOf(w, c)
	if how := c.ProcessState.Sys().(syscall.WaitStatus); how.Signal() != unix.SIGINT { // what reboot(2) makes of a power off in a PID namespace
		w.Errorf("the last resort: it ended with %#x: %s", int(how), w.read("contained"))
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
