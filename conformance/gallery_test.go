package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// gallery is a configuration with a component of every sort. Each program writes its name into "starts" and prints a line.
const gallery = `
state_directory = "$DIR/state"
[template.prog]
command = ["prog", "append", "$DIR/starts", "NAME", "print", "here is NAME", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
recovery = { delay = "20ms" }
[template.box]
command = ["/prog", "append", "/state/starts", "NAME", "print", "here is NAME", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
recovery = { delay = "20ms" }
stop_timeout = "0s"
container = { rootfs = "$DIR/root", mounts = [{ source = "$DIR", target = "/state" }] }

[component.shared]
template = "prog"
reload_command = ["prog", "append", "$DIR/reloads", "shared"]
[component.beating]
command = ["prog", "append", "$DIR/starts", "beating", "print", "here is beating", "beat", "0", "100ms"]
ready = { when = "heartbeat" }
heartbeat = { via = "fd", window = "2s", tolerance = 1 }
[component.noting]
command = ["prog", "append", "$DIR/starts", "noting", "print", "here is noting", "notify", "READY=1", "pause"]
ready = { when = "notified" }
recovery = { delay = "300ms" }
[component.once]
kind = "oneshot"
command = ["prog", "append", "$DIR/starts", "once", "print", "here is once", "exit", "0"]
[component.writer]
template = "prog"
output = { stdout = "pipe:between", stderr = "log" }
[component.reader]
command = ["sh", "-c", "echo reader >> $DIR/starts; echo here is reader; while read line; do echo $line >> $DIR/through; done"]
output = { stdin = "pipe:between" }
[component.gentle]
template = "prog"
depends_on = ["shared"]
stop_command = ["sh", "-c", "echo gentle >> $DIR/stops; kill $MAINPID"]
[component.gated]
template = "prog"
depends_on = ["noting"]
[[component.gated.start_conditions]]
file = "$DIR/gate"
timeout = "20s"
[component.failing]
command = ["sh", "-c", "echo failing >> $DIR/starts; echo here is failing; test -e $DIR/well && echo >&3 && exec sleep 100000; touch $DIR/well; exit 1"]
ready = { fd = 3 }
recovery = { delay = "100ms" }
[component.box]
template = "box"
[component.user]
template = "box"
container.namespaces = ["user", "pid", "mount", "net", "ipc"]
[component.clock]
template = "box"
container.boottime_offset = "5s"
[component.other]
template = "prog"
depends_on = ["shared"]
[component.fragile]
command = ["prog", "append", "$DIR/starts", "fragile", "print", "here is fragile", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
recovery = { attempts = 0 }
[component.named]
command = ["sh", "-c", "echo named >> $DIR/starts; echo here is named; sh -c 'sleep 100000 & echo $! > $DIR/named.pid; wait' & wait"]
pid_file = "$DIR/named.pid"
recovery = { delay = "20ms" }
[component.forked]
command = ["sh", "-c", "echo forked >> $DIR/starts; echo here is forked; sleep 100000 & echo $! > $DIR/forked.pid"]
pid_file = "$DIR/forked.pid"
recovery = { delay = "20ms" }
[component.heir]
command = ["sh", "-c", "echo heir >> $DIR/starts; echo here is heir; sleep 100000 & echo $! > $DIR/heir.pid; prog notify \"MAINPID=$!\nREADY=1\""]
ready = { when = "notified" }
recovery = { delay = "20ms" }

[target.A]
depends_on = ["shared", "beating", "noting", "once", "writer", "reader", "gentle", "gated", "failing", "box", "user", "clock"]
[target.C]
depends_on = ["shared", "beating", "fragile"]
recovery = { target = "B" }
[target.B]
depends_on = ["shared", "beating", "writer", "reader", "user", "other"]
`

// galleryText is the configuration of the gallery. A name in a command is that of its component.
func galleryText(config string) string {
	var b strings.Builder
	templates := map[string]string{}
	whole, tables, _ := strings.Cut(config, "\n[")
	b.WriteString(whole + "\n")
	for block := range strings.SplitSeq(tables, "\n[") {
		head, body, _ := strings.Cut(block, "]\n")
		body += "\n"
		if name, ok := strings.CutPrefix(head, "template."); ok {
			templates[name] = body
			continue
		}
		for t, lines := range templates {
			body = strings.Replace(body, "template = \""+t+"\"\n", strings.ReplaceAll(lines, "NAME", strings.TrimPrefix(head, "component.")), 1)
		}
		if head != "" {
			fmt.Fprintf(&b, "[%s]\n%s\n", head, body)
		}
	}
	return b.String()
}

// furnish makes the files that the gallery needs.
func (w *world) furnish() {
	w.Helper()
	w.write("root/state/.keep", "")
	w.write("gate", "")
	if out, err := exec.Command("cp", filepath.Join(programs, "prog"), w.path("root")).CombinedOutput(); err != nil {
		w.Fatalf("%v: %s", err, out)
	}
}

// life is what a component has of its own while it runs.
type life struct {
	PID         int
	Born        uint64
	Run         uint32
	Descriptors []string
}

// alive are the components that are ready, and what they have.
func (w *world) alive() map[string]life {
	all := map[string]life{}
	for _, c := range w.status().Components {
		if c.State != "ready" || c.PID == 0 {
			continue
		}
		p, _ := oracle.Look(w.Proc, c.PID)
		l := life{PID: c.PID, Born: p.Born, Run: c.Run}
		links, _ := filepath.Glob(fmt.Sprintf("%s/%d/fd/*", w.Proc, c.PID))
		for _, path := range links {
			if to, err := os.Readlink(path); err == nil && !strings.Contains(to, "anon_inode") {
				l.Descriptors = append(l.Descriptors, filepath.Base(path)+" "+to)
			}
		}
		all[c.Name] = l
	}
	return all
}

// rests is that when it stays as it is: a program that has just been executed still loads its libraries, and a shell redirects for a moment.
func (w *world) rests() (lives map[string]life) {
	w.Helper()
	w.await("components at rest", func() bool {
		last := lives
		time.Sleep(20 * time.Millisecond)
		lives = w.alive()
		return cmp.Equal(last, lives)
	})
	return lives
}

// outcome is what a passage comes to: what was executed, how the components are, and how often they were restarted.
type outcome struct {
	Starts, Restarts map[string]int
	States           map[string]string
	Lines            map[string]bool // all that was printed is in the log; a manager that died may have left a line for the next to write again
	Reloaded         bool            // a command that a manager had begun is begun again
	Marks            map[string]int
	State, Target    string
}

// outcome looks at what has happened since the files were emptied.
func (w *world) outcome(before control.Status) outcome {
	s := w.status()
	o := outcome{Starts: map[string]int{}, Restarts: map[string]int{}, States: map[string]string{}, Lines: map[string]bool{}, State: s.State, Target: s.Target}
	o.Reloaded = w.read("reloads") != ""
	o.Marks = map[string]int{}
	for name := range strings.FieldsSeq(w.read("marks")) {
		o.Marks[name]++
	}
	for name := range strings.FieldsSeq(w.read("starts")) {
		o.Starts[name]++
	}
	for _, c := range s.Components {
		name := strings.TrimRight(c.Name, "0123456789")
		o.States[name] = c.State
		o.Restarts[name] = c.Restarts
		printed := w.read("log/" + c.Name + ".log")
		if name == "writer" {
			printed = w.read("through")
		}
		lines := strings.Count(printed, "here is "+name)
		o.Lines[name] = lines >= o.Starts[name] && lines <= o.Starts[name]+1
	}
	for _, c := range before.Components {
		if name := strings.TrimRight(c.Name, "0123456789"); name != "once" {
			o.Restarts[name] -= c.Restarts
		}
	}
	return o
}

// bear takes what was begun once more for what was begun once: a manager died in it.
func (o *outcome) bear(want outcome) {
	for name, n := range o.Marks {
		if n == want.Marks[name]+1 {
			if o.Marks[name]--; n == 1 {
				delete(o.Marks, name)
			}
		}
	}
}

// empty forgets what has been counted.
func (w *world) empty() {
	for _, name := range []string{"starts", "reloads", "stops", "through", "well", "marks"} {
		os.Remove(w.path(name))
	}
	logs, _ := filepath.Glob(w.path("log/*.log"))
	for _, f := range logs {
		if filepath.Base(f) != "orderly.log" {
			os.Remove(f)
		}
	}
}
