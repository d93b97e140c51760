package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/control"
)

// TestKeeperHoldsNothingForNobody kills the manager while a component is stopped that never was ready: the keeper
// gives up its readiness pipe like the rest.
func TestKeeperHoldsNothingForNobody(t *testing.T) {
	t.Parallel()
	r := supervise(t, `
initial_target = "none"
[component.a]
command = ["prog", "ignore", "TERM", "touch", "$DIR/up", "pause"]
ready = { fd = 3 }
stop_timeout = "500ms"
[target.none]
[target.all]
depends_on = ["a"]
`)
	files := "/proc/" + strconv.Itoa(r.keeper) + "/fd"
	before := pipes(t, files) // inherited ones: nothing is held yet
	var reply control.ActivateReply
	r.call("Activate", control.ActivateParam{Target: "all", NoWait: true}, &reply)
	r.until("the component", func() bool { _, err := os.Stat(filepath.Join(r.dir, "up")); return err == nil })
	r.call("Activate", control.ActivateParam{Target: "none", NoWait: true}, &reply)
	r.client.Close()
	kill(t, r.keeper)
	r.connect()
	r.until("the end of the component", func() bool { return r.status().State == "settled" })
	r.until("the end of the keeper's pipes", func() bool { return pipes(t, files) == before })
}

// until asks until yes: for what another process does, and nobody tells. It asks more often than launch.Soon, for what passes.
func (r *running) until(what string, yes func() bool) {
	r.Helper()
	for deadline := time.Now().Add(launch.Patience); !yes(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("%s: not within %v", what, launch.Patience)
		}
	}
}

// pipes counts the pipes among the descriptors of a process.
func pipes(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

// TestHeldAndLetGoAtOnce lets starts go on that are to be held, before their process is made, on its way there and when it is there: each is
// that same start.
func TestHeldAndLetGoAtOnce(t *testing.T) {
	t.Parallel()
	config := `
initial_target = "none"
[component.plain]
command = ["prog", "pause"]
stop_timeout = "0s"
[target.none]
`
	names := []string{"plain"}
	if os.Geteuid() == 0 {
		config += `
[component.rooted]
command = ["/prog", "pause"]
root_directory = "$DIR"
stop_timeout = "0s"
`
		names = append(names, "rooted")
	}
	r := supervise(t, config)
	if out, err := exec.Command("cp", filepath.Join(filepath.Dir(binary), "prog"), r.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var reply control.ResultReply
	for i := range uint32(20) {
		for _, name := range names {
			r.call("Start", control.StartParam{Names: []string{name}, Hold: true}, &reply)
			time.Sleep(time.Duration(i) * 200 * time.Microsecond)
			r.call("Start", control.StartParam{Names: []string{name}}, &reply)
			for _, c := range r.status().Components {
				if c.Name == name && (c.Run != i+1 || c.State != "ready") {
					t.Fatalf("%+v", c)
				}
			}
			r.call("Stop", control.NamesParam{Names: []string{name}}, &reply)
		}
	}
}
