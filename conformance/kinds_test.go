package conformance

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// annex is a configuration of what the gallery does not have: bundles and other containers, other ways to be ready, to wait, to end and to
// be answered. What commands, hooks and actions do is written into "marks".
const annex = `
state_directory = "$DIR/state"
[component.bundled]
ready = { log = "^here is bundled" }
reload_command = ["/prog", "append", "/state/marks", "bundle-reloads"]
recovery = { delay = "20ms" }
container = { bundle = "$DIR/bundle" }
[component.sharing]
depends_on = ["bundled"]
command = ["/prog", "append", "/state/starts", "sharing", "print", "here is sharing", "listen", "unix:@sharing", "pause"]
ready = { socket = "unix:@sharing" }
recovery = { delay = "500ms" }
[component.sharing.container]
rootfs = "$DIR/root"
mounts = [{ source = "$DIR", target = "/state" }]
share = { with = "bundled", namespaces = ["ipc", "pid"] }
[component.inner]
command = ["/prog", "append", "/state/starts", "inner", "print", "here is inner", "touch", "/inner", "pause"]
ready = { file = "/inner" }
reload_command = ["/prog", "append", "/state/marks", "inner-reloads"]
recovery = { delay = "20ms" }
container = { rootfs = "$DIR/root", init = true, overlay = "tmpfs", mounts = [{ source = "$DIR", target = "/state" }] }
[component.rooted]
command = ["/prog", "append", "/starts", "rooted", "print", "here is rooted", "fd", "3", "\n", "pause"]
root_directory = "$DIR"
ready = { fd = 3 }
recovery = { delay = "20ms" }
[component.filing]
command = ["prog", "append", "$DIR/starts", "filing", "print", "here is filing", "touch", "$DIR/filed", "pause"]
ready = { file = "$DIR/filed" }
recovery = { delay = "20ms" }
[component.listening]
command = ["prog", "append", "$DIR/starts", "listening", "print", "here is listening", "listen", "unix:@$DIR/listening", "pause"]
ready = { socket = "unix:@$DIR/listening" }
recovery = { delay = "20ms" }
[component.probed]
command = ["sh", "-c", "echo probed >> $DIR/starts; echo here is probed; echo $$ > $DIR/probed; exec sleep 100000"]
ready = { command = ["sh", "-c", "kill -0 $(cat $DIR/probed)"] }
recovery = { delay = "20ms" }
[component.raising]
command = ["prog", "append", "$DIR/starts", "raising", "print", "here is raising", "notify", "X_ORDERLY_CONDITION=up\nREADY=1", "pause"]
ready = { when = "notified" }
recovery = { delay = "20ms" }
[component.hearing]
command = ["prog", "append", "$DIR/starts", "hearing", "print", "here is hearing", "notify", "X_ORDERLY_CONDITION=heard", "pause"]
notify = true
ready = { condition = "heard" }
recovery = { delay = "20ms" }
[component.later]
command = ["prog", "append", "$DIR/starts", "later", "print", "here is later", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
after = ["leaving"]
start_conditions = [{ condition = "up", timeout = "20s" }, { command = ["test", "-e", "$DIR/gate"] }, { exit = "leaving" }]
recovery = { delay = "20ms" }
[component.skipped]
command = ["prog", "append", "$DIR/starts", "skipped"]
start_conditions = [{ absent = "$DIR/gate", on_false = "skip" }]
[component.ticking]
command = ["prog", "append", "$DIR/starts", "ticking", "print", "here is ticking", "watchdog", "0", "100ms"]
ready = { when = "heartbeat" }
heartbeat = { via = "notify", window = "1s", tolerance = 1 }
recovery = { delay = "20ms" }
[component.leaving]
kind = "oneshot"
command = ["sh", "-c", "echo leaving >> $DIR/starts; echo here is leaving; sleep 100000 & sleep 0.1"]
stop_command = ["sh", "-c", "echo left >> $DIR/marks"]
[component.acting]
kind = "oneshot"
action = ["mkdir", "$DIR/made"]
stop_action = ["remove", "$DIR/made"]
[component.stubborn]
command = ["sh", "-c", "trap '' TERM; echo stubborn >> $DIR/starts; echo here is stubborn; echo >&3; sleep 100000 & sleep 100000; sleep 100000"]
ready = { fd = 3 }
stop_timeout = "300ms"
recovery = { delay = "20ms" }
[component.hanging]
command = ["prog", "append", "$DIR/starts", "hanging", "print", "here is hanging", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
stop_command = ["sh", "-c", "echo hung >> $DIR/marks; exec sleep 100000"]
stop_timeout = "300ms"
recovery = { delay = "20ms" }
[component.weak]
command = ["prog", "append", "$DIR/starts", "weak", "print", "here is weak", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
conflicts = ["spare"]
recovery = { action = "replace", replacement = "spare" }
[component.spare]
command = ["prog", "append", "$DIR/starts", "spare", "print", "here is spare", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
recovery = { delay = "20ms" }
[component.pty]
command = ["sh", "-c", "rm -f $DIR/tty; exec prog \"$@\"", "sh", "append", "$DIR/starts", "pty", "print", "here is pty", "pty", "$DIR/tty", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
[component.console]
depends_on = ["pty"]
command = ["sh", "-c", "echo console >> $DIR/starts; echo here is console; exec sleep 100000"]
terminal = "$DIR/tty"
output = { stdout = "log", stderr = "null" }

[target.K]
depends_on = ["console", "bundled", "sharing", "inner", "rooted", "filing", "listening", "probed", "raising", "hearing", "later", "skipped", "ticking", "leaving", "acting", "stubborn", "hanging", "weak"]
`

// bundle is that of bundled.
const bundle = `{
  "ociVersion": "1.2.0",
  "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["CONFORMANCE=$DIR"], "args": ["/prog", "append", "/state/starts", "bundled", "onterm", "/state/terms", "bundled", "print", "here is bundled", "pause"]},
  "root": {"path": "rootfs"},
  "mounts": [{"destination": "/proc", "type": "proc"}, {"destination": "/state", "type": "bind", "source": "$DIR", "options": ["bind"]}],
  "hooks": {
    "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo createRuntime >> $DIR/marks"]}],
    "startContainer": [{"path": "/prog", "args": ["prog", "append", "/state/marks", "startContainer"]}],
    "poststart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo poststart >> $DIR/marks"]}],
    "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo poststop >> $DIR/marks"]}]
  },
  "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}]}
}
`

// all of them that have a process, but for ticking, which opens a socket for each beat.
const all = "bundled sharing inner rooted filing listening probed raising hearing later stubborn hanging weak pty console"

var daemons = strings.Fields("bundled sharing inner rooted filing listening probed raising hearing later ticking stubborn hanging")

// sorts are passages with them.
func sorts() []passage {
	list := []passage{
		{name: "begin", before: at("idle"), do: command("activate", "K"), begun: turns("K")},
		{name: "end", before: at("K"), do: command("activate", "idle"), begun: turns("idle")},
		{name: "fail", before: at("K"), do: func(w *world) bool {
			for _, name := range daemons {
				w.Kill(w.pids[name], unix.SIGKILL) // one may be gone already, with the namespace that it shares
			}
			time.Sleep(time.Second) // who asks again and again makes calls that are no part of it
			w.await("other runs", func() bool { return w.ranAgain(daemons...) })
			return true
		}, few: true},
		{name: "replace", before: at("K"), do: func(w *world) bool {
			w.signal(w.pids["weak"])
			time.Sleep(time.Second / 4)
			w.await("what replaces it", func() bool { s, ok := w.glance(); return ok && listed(s, "spare").State == "ready" })
			return true
		}, few: true},
		{name: "hold", before: func(w *world) {
			w.reach("K")
			w.stop(held...)
		}, do: func(w *world) bool {
			w.types(append([]string{"start", "--hold"}, held...)...)
			for !w.types(append([]string{"start"}, held...)...) { // whatever has become of it, one that is held goes on
			}
			return true
		}, few: true},
		{name: "change", before: func(w *world) {
			w.write("conf/o.toml", w.text(galleryText(annex)))
			w.types("apply")
			w.reach("K")
			w.write("conf/o.toml", w.text(galleryText(changed())))
		}, do: command("apply"), begun: removed("bundled"), unsure: "left", few: true},
		{name: "silence", before: at("K"), do: func(w *world) bool {
			w.Kill(w.pids["ticking"], unix.SIGSTOP)
			time.Sleep(3 * time.Second)
			w.await("another run", func() bool { return w.ranAgain("ticking") })
			return true
		}, few: true},
		{name: "release", before: at("K"), do: command("release", "filing", "inner"), begun: moves("down", "filing", "inner"), after: func(w *world) {
			w.adopt()
			w.restart("filing", "inner") // else it has the number of the run that it was released from
		}, few: true},
		{name: "adopt", before: func(w *world) {
			w.reach("K")
			for _, name := range []string{"filing", "inner"} {
				w.pids[name] = w.component(name).PID
				w.write(name+".freed", strconv.Itoa(w.pids[name]))
			}
			w.types("release", "filing", "inner")
		}, do: (*world).adopt, begun: func(*world) bool { return false }, after: func(w *world) { w.restart("filing", "inner") }, few: true},
		{name: "reload inside", before: at("K"), do: command("reload", "inner", "bundled"), begun: func(w *world) bool { return w.read("marks") != "" }, keeps: all, few: true},
		{name: "upgrade of kinds", before: at("K"), do: command("upgrade", filepath.Join(programs, "orderly")), begun: always, keeps: all, few: true},
	}
	if !*long && !*every {
		list = slices.DeleteFunc(list, func(p passage) bool { return p.name == "silence" }) // takes long
	}
	for i := range list {
		list[i].config = annex
	}
	return list
}

var held = []string{"filing", "rooted"}

// changed is annex without some, and with others of another definition.
func changed() string {
	text := annex
	for _, name := range []string{"bundled", "sharing", "leaving", "later", "acting"} {
		from := strings.Index(text, "[component."+name+"]")
		to := from + 1 + strings.Index(text[from+1:], "\n[")
		for strings.HasPrefix(text[to:], "\n[component."+name+".") {
			to = to + 1 + strings.Index(text[to+1:], "\n[")
		}
		text = text[:from] + text[to+1:]
		whole := strings.Index(text, "[target.K]")
		text = text[:whole] + strings.Replace(text[whole:], `"`+name+`", `, "", 1)
	}
	for old, now := range map[string]string{
		`"here is filing", `: `"here is filing", "sleep", "1ms", `, `"here is rooted", `: `"here is rooted", "sleep", "1ms", `,
		`window = "1s"`: `window = "2s"`, `kill -0 $(cat`: `exec kill -0 $(cat`, `condition = "heard"`: `file = "$DIR/gate"`,
		`"echo hung`: `"echo hangs`,
	} {
		text = strings.Replace(text, old, now, 1)
	}
	return text
}

// adopt has those that were released taken up again, unless they are.
func (w *world) adopt() bool {
	w.Helper()
	for _, name := range []string{"filing", "inner"} {
		pid := w.pids[name]
		if pid == 0 {
			pid, _ = strconv.Atoi(w.read(name + ".freed"))
		}
		c := w.Command(filepath.Join(programs, "orderly"), "--control", w.socket, "adopt", name, strconv.Itoa(pid))
		out, err := c.CombinedOutput()
		if strings.Contains(string(out), control.ErrGone.Error()) {
			return false
		}
		if s, ok := w.glance(); err != nil && (!ok || listed(s, name).PID != pid) {
			w.Errorf("adopt %s: %v: %s", name, err, out)
		}
	}
	return true
}

// listed is a component in a status; without a name there is none.
func listed(s control.Status, name string) control.Component {
	if i := slices.IndexFunc(s.Components, func(c control.Component) bool { return c.Name == name }); i >= 0 {
		return s.Components[i]
	}
	return control.Component{}
}

// removed says whether an apply has taken a component away.
func removed(name string) func(w *world) bool {
	return func(w *world) bool {
		s, ok := w.glance()
		return ok && listed(s, name).Name == ""
	}
}

// equip makes the files that the kinds need.
func (w *world) equip() {
	w.Helper()
	for _, name := range []string{"bundle/rootfs/state/.keep", "bundle/rootfs/proc/.keep"} {
		w.write(name, "")
	}
	w.write("bundle/config.json", strings.ReplaceAll(bundle, "$DIR", w.dir))
	for _, dir := range []string{"bundle/rootfs", "."} {
		if out, err := exec.Command("cp", filepath.Join(programs, "prog"), w.path(dir)).CombinedOutput(); err != nil {
			w.Fatalf("%v: %s", err, out)
		}
	}
}
