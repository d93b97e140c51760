package conformance

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
	"github.com/orderly-init/orderly/conformance/oracle"
)

var (
	long   = flag.Bool("long", false, "also the scenarios that take long")
	rest   = flag.Bool("rest", false, "of the scenarios only those that take long")
	update = flag.Bool("update", false, "write docs/reliability.md")
	every  = flag.Bool("every", false, "the manager dies at every system call, which takes an hour")
	seed   = flag.Int("seed", 0, "which system calls are tried, where not all are")
)

// programs is where the programs under test are built, and those of the tests: prog, victim and tracer. It is set once, before any test.
var programs string

// trace has the executions of all worlds. It is set once, before any test; nil where the kernel does not tell of them.
var trace *executions

type place = launch.Place

// The places. Most scenarios are played in both.
const foreground, first = launch.Foreground, launch.First

// scenario is one story.
type scenario struct {
	id      string // group and number; it never changes
	story   string // one line: what is done, and what must come of it
	config  string // $DIR is the scenario's directory; there are a target "idle" and a component "warm" besides
	places  []place
	root    bool                   // needs root
	long    bool                   // with -long alone
	mortal  bool                   // the manager dies in it, so a call may fail
	alone   bool                   // it measures how long something takes, so nothing is played beside it
	loaded  bool                   // it takes so many resources that how soon the control socket answers says nothing
	lossy   bool                   // lines of Orderly's own log are lost in it
	flooded bool                   // there are more events at once than are kept: their stream has gaps, and only the log has them all
	pipes   int                    // between components: the keeper has both ends as long as they are configured
	wrap    []string               // what the program is started by
	traps   []uintptr              // system calls that may be refused, see refuse_test.go
	object  func(asked) unix.Errno // to some of them from the first moment on
	files   map[string]string      // that are there before, by name in $DIR
	play    func(w *world)
}

// where are the places of a scenario: both, if it does not say.
func (s *scenario) where() []place {
	if s.places == nil {
		return []place{foreground, first}
	}
	return s.places
}

// group is one file of scenarios.
type group struct {
	name      string
	scenarios []scenario
}

// groups are all scenarios that are played here, in the order of the table.
func groups() []group {
	return []group{
		{"Processes and reaping", append(processes(), followed()...)},
		{"Stopping and killing", stopping()},
		{"Output and descriptors", output()},
		{"What a child inherits", inheritance()},
		{"Starts that fail", append(starts(), scarcity()...)},
		{"Restarts", restarts()},
		{"Dependencies", dependencies()},
		{"Run targets", append(transitions(), endings()...)},
		{"Readiness", append(readiness(), strangers()...)},
		{"Heartbeat, watchdog, time", times()},
		{"File systems and early boot", storms()},
		{"Cgroups, namespaces, containers", namespaces()},
		{"Configuration", configurations()},
		{"Control interface and events", append(interfaces(), clients()...)},
		{"Death of the manager, upgrade", append(deaths(), upgrades()...)},
		{"Other ways to run", modes()},
		{"Scale and endurance", scale()},
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	parallel := "16" // most of the time they wait
	if *every {
		parallel = "50" // and nearly always
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "orderly-conformance-")
	if err != nil {
		panic(err)
	}
	os.Chmod(dir, 0o755) // a component may run as another user
	programs = dir
	for name, pkg := range map[string]string{"orderly": "../init", "prog": "../init/testdata/prog", "victim": "./testdata/victim", "trap": "./testdata/trap", "tracer": "./testdata/tracer"} {
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), pkg)
		if name == "orderly" {
			build.Args = slices.Insert(build.Args, 2, "-ldflags=-E=_orderly_start") // as the Makefile does
		}
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", name, err, out)
			os.Exit(1)
		}
	}
	trace, _ = listen()
	code := m.Run()
	trace.close()
	os.RemoveAll(dir)
	os.Exit(code)
}

// lookAtSources asks for every source file of the module, so that go test takes no cached result after one has changed:
// the program under test is not part of the test's own binary.
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

// TestAlone plays, before all others, those that measure how long something takes.
func TestAlone(t *testing.T) {
	lookAtSources()
	each(func(s *scenario, p place) {
		if s.alone {
			t.Run(s.id+"/"+string(p), func(t *testing.T) { tryTo(t, s, p) })
		}
	})
}

// TestScenarios plays every other scenario in each of its places.
func TestScenarios(t *testing.T) {
	t.Parallel()
	lookAtSources()
	each(func(s *scenario, p place) {
		if s.alone {
			return
		}
		t.Run(s.id+"/"+string(p), func(t *testing.T) {
			t.Parallel()
			tryTo(t, s, p)
		})
	})
}

// each goes through all scenarios and their places.
func each(do func(s *scenario, p place)) {
	for _, g := range groups() {
		for i := range g.scenarios {
			for _, p := range g.scenarios[i].where() {
				do(&g.scenarios[i], p)
			}
		}
	}
}

// tryTo plays one scenario, if it can be played here.
func tryTo(t *testing.T, s *scenario, p place) {
	if s.long && !*long {
		t.Skip("takes long: -long")
	}
	if !s.long && *rest {
		t.Skip("is played without -rest")
	}
	if (s.root || p == first) && os.Geteuid() != 0 {
		t.Skip("needs root: users, namespaces or mounts")
	}
	perform(t, s, p)
}

// perform plays one scenario with all oracles.
func perform(t *testing.T, s *scenario, p place) {
	w := begin(t, s, p)
	defer w.finish()
	defer w.guard().Stop()
	w.warm()
	before := w.footprint()
	w.watching = w.watch(s)
	defer w.watching.stopped()
	s.play(w)
	w.reality()
	w.watching.unasked()
	w.activate("idle")
	w.reality()
	before.Expect(s.pipes, strings.Count(w.read("conf/o.toml"), "bundle = "))
	w.settled(before)
	w.watching.end(s)
	w.quiet(oracle.Calm)
	if !s.flooded {
		w.chronicle(s)
	}
	if t.Failed() {
		t.Logf("story: %s\nevents:\n%s", s.story, strings.Join(w.told(), "\n"))
	}
}
