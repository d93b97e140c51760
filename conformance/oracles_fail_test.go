package conformance

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// An oracle that nobody has seen to fail may be blind. Here each is shown what it must not let pass.

// fake is a world whose keeper is a shell.
func fake(t *testing.T, script string) *world {
	t.Helper()
	c := exec.Command("sh", "-c", script)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return &world{T: t, Daemon: besides(c.Process.Pid), dir: t.TempDir()}
}

// besides is a daemon that nobody started.
func besides(keeper int) *launch.Daemon {
	return &launch.Daemon{Place: foreground, Proc: "/proc", Keeper: keeper}
}

// awaitFound watches with one of the watchers until it finds something.
func awaitFound(w *world, watch func(*watching), want string) {
	w.Helper()
	k := newWatching(w)
	k.wait.Go(func() { watch(k) })
	defer k.stopped()
	found := func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		for what := range k.found {
			if strings.Contains(what, want) {
				return true
			}
		}
		return false
	}
	for tries := 1; !launch.Soon(found); tries++ { // some are found after many looks, which take their time on a busy machine
		if tries == 3 {
			w.Fatalf("not found: %s", want)
		}
	}
}

func TestOracleFindsTwoRuns(t *testing.T) {
	t.Parallel()
	w := fake(t, "ORDERLY_COMPONENT=a ORDERLY_RUN=1 sleep 100 & ORDERLY_COMPONENT=a ORDERLY_RUN=2 sleep 100 & wait")
	t.Cleanup(func() { killAll(w) })
	awaitFound(w, (*watching).sample, "a: runs 1 (process")
}

// killAll ends what a fake keeper has started.
func killAll(w *world) {
	for _, pid := range oracle.Children("/proc", w.Keeper) {
		w.kill(pid, 9)
	}
}

func TestOracleFindsZombies(t *testing.T) {
	t.Parallel()
	w := fake(t, "sleep 0 & exec sleep 100")
	awaitFound(w, (*watching).sample, "is a zombie for more than")
}

// answers serves a fake control socket, which takes its time: that is told how many answers there were before.
func answers(w *world, after func(n int) time.Duration) {
	w.socket = filepath.Join(w.dir, "c")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: w.socket})
	w.must(err)
	var n atomic.Int64
	s := &control.Server{Allow: func(control.Peer, control.Access) bool { return true }, Methods: map[string]control.Method{
		"GetStatus": {Access: control.Look, Serve: func(context.Context, control.Call) (any, error) {
			time.Sleep(after(int(n.Add(1) - 1)))
			return control.StatusReply{}, nil
		}},
	}}
	go s.Serve(l)
	w.Cleanup(func() { l.Close(); s.Close() })
}

func TestOracleFindsLateAnswers(t *testing.T) {
	t.Parallel()
	w := fake(t, "exec sleep 100")
	answers(w, func(int) time.Duration { return (oracle.LastSingle + oracle.LastLoaded) / 2 }) // late on a busy machine too, and else each is late by far
	awaitFound(w, (*watching).ask, "control answers")
}

func TestOracleFindsOneLateAnswer(t *testing.T) {
	t.Parallel()
	w := fake(t, "exec sleep 100")
	answers(w, func(n int) time.Duration {
		if n == 3 {
			return 2 * oracle.LastLoaded
		}
		return 0
	})
	awaitFound(w, (*watching).ask, "control answers after")
}

// TestOracleFindsSleep: who waits in vfork(2) is not to be woken by a signal.
func TestOracleFindsSleep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(programs, "victim"), filepath.Join(dir, "orderly-manager")); err != nil {
		t.Fatal(err)
	}
	w := fake(t, "PATH="+dir+":$PATH; orderly-manager asleep & wait")
	t.Cleanup(func() { killAll(w) })
	awaitFound(w, (*watching).sample, "the manager sleeps and no signal wakes it")
}

// TestOracleFindsAZombieAtOnce: one that is there when all is idle again is found, however short the play was.
func TestOracleFindsAZombieAtOnce(t *testing.T) {
	t.Parallel()
	w := fake(t, "sleep 0 & exec sleep 100")
	w.await("the zombie", func() bool { return len(oracle.Children("/proc", w.Keeper)) == 1 })
	var diff string
	w.await("its end", func() bool {
		diff = oracle.Footprint{}.Unlike(oracle.Footprint{Children: w.seen().Children()})
		return strings.Contains(diff, ", Z)")
	})
}

func TestOracleFindsTwoExecutions(t *testing.T) {
	t.Parallel()
	if k, err := listen(); err != nil {
		t.Skip("no proc connector: ", err)
	} else {
		k.close()
	}
	for want, script := range map[string]string{
		"run 1 of a (process": "for i in 1 2; do ORDERLY_COMPONENT=a ORDERLY_RUN=1 sleep 2; done",
		"is there":            "ORDERLY_COMPONENT=a ORDERLY_RUN=1 sh -c 'sleep 4; :' & sleep 1; ORDERLY_COMPONENT=a ORDERLY_RUN=2 sleep 2; wait",
		"":                    "for i in 1 2; do ORDERLY_COMPONENT=a ORDERLY_RUN=$i sh -c 'sleep 2; exec sleep 2'; done",
	} {
		w := fake(t, "true")
		trace.begin(w.dir)
		c := exec.Command("sh", "-c", script)
		c.Env = append(os.Environ(), "CONFORMANCE="+w.dir)
		w.must(c.Run())
		w.await("an execution", func() bool { _, ok := trace.find(w.dir, "a", 1); return ok })
		w.await("a finding", func() bool {
			trace.mu.Lock()
			defer trace.mu.Unlock()
			e := trace.worlds[w.dir]
			return want == "" || len(e.wrong)+len(e.again) > 0
		})
		got := strings.Join(trace.end(w.dir, func(string) bool { return false }), "; ")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
}

func TestOracleFindsWakeUps(t *testing.T) {
	t.Parallel()
	w := fake(t, "while sleep 0.02; do :; done")
	if n := w.seen().Woken(oracle.Calm, oracle.Calm); n == 0 {
		t.Error("one that wakes up all the time is idle")
	}
	w = fake(t, "exec sleep 100")
	if n := w.seen().Woken(oracle.Calm, patience); n != 0 {
		t.Errorf("one that sleeps was woken %d times", n)
	}
}

// TestOracleFindsAPeriod: a while of 1.5 seconds fits between two looks for a second without a wake-up, but not into twelve.
func TestOracleFindsAPeriod(t *testing.T) {
	t.Parallel()
	w := fake(t, "while sleep 1.5; do :; done")
	if n, _ := w.wakes(twelve); n <= 1 {
		t.Errorf("one that wakes up every 1.5 s was woken %d times in %v", n, twelve)
	}
}

// TestOracleFindsMounts: one that is made below the scenario's directory is in the footprint.
func TestOracleFindsMounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := exec.Command("unshare", "--mount", "sh", "-c", "mount -t tmpfs none "+dir+" && echo mounted && exec sleep 100")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	if n, _ := out.Read(make([]byte, 8)); n != 8 {
		t.Skip("may not mount")
	}
	w := &world{T: t, Daemon: besides(c.Process.Pid), dir: dir}
	if f := w.footprint(); len(f.Mounts) != 1 || f.Mounts[0] != dir {
		t.Errorf("the mounts: %v, want %s", f.Mounts, dir)
	}
}

// TestOracleFindsWhatIsLeftAtTheEnd: sockets, files, groups and processes.
func TestOracleFindsWhatIsLeftAtTheEnd(t *testing.T) {
	t.Parallel()
	w := &world{T: t, Daemon: besides(0), dir: t.TempDir()}
	w.socket = w.path("control.sock")
	if got := w.nothingLeft(); len(got) > 0 {
		t.Errorf("nothing is left, and it finds %v", got)
	}
	for _, path := range []string{w.socket, w.path("notify.sock")} {
		l, err := net.Listen("unix", path)
		w.must(err)
		defer l.Close()
	}
	w.cgroup = w.path("group")
	w.write("group/x", "")
	w.write("group.self/x", "")
	w.write("conf/o.toml", "pid_file = \""+w.path("a.pid")+"\"\n")
	w.write("a.pid", "7")
	c := exec.Command("sleep", "100")
	c.Env = []string{"CONFORMANCE=" + w.dir, "ORDERLY_COMPONENT=a", "PATH=/usr/bin:/bin"}
	w.must(c.Start())
	defer func() { c.Process.Kill(); c.Wait() }()
	w.await("its environment", func() bool { x, _, _ := identify(c.Process.Pid); return x.dir == w.dir })
	got := strings.Join(w.nothingLeft(), "; ")
	for _, want := range []string{
		"sockets are left: [" + w.path("notify.sock"), "the control socket is left", w.cgroup + " is left", w.cgroup + ".self is left",
		"pid files are left: [" + w.path("a.pid"), fmt.Sprintf("a process is left: /proc/%d/environ", c.Process.Pid),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
