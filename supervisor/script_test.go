package supervisor

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orderly-init/orderly/targets"
)

var update = flag.Bool("update", false, "write the traces that the machine gives now")

// TestScripts replays testdata/*.txt. A script is its own trace: lines that begin with "config " build the graph,
// lines that begin with ">" are events, and what is indented is what the machine answered.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" && !*update {
				t.Error(diff)
			}
		})
	}
}

// TestScriptsRestored replays the scripts with a manager's death after every event. What it decides is the same; callers
// are gone, so nothing is answered, and removed components that are down need no number.
func TestScriptsRestored(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, got := replayAs(t, string(text), false), replayAs(t, string(text), true)
			if diff := cmp.Diff(unanswered(want), unanswered(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func unanswered(trace string) []string {
	lines := strings.Split(trace, "\n")
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "  #") || strings.HasPrefix(line, "  renumbered")
	})
}

func replay(t *testing.T, text string) string {
	t.Helper()
	return replayAs(t, text, false)
}

// replayAs runs the script's events and returns it with the machine's own answers.
func replayAs(t *testing.T, text string, restore bool) string {
	t.Helper()
	s := script{restore: restore}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "  "):
			continue
		case strings.HasPrefix(line, "config "):
			s.configure(t, strings.TrimPrefix(line, "config "))
		case strings.HasPrefix(line, ">"):
			s.line(line)
			s.event(t, strings.Fields(line[1:]))
			continue
		}
		s.line(line)
	}
	return s.out.String()
}

// script is one replay in progress.
type script struct {
	config  targets.Config
	m       *Machine
	now     time.Duration
	out     strings.Builder
	restore bool // every event meets a machine that was just restored
	safe    bool // and it is in safe mode
}

func (s *script) line(text string) { fmt.Fprintln(&s.out, text) }

// configure reads one line "component NAME key=value...", "target NAME ..." or "key=value".
func (s *script) configure(t *testing.T, line string) {
	t.Helper()
	if err := readConfig(&s.config, line); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

func (s *script) machine() *Machine {
	if s.m == nil {
		s.m = New(targets.NewGraph(sorted(s.config)))
	}
	return s.m
}

// event steps the machine with one line "[+TIME] EVENT WORDS..." and prints what it answers.
func (s *script) event(t *testing.T, words []string) {
	t.Helper()
	m := s.machine()
	if len(words) > 0 && strings.HasPrefix(words[0], "+") {
		d, err := time.ParseDuration(words[0][1:])
		if err != nil {
			t.Fatal(err)
		}
		s.now += d
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{"tick"}
	}
	if words[0] == "why" {
		for _, line := range m.Why(s.now, s.component(t, words[1])) {
			s.line("  " + line)
		}
		return
	}
	if words[0] == "status" {
		s.status()
		return
	}
	if words[0] == "safe" {
		s.safe = words[1] == "on"
		m.SetSafe(s.safe)
		return
	}
	if words[0] == "ill" {
		s.line("  ill? " + strings.Repeat("no", 1-min(len(m.Ill()), 1)) + m.Ill())
		return
	}
	if words[0] == "due" {
		at, _ := m.BeatDeadline()
		s.line(fmt.Sprintf("  %v: %v at %v", s.now, m.BeatsDue(s.now, nil), at))
		return
	}
	if words[0] == "deadline" {
		at, ok := m.Deadline()
		s.line(fmt.Sprintf("  %v %v", at, ok))
		return
	}
	for _, e := range m.Step(s.now, s.parse(t, words)) {
		s.line("  " + s.print(e))
	}
	if s.restore {
		s.die(t)
	}
}

// die replaces the machine by one that is restored from its facts.
func (s *script) die(t *testing.T) {
	t.Helper()
	table, err := OpenTable(make([]byte, TableSize(64)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.m.Store(table); err != nil {
		t.Fatal(err)
	}
	s.m, _ = Restore(s.m.graph, table, s.now)
	s.m.SetSafe(s.safe)
}

func (s *script) status() {
	snapshot := s.m.Snapshot(s.now)
	s.line(fmt.Sprintf("  %s %s", snapshot.State, snapshot.Target))
	for _, c := range snapshot.Components {
		text := fmt.Sprintf("  %s %s run %d restarts %d wanted %v", c.Name, c.State, c.Run, c.Restarts, c.Wanted)
		if c.Exit != nil {
			text += " " + c.Exit.String()
		}
		if c.Reason != "" {
			text += " reason " + c.Reason
		}
		for _, w := range c.WaitsFor {
			text += " waits for " + w.Name + " (" + w.State.String() + ")"
		}
		s.line(text)
	}
}

func (s *script) parse(t *testing.T, words []string) Event {
	t.Helper()
	verb, request, rest := words[0], Request(0), []string{}
	options := map[string]string{}
	for _, word := range words[1:] {
		if strings.HasPrefix(word, "#") {
			n, _ := strconv.Atoi(word[1:])
			request = Request(n)
			continue
		}
		if key, value, ok := strings.Cut(word, "="); ok {
			options[key] = value
			continue
		}
		rest = append(rest, word)
	}
	switch verb {
	case "tick":
		return Tick{}
	case "activate":
		return Activate{Request: request, Target: s.target(rest[0]), Queue: slices.Contains(rest, "queue"), StopFirst: slices.Contains(rest, "stop-first")}
	case "start":
		return Start{Request: request, Components: s.components(t, rest)}
	case "debug", "hold":
		return Start{request, s.components(t, rest), verb == "debug", verb == "hold"}
	case "adopt":
		return Adopt{request, s.components(t, rest)[0], 4711}
	case "release":
		return Release{request, s.components(t, rest)}
	case "stop":
		return Stop{request, s.components(t, rest)}
	case "restart":
		return Restart{request, s.components(t, rest)}
	case "reload":
		return Reload{request, s.components(t, rest)}
	case "poweroff":
		return Shutdown{Request: request, End: Poweroff}
	case "reboot":
		return Shutdown{Request: request, End: Reboot}
	case "beats":
		return s.beats(t, words[1:])
	case "apply":
		changes := slices.DeleteFunc(words[2:], func(word string) bool { return strings.HasPrefix(word, "back=") })
		return Apply{Request: request, Graph: s.reconfigured(t, changes), Back: options["back"]}
	}
	c := s.component(t, rest[0])
	if c == 99 {
		t.Fatalf("no component %s", rest[0])
	}
	run := s.m.units[c].run
	if text, ok := options["run"]; ok {
		n, _ := strconv.Atoi(text)
		run = uint32(n)
	}
	ev := runEvent(t, verb, c, run, rest[1:], options)
	if e, ok := ev.(Tested); ok && options["ask"] == "" {
		e.Ask = s.m.units[c].asking.number
		return e
	}
	return ev
}

// beats reads NAME=COUNT or NAME=frozen.
func (s *script) beats(t *testing.T, words []string) Event {
	t.Helper()
	var list []Beat
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		c := s.component(t, name)
		n, _ := strconv.Atoi(value)
		list = append(list, Beat{Component: c, Run: s.m.units[c].run, Count: n, Frozen: value == "frozen"})
	}
	return Beats{list}
}

func runEvent(t *testing.T, verb string, c int, run uint32, rest []string, options map[string]string) Event {
	t.Helper()
	code, _ := strconv.Atoi(options["code"])
	signal, _ := strconv.Atoi(options["signal"])
	status := Status{Code: code, Signal: signal}
	switch verb {
	case "launched":
		return Launched{c, run}
	case "noexec":
		return LaunchFailed{c, run, "exec /x", "no such file or directory"}
	case "ready":
		return BecameReady{c, run}
	case "named":
		return Named{c, run}
	case "neverready":
		return NeverReady{c, run, "channel closed"}
	case "exit":
		return Exited{Component: c, Run: run, Status: status, Memory: options["memory"], Empty: !slices.Contains(rest, "leaving")}
	case "emptied":
		return Emptied{c, run}
	case "ended":
		return CommandEnded{Component: c, Run: run, Command: StopCommand, Status: status}
	case "reloaded":
		return CommandEnded{Component: c, Run: run, Command: ReloadCommand, Status: status}
	case "raise":
		return Announced{c, run, rest[0], true}
	case "clear":
		return Announced{c, run, rest[0], false}
	case "tested":
		i, _ := strconv.Atoi(rest[0])
		why := strings.Join(rest[2:], " ")
		ask, err := strconv.Atoi(options["ask"])
		if err != nil {
			ask = -1
		}
		return Tested{c, uint32(ask), i, rest[1] == "yes", why}
	case "lost":
		return Lost{c, run}
	case "trigger":
		return Triggered{c, run}
	case "extend":
		d, _ := time.ParseDuration(rest[0])
		return Reported{Component: c, Run: run, Extend: int64(d)}
	}
	t.Fatalf("unknown event %q", verb)
	return nil
}

// reconfigured reads lines separated by ";": "drop NAME" or a line of configure.
func (s *script) reconfigured(t *testing.T, words []string) *targets.Graph {
	t.Helper()
	for line := range strings.SplitSeq(strings.Join(words, " "), ";") {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "drop "); ok {
			s.config.Components = slices.DeleteFunc(slices.Clone(s.config.Components), func(c targets.Component) bool { return c.Name == name })
			s.config.Targets = slices.DeleteFunc(slices.Clone(s.config.Targets), func(c targets.Target) bool { return c.Name == name })
			continue
		}
		if line != "" {
			s.configure(t, line)
		}
	}
	return targets.NewGraph(sorted(s.config))
}

func (s *script) target(name string) int {
	if t, ok := s.m.graph.Config.Target(name); ok {
		return t
	}
	return 99
}

func (s *script) component(t *testing.T, name string) int {
	t.Helper()
	for c := range s.m.units {
		if s.m.units[c].def.Name == name {
			return c
		}
	}
	return 99
}

func (s *script) components(t *testing.T, names []string) []int {
	t.Helper()
	var list []int
	for _, name := range names {
		list = append(list, s.component(t, name))
	}
	return list
}

func (s *script) print(e Effect) string {
	name := func(c int) string { return s.m.name(c) }
	switch e := e.(type) {
	case Launch:
		text := fmt.Sprintf("launch %s run %d", name(e.Component), e.Run)
		if e.Debug {
			text += " with debug arguments"
		}
		if e.Hold {
			text += " held"
		}
		return text
	case TakeIn:
		return fmt.Sprintf("take in %d as %s run %d", e.PID, name(e.Component), e.Run)
	case LetGo:
		return fmt.Sprintf("let go of %s run %d", name(e.Component), e.Run)
	case RunCommand:
		return fmt.Sprintf("run %s of %s", e.Command, name(e.Component))
	case CancelCommand:
		return fmt.Sprintf("cancel %s of %s", e.Command, name(e.Component))
	case Await:
		return fmt.Sprintf("await %s %v", name(e.Component), e.Conditions)
	case CancelAwait:
		return "cancel await " + name(e.Component)
	case Signal:
		group := ""
		if e.Group {
			group = " group"
		}
		return fmt.Sprintf("signal %s %s%s", name(e.Component), SignalName(e.Signal), group)
	case Kill:
		return "kill " + name(e.Component)
	case Changed:
		return strings.TrimRight(fmt.Sprintf("%s: %s -> %s: %s", name(e.Component), stored(e.From), stored(e.To), e.Reason), ": ")
	case Moved:
		return strings.TrimRight(fmt.Sprintf("== %s %s: %s", e.Top, s.m.targetName(e.Target), e.Reason), ": ")
	case Answer:
		return fmt.Sprintf("#%d %s", e.Request, printResult(e.Result))
	case Finish:
		return "finish " + e.End.String()
	case LastResort:
		return fmt.Sprintf("last resort %d", e.Action)
	case Renumbered:
		return fmt.Sprintf("renumbered %v %v", e.Components, e.Targets)
	case Bug:
		return "BUG " + e.Text
	}
	return fmt.Sprintf("%#v", e)
}

func stored(s State) string {
	if s == Done {
		return "done"
	}
	return s.String()
}

func printResult(r Result) string {
	text := r.Kind.String() + " " + r.Target
	if r.By != "" {
		text += " by " + r.By
	}
	for _, f := range r.Failed {
		text += fmt.Sprintf(" failed(%s at %s: %s)", f.Name, f.Step, f.Reason)
	}
	for _, f := range r.Degraded {
		text += fmt.Sprintf(" degraded(%s at %s: %s)", f.Name, f.Step, f.Reason)
	}
	for _, c := range r.Changes {
		text += fmt.Sprintf(" change(%s %s)", c.What, c.Name)
	}
	if r.Why != "" {
		text += ": " + r.Why
	}
	return fmt.Sprintf("%s (took %v)", text, time.Duration(r.Took))
}
