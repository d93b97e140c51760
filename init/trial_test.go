package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/orderly-init/orderly/control"
)

// TestCallerOfATrialGoes has the caller of an apply on trial go before its answer: what it applied may have cut it off. The one
// before comes back all the same.
func TestCallerOfATrialGoes(t *testing.T) {
	t.Parallel()
	const config = `
initial_target = "all"
[component.a]
command = ["prog", "print", "first", "pause"]
[target.all]
depends_on = ["a"]
`
	r := supervise(t, config)
	run := func() int {
		for _, c := range r.status().Components {
			if c.State == "ready" {
				return int(c.Run)
			}
		}
		return 0
	}
	r.until("the first run", func() bool { return run() == 1 })
	conf := filepath.Join(r.dir, "o.toml")
	b, err := os.ReadFile(conf)
	if err == nil {
		err = os.WriteFile(conf, bytes.Replace(b, []byte("first"), []byte("second"), 1), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", r.path)
	if err != nil {
		t.Fatal(err)
	}
	call, err := json.Marshal(map[string]any{"method": "org.orderly.Control.Apply", "parameters": control.ApplyParam{ConfirmMS: 300}})
	if err != nil {
		t.Fatal(err)
	}
	conn.Write(append(call, 0))
	conn.Close()
	r.until("the run on trial", func() bool { return run() >= 2 })
	r.until("the one before", func() bool { return run() == 3 })
}
