package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/control"
)

// running is a daemon of a test's own.
type running struct {
	*testing.T
	dir, path string
	keeper    int
	client    *control.Client
	args      []string
	command   *exec.Cmd // nil: it has ended
	done      chan error
	guard     *time.Timer
}

// supervise starts `orderly run` on a configuration and ends it with the test.
func supervise(t *testing.T, config string, args ...string) *running {
	t.Helper()
	return superviseIn(t, nil, config, args...)
}

// superviseIn is supervise with more variables in the environment.
func superviseIn(t *testing.T, env []string, config string, args ...string) *running {
	t.Helper()
	r := &running{T: t, dir: t.TempDir()}
	r.path = filepath.Join(r.dir, "c.sock")
	text := strings.ReplaceAll(config, "$DIR", r.dir) + fmt.Sprintf("\n[log]\ndirectory = %q\n", filepath.Join(r.dir, "log"))
	conf := filepath.Join(r.dir, "o.toml")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r.args = append([]string{"run", "--config", conf, "--control", r.path}, args...)
	t.Cleanup(r.end)
	r.start(env)
	return r
}

// start starts it, and waits for a connection.
func (r *running) start(env []string) {
	r.Helper()
	console, err := os.Create(filepath.Join(r.dir, "console"))
	if err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command(binary, r.args...)
	cmd.Env = append([]string{"PATH=" + filepath.Dir(binary) + ":/usr/bin:/bin"}, env...)
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.command, r.done, r.keeper = cmd, make(chan error, 1), cmd.Process.Pid
	r.guard = launch.Guard(r, func(after time.Duration) {
		r.Errorf("it hangs, and the daemon is killed after %v", after)
		launch.Destroy(r.keeper)
	})
	go func(done chan<- error) { done <- cmd.Wait(); console.Close() }(r.done)
	r.connect()
}

// end ends it in order, unless it has ended.
func (r *running) end() {
	r.Helper()
	if r.command == nil {
		return
	}
	defer r.guard.Stop()
	if r.client != nil {
		r.client.Close()
	}
	r.command.Process.Signal(unix.SIGTERM)
	select {
	case err := <-r.done:
		if err != nil {
			r.Errorf("the daemon ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		r.command.Process.Kill()
		r.Error("the daemon did not end within 30 s")
	}
	r.command = nil
	if r.Failed() {
		b, _ := os.ReadFile(filepath.Join(r.dir, "console"))
		r.Logf("console:\n%s", b)
	}
}

// connect makes a new connection; a manager that is being started again is waited for.
func (r *running) connect() {
	r.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := control.Dial(r.path)
		if err == nil {
			r.client = c
			return
		}
		if time.Now().After(deadline) {
			r.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (r *running) call(method string, in, out any) {
	r.Helper()
	if err := r.client.Call(method, in, out); err != nil {
		r.Fatalf("%s: %v", method, err)
	}
}

// awaits waits until a component is ready, or all that is essential of a target.
func (r *running) awaits(name string, limit time.Duration) {
	r.Helper()
	var reply control.WaitReply
	r.call("Wait", control.WaitParam{Names: []string{name}, TimeoutMS: float64(limit.Milliseconds())}, &reply)
	if !reply.Met {
		r.Fatalf("not ready after %v: %v", limit, reply.Missing)
	}
}

func (r *running) activate(target string) control.Result {
	r.Helper()
	var reply control.ActivateReply
	r.call("Activate", control.ActivateParam{Target: target}, &reply)
	return *reply.Result
}

func (r *running) status() control.Status {
	r.Helper()
	var reply control.StatusReply
	r.call("GetStatus", control.NameParam{}, &reply)
	return reply.Status
}

// events are those after a number.
func (r *running) events(after uint64) []control.Event {
	r.Helper()
	var list []control.Event
	err := r.client.Stream("Events", control.EventsParam{After: after}, func(b json.RawMessage, last bool) error {
		var reply control.EventsReply
		err := json.Unmarshal(b, &reply)
		if !last {
			list = append(list, reply.Event)
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return list
}
