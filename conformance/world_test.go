package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

const patience = launch.Patience

// world is one supervisor with its scenario.
type world struct {
	*testing.T
	*launch.Daemon
	dir     string
	socket  string
	cgroup  string // where it makes its groups; "" without
	client  *control.Client
	refuser *refuser  // of system calls; nil without
	firsts  sync.Once // see contained

	watching *watching // while a scenario is played

	pids    map[string]int // of components when a passage began
	runs    map[string]uint32
	changes int    // of the configuration
	began   uint64 // the last event before a passage

	mu     sync.Mutex
	events []control.Event // all of them, from the first on
}

// begin starts a supervisor for a scenario, on the target "idle".
func begin(t *testing.T, s *scenario, p place) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir()}
	os.Chmod(w.dir, 0o755)
	os.Chmod(filepath.Dir(w.dir), 0o755)
	w.socket = filepath.Join(w.dir, "run/control.sock")
	for name, text := range s.files {
		w.write(name, text)
	}
	w.write("conf/o.toml", w.text(s.config))
	trace.begin(w.dir)
	program := filepath.Join(programs, "orderly")
	args := append(w.trapped(s), program, "run", "--config", w.path("conf"), "--control", w.socket)
	c := p.Command(args...)
	c.Env = []string{"PATH=" + programs + ":/usr/bin:/bin:/usr/sbin:/sbin", "LEAK=manager"}
	d, err := launch.Start(p, c, w.path("console"))
	w.must(err)
	w.Daemon = d
	if !launch.Soon(w.connected) || !launch.Soon(func() bool { return w.Found(program) }) {
		w.Abandon()
		w.Fatalf("no connection to the control socket; console:\n%s", w.read("console"))
	}
	go w.follow()
	return w
}

// trapped is what the program is started by.
func (w *world) trapped(s *scenario) []string {
	if s.traps == nil {
		return append([]string(nil), s.wrap...)
	}
	r, args, err := refuse(w.dir, s.traps)
	w.must(err)
	w.refuser = r
	if s.object != nil {
		r.object = s.object
	}
	go r.serve()
	return append(args, s.wrap...)
}

// text is the whole configuration.
func (w *world) text(config string) string {
	return "initial_target = \"idle\"\n" + strings.ReplaceAll(config, "$DIR", w.dir) + fmt.Sprintf(`
[log]
directory = %q
console = "debug"
max_size = "16MiB"
[defaults.component]
environment = { CONFORMANCE = %q }
[component.warm]
command = ["sleep", "1000"]
[target.idle]
[target.warming]
depends_on = ["warm"]
`, w.path("log"), w.dir)
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.Helper()
	w.must(os.MkdirAll(filepath.Dir(w.path(name)), 0o755))
	w.must(os.WriteFile(w.path(name), []byte(text), 0o755))
}

// read is a file of the scenario's directory, "" where it is not there.
func (w *world) read(name string) string {
	b, _ := os.ReadFile(w.path(name))
	return strings.TrimSpace(string(b))
}

func (w *world) exists(name string) bool {
	_, err := os.Lstat(w.path(name))
	return err == nil
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// await asks until yes: for what another process does, and nobody tells.
func (w *world) await(what string, yes func() bool) {
	w.Helper()
	if !launch.Soon(yes) {
		w.Fatalf("%s: not within %v", what, patience)
	}
}

// connected says whether there is a connection, and makes it.
func (w *world) connected() bool {
	c, err := control.Dial(w.socket)
	w.client = c
	return err == nil
}

// tree are all processes below the keeper.
func (w *world) tree() []oracle.Process {
	return oracle.Tree(w.Proc, w.Inside(), oracle.Known{})
}

// kill sends a signal to a process by the pid that its own namespace has for it.
func (w *world) kill(pid int, sig unix.Signal) {
	w.Helper()
	if pid <= 1 {
		w.Fatalf("a signal to process %d", pid)
	}
	w.must(w.Kill(pid, sig))
}

// inside runs a command beside the components: in the supervisor's namespaces, and of none of them.
func (w *world) inside(args ...string) string {
	w.Helper()
	out, err := w.Command(args...).CombinedOutput()
	if err != nil {
		w.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// orderly runs a command of the program, and returns what it printed and its exit status.
func (w *world) orderly(args ...string) (string, int) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(programs, "orderly"), args...)
	c.Env = []string{"ORDERLY_CONTROL=" + w.socket, "PATH=/usr/bin:/bin", "NO_COLOR=1"}
	out, _ := c.CombinedOutput()
	return string(out), c.ProcessState.ExitCode()
}

// follow keeps all events, over the deaths of managers too.
func (w *world) follow() {
	for {
		c, err := control.Dial(w.socket)
		if err != nil {
			select {
			case <-w.Ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		w.mu.Lock()
		after := uint64(0)
		if n := len(w.events); n > 0 {
			after = w.events[n-1].Seq
		}
		w.mu.Unlock()
		c.Stream("Events", control.EventsParam{After: after, Follow: true}, w.keep)
		c.Close()
	}
}

func (w *world) keep(b json.RawMessage, last bool) error {
	var reply control.EventsReply
	if err := json.Unmarshal(b, &reply); err != nil || last {
		return err
	}
	w.mu.Lock()
	w.events = append(w.events, reply.Event)
	w.mu.Unlock()
	return nil
}

// guard ends a scenario that hangs.
func (w *world) guard() *time.Timer {
	return launch.Guard(w, func(after time.Duration) {
		w.Errorf("it hangs, and its supervisor is killed after %v; console:\n%s", after, w.read("console"))
		launch.Destroy(w.Keeper)
	})
}

// finish ends the supervisor in order and looks at what it leaves.
func (w *world) finish() {
	if w.client != nil {
		w.client.Close()
	}
	switch {
	case !w.End(2 * patience):
		w.Error("the supervisor did not end")
	case w.Err != nil:
		w.Errorf("the supervisor ended with %v", w.Err)
	}
	for _, what := range append(w.nothingLeft(), trace.end(w.dir, w.removed)...) {
		w.Error(what)
	}
	if w.Failed() {
		w.Logf("console:\n%s", w.read("console"))
	}
}
