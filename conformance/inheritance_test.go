package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
)

// inheritance are scenarios about what a component has of the supervisor: nothing.
func inheritance() []scenario {
	return []scenario{
		{id: "D35", story: "started with every signal blocked and ignored: components have none of that, and the supervisor works", play: plainSignals, config: reporting,
			wrap: []string{"env", "--ignore-signal", "--block-signal"}},
		{id: "D36", story: "each component leads a session and a group of its own, and has no terminal", play: ownSession, config: reporting},
		{id: "D37", story: "started nice, on one processor, with another mask, directory, limits, time slack and score: components have what is documented, and nothing of what Orderly has made of itself", play: documented, config: reporting,
			wrap: []string{"sh", "-c", `umask 0077; cd /tmp; ulimit -S -c 0; ulimit -S -s 4096; ulimit -S -n 777; exec "$@"`, "sh", "choom", "-n", "500", "--", "nice", "-n", "5", "taskset", "-c", "0", "victim", "slack"}, root: true},
		{id: "D38", story: "the environment is what is declared, also where it is odd; a file of it that is missing fails the start or is left out, as marked", play: environment, config: `
[component.a]
command = ["sh", "-c", "env -0 > $DIR/env; exec sleep 1000"]
environment = { LINES = "one\ntwo", EMPTY = "", EQUAL = "a=b=c", QUOTE = "\"' $HOME" }
environment_file = "-$DIR/missing"
ready = { when = "started" }
[component.notified]
command = ["prog", "notify", "READY=1", "pause"]
ready = { when = "notified" }
[component.b]
command = ["sleep", "1000"]
environment_file = "$DIR/missing"
recovery = { attempts = 0, then = "stop" }
[target.all]
wants = ["notified", "a", "b"]
`},
		{id: "D39", story: "a user or group that is not there is a failed start that says so, and never one as root", play: noUser, root: true, config: `
[component.a]
command = ["sh", "-c", "touch $DIR/ran"]
user = "nobody-has-this-name"
recovery = { attempts = 0, then = "stop" }
[component.b]
command = ["sh", "-c", "touch $DIR/ran"]
group = "nobody-has-this-name"
recovery = { attempts = 0, then = "stop" }
[component.digits]
command = ["sleep", "1000"]
user = "54321"
group = "54322"
[target.all]
wants = ["a", "b", "digits"]
`},
		{id: "D40", story: "one that is not root has no groups of root's, no capabilities, and may not have them back", play: noRights, root: true, config: `
[component.a]
command = ["sleep", "1000"]
user = "54321"
group = "54322"
security = { no_new_privileges = true }
[target.all]
depends_on = ["a"]
`},
		{id: "D41", story: "a step of the sandbox that fails is a failed start with the step's name, and the program never runs", play: failedStep, root: true, config: `
[component.a]
command = ["sh", "-c", "touch $DIR/ran"]
security = { read_only_paths = ["/there/is/no/such/path"] }
recovery = { attempts = 0, then = "stop" }
[component.b]
command = ["sleep", "1000"]
security = { read_only_paths = ["/there/is/no/such/path"] }
optional_steps = ["read_only_paths"]
[target.all]
wants = ["a", "b"]
`},
	}
}

// reporting is a component that writes down what it is.
const reporting = `
[component.a]
command = ["sh", "-c", "cat /proc/self/status > $DIR/status; ps -o sid=,pgid=,pid=,tty= -p $$ > $DIR/session; umask > $DIR/umask; pwd > $DIR/pwd; cat /proc/self/limits > $DIR/limits; cat /proc/self/oom_score_adj > $DIR/oom; nice > $DIR/nice; cat /proc/self/timerslack_ns > $DIR/slack; touch $DIR/reported; exec sleep 1000"]
ready = { file = "$DIR/reported" }
[target.all]
depends_on = ["a"]
`

// line is one of a file, without its name.
func (w *world) line(file, name string) string {
	for line := range strings.Lines(w.read(file)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func plainSignals(w *world) {
	w.reach("all")
	for _, name := range []string{"SigBlk", "SigIgn", "SigPnd", "ShdPnd"} {
		if got := w.line("status", name); got != "0000000000000000" {
			w.Errorf("%s: %s", name, got)
		}
	}
	w.stop("a")
	w.is("a", "down", "stopped by hand")
}

func ownSession(w *world) {
	w.reach("all")
	f := strings.Fields(w.read("session"))
	if len(f) != 4 || f[0] != f[2] || f[1] != f[2] || f[3] != "?" {
		w.Errorf("session, group, process, terminal: %v", f)
	}
}

func documented(w *world) {
	w.reach("all")
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // the system call itself gives 20 less the value (getpriority(2))
	w.must(err)
	nice := strconv.Itoa(min(20-raw+5, 19))
	for file, want := range map[string]string{"umask": "0022", "pwd": "/", "oom": "0", "nice": nice, "slack": "1234567"} {
		if got := w.read(file); got != want {
			w.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	if got := w.line("status", "Cpus_allowed_list"); got != "0" {
		w.Errorf("processors: %s", got)
	}
	for name, want := range map[string]string{"Max core file size": "0", "Max stack size": "4194304", "Max open files": "777"} {
		if got := w.softLimit(name); got != want {
			w.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// softLimit is one of those that reporting wrote down.
func (w *world) softLimit(name string) string {
	for line := range strings.Lines(w.read("limits")) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(rest)[0]
		}
	}
	return ""
}

func environment(w *world) {
	w.activate("all")
	w.await("its environment", func() bool { return w.read("env") != "" })
	got := map[string]string{}
	for word := range strings.SplitSeq(w.read("env"), "\x00") {
		name, value, _ := strings.Cut(word, "=")
		got[name] = value
	}
	want := map[string]string{"LINES": "one\ntwo", "EMPTY": "", "EQUAL": "a=b=c", "QUOTE": `"' $HOME`, "ORDERLY_COMPONENT": "a", "ORDERLY_RUN": "1", "CONFORMANCE": w.dir}
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			w.Errorf("%s is %q", name, v)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok && name != "PATH" && name != "PWD" && name != "_" && name != "" && name != "OLDPWD" && name != "SHLVL" {
			w.Errorf("%s is there: %q", name, got[name])
		}
	}
	w.is("b", "failed", "environment file")
}

func noUser(w *world) {
	w.activate("all")
	w.is("a", "failed", "nobody-has-this-name")
	w.is("b", "failed", "nobody-has-this-name")
	pid := w.eventually("digits", "ready").PID
	if got := strings.Fields(oracle.Field(w.Proc, pid, "Uid")); len(got) != 4 || got[0] != "54321" {
		w.Errorf("digits has %v", got)
	}
	if w.exists("ran") {
		w.Error("it ran, as somebody")
	}
}

func noRights(w *world) {
	w.reach("all")
	pid := w.component("a").PID
	for name, want := range map[string]string{"Groups": "54322", "CapEff": "0000000000000000", "CapPrm": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1",
		"Uid": "54321\t54321\t54321\t54321", "Gid": "54322\t54322\t54322\t54322"} {
		if got := oracle.Field(w.Proc, pid, name); got != want {
			w.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func failedStep(w *world) {
	w.activate("all")
	w.is("a", "failed", "read only /there/is/no/such/path")
	if w.exists("ran") {
		w.Error("it ran")
	}
	if c := w.eventually("b", "ready"); c.Health != "degraded" || !strings.Contains(fmt.Sprint(c.Missed), "read_only_paths") {
		w.Errorf("b is %+v", c)
	}
}
