package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
	before := len(list(t, files))
	var reply control.ActivateReply
	r.call("Activate", control.ActivateParam{Target: "all", NoWait: true}, &reply)
	r.until("the component", func() bool { _, err := os.Stat(filepath.Join(r.dir, "up")); return err == nil })
	r.call("Activate", control.ActivateParam{Target: "none", NoWait: true}, &reply)
	r.client.Close()
	kill(t, r.keeper)
	r.connect()
	r.until("the end of the component", func() bool { return r.status().State == "settled" })
	r.until("the descriptors of before", func() bool { return len(list(t, files)) <= before })
}

// until asks until yes, at most ten seconds.
func (r *running) until(what string, yes func() bool) {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Second); !yes(); {
		if time.Now().After(deadline) {
			r.Fatalf("%s: not within 10 s", what)
		}
	}
}

func list(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
