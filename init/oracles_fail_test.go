package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/orderly-init/orderly/control"

	"github.com/orderly-init/orderly/conformance/launch"
)

var demand = regexp.MustCompile(`(?m)^# finds: (.*)$`)

// TestScriptOraclesFail: an oracle that nobody has seen to fail may be blind. The scripts of testdata/blind each say what must be found, in
// both places.
func TestScriptOraclesFail(t *testing.T) {
	t.Parallel()
	lookAtSources()
	for _, where := range []launch.Place{launch.Foreground, launch.First} {
		t.Run(string(where), func(t *testing.T) {
			if where == launch.First && os.Geteuid() != 0 {
				t.Skip("needs root: namespaces")
			}
			seesAll(t, where)
		})
	}
}

// seesAll plays the scripts of testdata/blind in one place.
func seesAll(t *testing.T, where launch.Place) {
	var mu sync.Mutex
	found := map[string]string{}
	p := scripts(where, 0, func(script, what string) {
		mu.Lock()
		defer mu.Unlock()
		found[script] += what + "\n"
	})
	p.Dir = "testdata/blind"
	p.Cmds["liar"], p.Cmds["nobody"] = liar, nobody
	p.Cmds["daemon"] = func(ts *testscript.TestScript, neg bool, args []string) {
		mu.Lock()
		found[ts.Name()] += "" // it is not skipped
		mu.Unlock()
		startDaemon(ts, neg, args)
	}
	t.Run("scripts", func(t *testing.T) { testscript.Run(t, p) })
	for script, got := range found {
		b, err := os.ReadFile(filepath.Join("testdata/blind", script+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range demand.FindAllStringSubmatch(string(b), -1) {
			if !regexp.MustCompile(want[1]).MatchString(got) {
				t.Errorf("%s: %q is not found, but\n%s", script, want[1], got)
			}
		}
	}
}

// nobody has the daemons of a script held to one that has nothing.
func nobody(ts *testscript.TestScript, _ bool, _ []string) {
	r := &reference{}
	r.once.Do(func() {})
	ts.Value("daemons").(*daemons).like = &references{by: map[string]*reference{"\n": r}}
}

// liar has the rest of a script ask somebody who tells an impossible story.
func liar(ts *testscript.TestScript, _ bool, _ []string) {
	socket := ts.MkAbs("liar.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	ts.Check(err)
	story := []control.Event{
		{Kind: "component", Component: "a", Seq: 1, From: "ready", To: "down", Reason: "x"},
		{Kind: "component", Component: "a", Seq: 3, From: "down", To: "starting", Reason: "x", Run: 1},
	}
	s := &control.Server{Allow: func(control.Peer, control.Access) bool { return true }, Methods: map[string]control.Method{
		"GetStatus": {Access: control.Look, Serve: func(context.Context, control.Call) (any, error) {
			return control.StatusReply{Status: control.Status{Target: "x", State: "settled"}}, nil
		}},
		"Events": {Access: control.Look, Serve: func(_ context.Context, c control.Call) (any, error) {
			for _, e := range story {
				if err := c.Send(control.EventsReply{Event: e}); err != nil {
					return nil, err
				}
			}
			return control.EventsReply{}, nil
		}},
	}}
	go s.Serve(l)
	ts.Defer(func() { l.Close(); s.Close() })
	ts.Setenv("ORDERLY_CONTROL", socket)
}
