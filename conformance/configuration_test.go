package conformance

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/launch"
)

// configurations are scenarios about files that are wrong.
func configurations() []scenario {
	return []scenario{
		{id: "M118", story: "every kind of wrong file is an error that names it, with line and column where there are any, and none of them hangs or floods", play: wrongFiles, config: one, loaded: true},
		{id: "M119", story: "a file that is cut off at any place is refused when it is applied, and what runs goes on", play: halfWritten, config: one, loaded: true},
		{id: "M120b", story: "a start fails in the moment in which an apply gives other numbers to components: it is that component that has failed, and no other notices", play: renumbered,
			root: true, loaded: true, traps: []uintptr{unix.SYS_MKDIRAT}, config: numbered},
		{id: "M122b", story: "while the configuration before a trial is on its way to a slow disk, another apply is refused, by a command and by a signal, and what is saved stays", play: appliesAtOnce,
			root: true, loaded: true, traps: []uintptr{unix.SYS_FSYNC}, config: "state_directory = \"$DIR/state\"\n" + one},
	}
}

// good is a configuration with seven lines.
const good = "initial_target = \"t\"\n[component.a]\ncommand = [\"true\"]\n[target.t]\ndepends_on = [\"a\"]\n[component.b]\ncommand = [\"x\"]\n"

// wrong are files with what is said of them.
func wrong() []struct{ name, text, want string } {
	return []struct{ name, text, want string }{
		{"bom", "\xef\xbb\xbf" + good, "1:1: begins with a byte order mark"},
		{"bytes", good + "user = \"\xff\"\n", "8:9: invalid UTF-8"},
		{"utf16", strings.Repeat("a\x00", 100), "1:2: files cannot contain NULL bytes"},
		{"syntax", good + "[component.c\n", "8:13: "},
		{"unknown", good + "usr = \"x\"\n", "8:1: component.b.usr: unknown key; did you mean \"user\"?"},
		{"type", good + "umask = 22\n", "8:9: component.b.umask: "},
		{"twice", good + "command = [\"y\"]\n", "8:1: component.b.command: is already set at "},
		{"negative", good + "start_timeout = \"-5s\"\n", "8:17: component.b.start_timeout: \"-5s\" is negative"},
		{"unit", good + "start_timeout = \"5 parsecs\"\n", "8:17: component.b.start_timeout: \"5 parsecs\" is not a duration"},
		{"large", good + "success_exit_codes = [9223372036854775808]\n", "8:23: 9223372036854775808 is out of range"},
		{"long", good + "start_timeout = \"9223372036854775807h\"\n", "8:17: component.b.start_timeout: \"9223372036854775807h\" is too long"},
		{"deep", good + "x = " + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + "\n", "nested more than 32 levels deep"},
		{"empty", "", "there is no target"},
		{"huge", strings.Repeat("#", 10<<20), "larger than 4 MiB"},
	}
}

func wrongFiles(w *world) {
	for _, f := range wrong() {
		w.write("files/"+f.name+".toml", f.text)
		w.refusesFile(f.name, f.want)
	}
	w.must(unix.Mkfifo(w.path("files/fifo.toml"), 0o644))
	w.refusesFile("fifo", "not a regular file")
	w.must(os.Symlink("loop.toml", w.path("files/loop.toml")))
	w.refusesFile("loop", "too many levels of symbolic links")
	w.refusesFile("missing", "no such file or directory")
	if os.Geteuid() == 0 {
		w.write("files/closed.toml", good)
		w.must(os.Chmod(w.path("files/closed.toml"), 0))
		out := w.inside("sh", "-c", "setpriv --reuid=65534 --clear-groups "+programs+"/orderly check "+w.path("files/closed.toml")+" 2>&1; echo ended with $?")
		if !strings.Contains(out, "closed.toml: open: permission denied") || !strings.Contains(out, "ended with 1") {
			w.Errorf("a file that may not be read: %s", out)
		}
	}
	w.write("files/lines.toml", strings.ReplaceAll(good, "\n", "\r\n"))
	if out, code := w.orderly("check", w.path("files/lines.toml")); code != 0 {
		w.Errorf("lines that end as elsewhere: %d: %s", code, out)
	}
	for i := range 5000 {
		w.write(fmt.Sprintf("many/%d.toml", i), "")
	}
	if out, code := w.orderly("check", w.path("many")); code != 1 || !strings.Contains(out, "more than 4096 files") || strings.Count(out, "\n") > 10 {
		w.Errorf("5000 files ended with %d: %.1000s", code, out)
	}
	// one that is not a file is nothing to hang at when it is applied
	before := w.status().Target
	w.must(unix.Mkfifo(w.path("conf/z.toml"), 0o644))
	if out, code := w.orderly("apply"); code != 1 || !strings.Contains(out, "z.toml: not a regular file") {
		w.Errorf("apply of a pipe ended with %d: %s", code, out)
	}
	if now := w.status().Target; now != before {
		w.Errorf("the target was %s and is %s", before, now)
	}
}

// refusesFile checks a file, which takes no time to speak of.
func (w *world) refusesFile(name, want string) {
	w.Helper()
	begin := time.Now()
	out, code := w.orderly("check", w.path("files/"+name+".toml"))
	if code != 1 || !strings.Contains(out, name+".toml:"+want) && !(strings.Contains(out, name+".toml") && strings.Contains(out, want)) {
		w.Errorf("%s ended with %d, want %q: %.300s", name, code, want, out)
	}
	if took := time.Since(begin); took > patience/2 || len(out) > 4096 {
		w.Errorf("%s took %v and %d bytes of words", name, took, len(out))
	}
}

func halfWritten(w *world) {
	w.reach("all")
	before := w.component("a")
	whole := w.read("conf/o.toml")
	last := strings.LastIndex(whole, "[target.warming]") // what is cut behind it is a whole configuration again
	for at := 1; at < last; at += 7 {
		w.write("conf/o.toml", whole[:at])
		if out, code := w.orderly("apply"); code != 1 || out == "" {
			w.Fatalf("cut at %d of %d, apply ended with %d: %s", at, last, code, out)
		}
	}
	if now := w.component("a"); now.PID != before.PID || now.State != "ready" {
		w.Errorf("a was %+v and is %+v", before, now)
	}
	w.write("conf/o.toml", whole)
	if out, code := w.orderly("apply"); code != 0 {
		w.Errorf("the whole file: %d: %s", code, out)
	}
	if now := w.component("a"); now.PID != before.PID || now.State != "ready" {
		w.Errorf("a was %+v and is %+v", before, now)
	}
}

// appliesAtOnce has the disk take its time until the others have been answered.
func appliesAtOnce(w *world) {
	var once sync.Once
	w.object(func(asked) unix.Errno {
		once.Do(func() {
			for _, args := range [][]string{{"apply"}, {"apply", "--confirm", "10m"}} {
				if out, code := w.orderly(args...); code != 1 || !strings.Contains(out, "waits to be confirmed") {
					w.Errorf("%v meanwhile: %d: %s", args, code, out)
				}
			}
			unix.Kill(w.Keeper, unix.SIGHUP)
			if !launch.Soon(func() bool { return strings.Contains(w.read("log/orderly.log"), "apply: refused") }) {
				w.Error("SIGHUP meanwhile is not refused")
			}
		})
		return 0
	})
	if out, code := w.orderly("apply", "--confirm", "10m"); code != 0 {
		w.Errorf("apply --confirm: %d: %s", code, out)
	}
	if !w.exists("state/before-unconfirmed") {
		w.Error("nothing is saved")
	}
	if out, code := w.orderly("confirm"); code != 0 || w.exists("state/before-unconfirmed") {
		w.Errorf("confirm: %d: %s", code, out)
	}
}

const numbered = `
[component.absent]
command = ["sleep", "1000"]
` + unnumbered

const unnumbered = `
[component.bad]
command = ["sleep", "1000"]
recovery = { attempts = 0, then = "stop" }
[component.good]
command = ["sleep", "1000"]
[component.held]
command = ["sleep", "1000"]
[target.all]
depends_on = ["good"]
`

// renumbered holds up the manager's loop in a start, so that another one and an apply come into one round of it. The configuration that is
// applied has one component less, in front of all others.
func renumbered(w *world) {
	w.reach("all")
	pid := w.component("good").PID
	w.write("conf/o.toml", w.text(unnumbered))
	in, held := make(chan bool, 1), make(chan bool)
	goOn := sync.OnceFunc(func() { close(held) })
	defer goOn()
	w.object(func(c asked) unix.Errno {
		switch c.text(1) {
		case "held":
			select {
			case in <- true:
			default: // a signal has had it ask once more
			}
			<-held
		case "bad":
			return unix.ENOSPC
		}
		return 0
	})
	var all sync.WaitGroup
	all.Go(func() { w.orderly("start", "held") })
	w.await("its start", func() bool { return len(in) > 0 })
	all.Go(func() { w.orderly("start", "bad") })
	all.Go(func() { w.orderly("apply") })
	time.Sleep(500 * time.Millisecond) // both wait for the loop
	goOn()
	all.Wait()
	w.agree()
	w.eventually("bad", "failed")
	w.eventually("held", "ready")
	if c := w.component("good"); c.State != "ready" || c.PID != pid || c.Run != 1 {
		w.Errorf("good is %+v", c)
	}
}
