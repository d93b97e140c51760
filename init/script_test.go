package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"

	"github.com/orderly-init/orderly/conformance/launch"
)

// binary is the real program, built once as it is shipped.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue && runtime.GOMAXPROCS(0) < 8 { // as many as there are processors, but mostly they wait
		flag.Set("test.parallel", "8")
	}
	dir, err := os.MkdirTemp("", "orderly-test-")
	if err != nil {
		panic(err)
	}
	os.Chmod(dir, 0o755) // a script may run as another user
	binary = filepath.Join(dir, "orderly")
	for name, pkg := range map[string]string{"orderly": ".", "prog": "./testdata/prog", "victim": "../conformance/testdata/victim"} {
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", name, err, out)
			os.Exit(1)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "inside"), []byte(inside), 0o755); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// lookAtSources asks for every source file of the module, so that go test takes no cached result after one has
// changed: the program under test is not part of the test's own binary, and the cache knows only what a test itself
// opens (not what TestMain does).
func lookAtSources() {
	filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "build" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		switch filepath.Ext(path) {
		case ".go", ".s", ".varlink", ".txt", ".mod":
			os.Stat(path)
		}
		return nil
	})
}

// TestScripts runs the real program on the scripts of testdata. Each has its own configuration, control socket and
// cgroups; a daemon that `daemon` started is ended by `end` or after the script, must end well and leave nothing behind,
// and is held to the oracles.
func TestScripts(t *testing.T) {
	t.Parallel()
	lookAtSources()
	p := scripts(launch.Foreground, launch.Patience, func(script, what string) { t.Errorf("%s: %s", script, what) })
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// TestScriptsAsFirst plays those that docs/reliability.md names with the daemon as PID 1 of a PID namespace, but for those of
// testdata/foreground.txt, which says why.
func TestScriptsAsFirst(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces")
	}
	lookAtSources()
	p := scripts(launch.First, launch.Patience, func(script, what string) { t.Errorf("%s as PID 1: %s", script, what) })
	p.Files = asFirst(t)
	testscript.Run(t, p)
}

var named = regexp.MustCompile("`([a-z-]+\\.txtar)`")

// asFirst are the scripts that are played as PID 1 too.
func asFirst(t *testing.T) (files []string) {
	t.Helper()
	table, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	exempt, err := os.ReadFile("testdata/foreground.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named.FindAllStringSubmatch(string(table), -1) {
		file := filepath.Join("testdata/script", name[1])
		if !strings.Contains("\n"+string(exempt), "\n"+name[1]+" | ") && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files
}

// scripts is how scripts are played in a place; what the oracles find for so long is told. A loaded machine is no failure.
func scripts(where launch.Place, patience time.Duration, finds func(script, what string)) testscript.Params {
	all := &references{by: map[string]*reference{}}
	return testscript.Params{
		Condition: func(name string) (bool, error) {
			if name == "first" { // it is PID 1
				return where == launch.First, nil
			}
			return condition(name)
		},
		Setup: func(env *testscript.Env) error {
			env.Values["daemons"], env.Values["patience"] = &daemons{like: all}, patience
			env.Values["finds"] = func(what string) { finds(strings.TrimPrefix(filepath.Base(env.WorkDir), "script-"), what) }
			env.Values["test"] = env.T().(launch.Timed)
			env.Setenv("PLACE", string(where))
			return setup(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": startDaemon, "end": endDaemon, "order": order, "fact": fact, "signal": sendSignal, "eventually": eventually,
			"samepid": samePID, "pidis": pidIs, "savepid": savePID, "expand": expandCommand, "untouched": untouched, "whole": whole, "shared": shared,
		},
	}
}

func setup(env *testscript.Env) error {
	env.Setenv("PATH", filepath.Dir(binary)+":/usr/bin:/bin:/usr/sbin:/sbin")
	env.Setenv("ORDERLY_CONTROL", filepath.Join(env.WorkDir, "run/control.sock"))
	env.Setenv("NO_COLOR", "1")
	env.Setenv("ORDERLY", binary)
	env.Setenv("PROG", filepath.Join(filepath.Dir(binary), "prog"))
	conf := filepath.Join(env.WorkDir, "conf")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		return err
	}
	// every script's log is its own; a line on the console that a test may look for
	log := logOf(env.WorkDir) + fmt.Sprintf("[defaults.component]\nenvironment = { WORK = %q }\n", env.WorkDir)
	return os.WriteFile(filepath.Join(conf, "00-log.toml"), []byte(log), 0o644)
}

func logOf(dir string) string {
	return fmt.Sprintf("[log]\ndirectory = %q\nconsole = \"debug\"\n", filepath.Join(dir, "log"))
}

// expand puts the script's directory where its configuration says $WORK.
func expand(ts *testscript.TestScript) {
	files, err := filepath.Glob(ts.MkAbs("conf/*.toml"))
	ts.Check(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		ts.Check(err)
		ts.Check(os.WriteFile(f, bytes.ReplaceAll(b, []byte("$WORK"), []byte(ts.MkAbs("."))), 0o644))
	}
}

// expandCommand is expand for a configuration that a script has changed.
func expandCommand(ts *testscript.TestScript, _ bool, _ []string) { expand(ts) }

func contents(ts *testscript.TestScript, name string) string {
	b, _ := os.ReadFile(ts.MkAbs(name))
	return string(b)
}

// waitFor asks until yes: for what another process does, and nobody tells.
func waitFor(ts *testscript.TestScript, what string, yes func() bool) {
	if !launch.Soon(yes) {
		ts.Logf("%s", contents(ts, "console"))
		ts.Fatalf("%s: not within %v", what, launch.Patience)
	}
}

func call(ts *testscript.TestScript, method string, in, out any) error {
	c, err := control.Dial(ts.Getenv("ORDERLY_CONTROL"))
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(method, in, out)
}

// eventList is the event stream so far.
func eventList(ts *testscript.TestScript) []control.Event {
	c, err := control.Dial(ts.Getenv("ORDERLY_CONTROL"))
	ts.Check(err)
	defer c.Close()
	var list []control.Event
	ts.Check(c.Stream("Events", control.EventsParam{}, func(b json.RawMessage, last bool) error {
		var r control.EventsReply
		err := json.Unmarshal(b, &r)
		if !last {
			list = append(list, r.Event)
		}
		return err
	}))
	return list
}

// order checks that the events NAME:STATE are in the event stream in this order: each is looked for behind the one
// before.
func order(ts *testscript.TestScript, neg bool, args []string) {
	list := eventList(ts)
	for _, want := range args {
		name, state, _ := strings.Cut(want, ":")
		i := 0
		for i < len(list) && (list[i].Component != name && list[i].Target != name || list[i].To != state) {
			i++
		}
		if i == len(list) {
			if neg {
				return
			}
			for _, e := range eventList(ts) {
				ts.Logf("%+v", e)
			}
			ts.Fatalf("%s is not in the event stream behind those before it", want)
		}
		list = list[i+1:]
	}
	if neg {
		ts.Fatalf("the events are there in this order")
	}
}

// component finds one component of the status.
func component(ts *testscript.TestScript, name string) control.Component {
	var r control.StatusReply
	ts.Check(call(ts, "GetStatus", control.NameParam{Name: name}, &r))
	if len(r.Status.Components) != 1 {
		ts.Fatalf("no status of %s", name)
	}
	return r.Status.Components[0]
}

// fact checks NAME FIELD VALUE of the status, once; the target's own fields are under the name "-".
func fact(ts *testscript.TestScript, neg bool, args []string) {
	if got := field(ts, args[0], args[1]); (got == args[2]) == neg {
		ts.Fatalf("%s %s is %q", args[0], args[1], got)
	}
}

// eventually is fact that may become true soon.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	waitFor(ts, strings.Join(args, " "), func() bool { return (field(ts, args[0], args[1]) == args[2]) != neg })
}

func field(ts *testscript.TestScript, name, key string) string {
	var r control.StatusReply
	in := control.NameParam{Name: name}
	if name == "-" {
		in.Name = ""
	}
	if err := call(ts, "GetStatus", in, &r); err != nil {
		return err.Error()
	}
	var v any = r.Status
	if name != "-" {
		v = r.Status.Components[0]
	}
	b, err := json.Marshal(v)
	ts.Check(err)
	var m map[string]json.RawMessage
	ts.Check(json.Unmarshal(b, &m))
	return strings.Trim(string(m[key]), `"`)
}

// sendSignal sends SIGNAL to manager, keeper, or the main process of a component that savepid has remembered.
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	sig := unix.SignalNum("SIG" + args[0])
	if n, err := strconv.Atoi(args[0]); err == nil {
		sig = unix.Signal(n)
	}
	pid, d := 0, newest(ts)
	switch args[1] {
	case "keeper":
		pid = d.Inside()
		d.killed = d.killed || sig == unix.SIGKILL
	case "manager":
		waitFor(ts, "a manager", func() bool { pid = d.Manager(); return pid != 0 })
	default: // as savepid remembers it: the manager may not be able to answer
		saved, _, _ := strings.Cut(ts.Getenv("PID_"+args[1]), "/")
		pid, _ = strconv.Atoi(saved)
	}
	if pid < 1 || pid == 1 && args[1] != "keeper" || sig == 0 {
		ts.Fatalf("kill %v: pid %d, signal %d", args, pid, sig)
	}
	answers := args[1] == "manager" || args[1] == "keeper"
	if answers && sig == unix.SIGSTOP {
		d.answers.Held.Store(true)
	}
	ts.Check(d.Kill(pid, sig))
	if answers && (sig == unix.SIGCONT || sig == unix.SIGKILL) {
		d.answers.LetGo()
	}
}

// pidIs waits until the main process of NAME is the one that FILE names.
func pidIs(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, strings.Join(args, " "), func() bool {
		b, err := os.ReadFile(ts.MkAbs(args[1]))
		return err == nil && field(ts, args[0], "pid") == strings.TrimSpace(string(b))
	})
}

// savePID remembers the main process of components; samePID checks that they are the same, in the same run.
func savePID(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		c := component(ts, name)
		ts.Setenv("PID_"+name, fmt.Sprintf("%d/%d", c.PID, c.Run))
	}
}

func samePID(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		c := component(ts, name)
		if got := fmt.Sprintf("%d/%d", c.PID, c.Run); (got == ts.Getenv("PID_"+name)) == neg {
			ts.Fatalf("%s: pid/run was %s, is %s", name, ts.Getenv("PID_"+name), got)
		}
	}
}

// untouched checks that a component had exactly one start in the event stream.
func untouched(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		starts := 0
		for _, e := range eventList(ts) {
			if e.Component == name && e.To == "starting" {
				starts++
			}
		}
		if starts != 1 {
			ts.Fatalf("%s was started %d times", name, starts)
		}
	}
}
