package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// upgrades are scenarios about other programs in the place of keeper and manager.
func upgrades() []scenario {
	return []scenario{
		{id: "O130b", story: "keeper and manager become another program again and again while components crash and signals come: no component notices, no exit is lost, a signal at the very moment does no harm and one behind it counts",
			play: upgradeUnderLoad, mortal: true, loaded: true, config: brief + `
[component.a]
command = ["sleep", "1000"]
environment = { ROUND = "0" }
`},
		{id: "O130c", story: "programs that are cut off, of another architecture, or not Orderly: refused or gone back from, and the keeper goes on", play: badUpgrades, mortal: true, loaded: true, config: one},
		{id: "O130e", story: "a power off that a signal asks for while the keeper becomes the new program is not lost", play: signalInBetween, root: true, places: []place{foreground}, config: one},
		{id: "O130d", story: "a program whose keeper has another format of its state becomes the manager, the keeper stays and says so; one that keeps more than the old one knows becomes both; each time there is a way back; one that cannot read the facts becomes nothing; no component notices, and no exit is lost",
			play: otherFormats, mortal: true, loaded: true, config: brief + `
[component.a]
command = ["sleep", "1000"]
`},
	}
}

const renewed = "the keeper is the new program too"

// powerOff is what SIGRTMIN+4 asks for.
const powerOff = unix.Signal(34 + 4)

func signalInBetween(w *world) {
	other := w.install("other")
	for range 4 {
		c := w.contained(container)
		init := w.initOf(c)
		client := w.dialed(init)
		w.must(client.Call("Upgrade", control.UpgradeParam{Binary: other}, &control.Empty{}))
		client.Close()
		for late := time.Now().Add(patience); !strings.Contains(w.environment(init), "ORDERLY_KEEPER="); {
			if time.Now().After(late) {
				w.Fatal("the keeper does not become the new program")
			}
		}
		w.must(unix.Kill(init, powerOff))
		exitOf(w, c)
		if how := c.ProcessState.Sys().(syscall.WaitStatus); how.Signal() != unix.SIGINT || !w.exists("ended") { // see inContainer
			w.Errorf("it ended with %#x: %s", int(how), w.read("contained"))
		}
		os.Remove(w.path("begun"))
		os.Remove(w.path("ended"))
	}
}

// environment is that of the program that a process executes, from the moment on in which it does.
func (w *world) environment(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return string(b)
}

// install makes another file of the program.
func (w *world) install(name string) string {
	w.Helper()
	w.write(name, string(w.bytes(filepath.Join(programs, "orderly"))))
	return w.path(name)
}

// reconnect makes a connection to the manager that there is.
func (w *world) reconnect() {
	w.Helper()
	if w.client != nil {
		w.client.Close()
	}
	w.await("a connection", w.connected)
}

// executes says whether the keeper is executed from a file.
func (w *world) executes(path string) bool {
	want, err := os.Stat(path)
	w.must(err)
	is, err := os.Stat(fmt.Sprintf("/proc/%d/exe", w.Keeper))
	return err == nil && os.SameFile(want, is)
}

func upgradeUnderLoad(w *world) {
	w.activate("all")
	var reply control.ResultReply
	w.call("Start", namesOf("a"), &reply)
	a := w.component("a")
	files := []string{w.install("one"), w.install("two")}
	text := w.read("conf/o.toml")
	for round := range 6 {
		file, target := files[round%2], fmt.Sprintf("round%d", round)
		w.write("conf/o.toml", text+"\n[target."+target+"]\n")
		w.upgrade(file)
		w.await("the keeper as "+file, func() bool {
			w.must(unix.Kill(w.Keeper, unix.SIGWINCH))
			w.must(unix.Kill(w.Keeper, unix.SIGHUP)) // at the very moment it may be lost, but does no harm
			return w.executes(file)
		})
		w.await("the new program's word", func() bool { return strings.Count(w.read("console"), renewed) > round })
		w.must(unix.Kill(w.Keeper, unix.SIGHUP))
		w.reconnect()
		w.await("what the signal asked for", func() bool { _, code := w.orderly("plan", target); return code == 0 })
	}
	w.reconnect()
	if name := oracle.Field("/proc", w.Keeper, "Name"); name != "orderly" {
		w.Errorf("the keeper's name is %q", name)
	}
	if now := w.component("a"); now.PID != a.PID || now.Run != a.Run {
		w.Errorf("a was %+v and is %+v", a, now)
	}
	w.stop("c1", "c2", "c3", "c4")
	for i := 1; i <= 4; i++ {
		w.everyRun(fmt.Sprintf("c%d", i), fmt.Sprintf("exit %d", i))
	}
}

func (w *world) upgrade(file string) {
	w.Helper()
	w.call("Upgrade", control.UpgradeParam{Binary: file}, &control.Empty{})
}

func badUpgrades(w *world) {
	w.reach("all")
	a := w.component("a")
	whole, victim := w.install("whole"), w.bytes(filepath.Join(programs, "victim"))
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", w.Keeper))
	w.must(err)
	wrongKind := w.bytes(whole)
	wrongKind[18] ^= 0xff // e_machine (elf(5))
	for name, b := range map[string][]byte{"text": []byte("#!/bin/sh\n"), "nothing": nil, "other": wrongKind, "cut": w.bytes(whole)[:100000]} {
		w.write(name, string(b))
		if out, code := w.orderly("upgrade", w.path(name)); code == 0 || !strings.Contains(out, w.path(name)) {
			w.Errorf("upgrade to %s: %d, %s", name, code, out)
		}
	}
	// what only shows when it runs: not Orderly, a manager but no keeper, one that hangs
	for _, bad := range []struct{ name, text, says string }{
		{"stranger", string(w.bytes("/bin/true")), "the one before goes on"},
		{"half", string(victim), "keeper: stays the program that it is"},
		{"hang", string(victim) + "hang", "keeper: stays the program that it is"},
	} {
		said := strings.Count(w.read("console"), bad.says)
		w.write(bad.name, bad.text)
		w.upgrade(w.path(bad.name))
		w.await(bad.name+": "+bad.says, func() bool { return strings.Count(w.read("console"), bad.says) > said })
		w.reconnect()
		if !w.executes(own) {
			w.Errorf("%s is the keeper", bad.name)
		}
	}
	if notes := strings.Join(w.status().Notes, "\n"); !strings.Contains(notes, "the keeper stays the program that it was") {
		w.Errorf("the notes are %q", notes)
	}
	if now := w.component("a"); now.PID != a.PID || now.Run != a.Run {
		w.Errorf("a was %+v and is %+v", a, now)
	}
	w.upgrade(whole)
	w.await("the keeper as "+whole, func() bool { return w.executes(whole) })
	w.reconnect()
	w.await("no word of an older keeper", func() bool { return !strings.Contains(strings.Join(w.status().Notes, "\n"), "keeper") })
}

// bytes are those of a file.
func (w *world) bytes(path string) []byte {
	w.Helper()
	b, err := os.ReadFile(path)
	w.must(err)
	return b
}

// edit changes a text that is in a file once.
type edit struct{ file, old, new string }

// Programs of another version, each of which is built when it is first asked for.
var (
	// otherState cannot read the state of our keeper, nor ours that of its own.
	otherState = version("other-state", edit{"init/keeper/state.go", "const stateFormat = 1", "const stateFormat = 2"})
	// otherFacts cannot read the facts.
	otherFacts = version("other-facts", edit{"supervisor/table.go", `const tableMagic = "ORDERLY1"`, `const tableMagic = "ORDERLY2"`})
	// richer has more in that state, and its manager has the keeper hold what we do not know.
	richer = version("richer",
		edit{"init/keeper/state.go", "\tFormat int\n", "\tFormat int\n\tLater map[string][]int\n"},
		edit{"init/keeper/state.go", "Format: stateFormat, PID", "Format: stateFormat, Later: map[string][]int{\"x\": {1, 2}}, PID"},
		edit{"init/manager/main.go", "\tm.link.Send(keeper.Message{Kind: keeper.Hello})",
			"\tm.hold(keeper.Message{Tags: []keeper.Tag{{Use: 999, Run: 1, Name: 2}}, Files: []int{1}})\n\tm.link.Send(keeper.Message{Kind: keeper.Hello})"})
)

// version is the program with other texts in its files, which the build gets as an overlay (go help build).
func version(name string, edits ...edit) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		root, err := filepath.Abs("..")
		if err != nil {
			return "", err
		}
		texts := map[string]string{}
		for _, e := range edits {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			text := cmp.Or(texts[e.file], string(b))
			if n := strings.Count(text, e.old); err != nil || n != 1 {
				return "", fmt.Errorf("%s has %q %d times: %v", e.file, e.old, n, err)
			}
			texts[e.file] = strings.Replace(text, e.old, e.new, 1)
		}
		program := filepath.Join(programs, name)
		replace := map[string]string{}
		for file, text := range texts {
			to := program + "." + filepath.Base(file)
			if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
				return "", err
			}
			replace[filepath.Join(root, file)] = to
		}
		overlay, err := json.Marshal(map[string]any{"Replace": replace})
		if err == nil {
			err = os.WriteFile(program+".json", overlay, 0o600)
		}
		if err != nil {
			return "", err
		}
		build := exec.Command("go", "build", "-trimpath", "-overlay", program+".json", "-o", program, "../init")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
		return program, nil
	})
}

// manages says whether the manager is executed from a file.
func (w *world) manages(path string) bool {
	want, err := os.Stat(path)
	w.must(err)
	is, err := os.Stat(fmt.Sprintf("%s/%d/exe", w.Proc, w.Manager()))
	return err == nil && os.SameFile(want, is)
}

func otherFormats(w *world) {
	other, err := otherState()
	w.must(err)
	more, err := richer()
	w.must(err)
	facts, err := otherFacts()
	w.must(err)
	old := w.install("old")
	w.activate("all")
	w.start("a")
	a := w.component("a")
	becomes := func(what, path string, is func(string) bool) {
		w.Helper()
		w.await(path+" as the "+what, func() bool { return is(path) })
		w.reconnect()
		run := w.component("c1").Run
		w.await("the components to go on", func() bool { return w.component("c1").Run > run+2 })
		if now := w.component("a"); now.PID != a.PID || now.Run != a.Run || now.State != "ready" {
			w.Errorf("a was %+v and is %+v", a, now)
		}
	}
	notes := func() string { return strings.Join(w.status().Notes, "\n") }
	w.upgrade(old)
	becomes("keeper", old, w.executes)

	const stays = "the keeper stays the program that it was: the new program does not answer that it can take over"
	w.upgrade(other)
	becomes("manager", other, w.manages)
	w.await("a word of the keeper", func() bool { return strings.Contains(notes(), stays) })
	w.anotherManager()
	becomes("next manager", other, w.manages)
	if !w.executes(old) || !strings.Contains(notes(), stays) {
		w.Errorf("the keeper is another program; the notes: %s", notes())
	}
	w.upgrade(old)
	becomes("manager", old, w.manages)
	w.await("no word of the keeper", func() bool { return !strings.Contains(notes(), "keeper") })

	for _, path := range []string{more, old, more, old} {
		w.upgrade(path)
		becomes("keeper", path, w.executes)
		becomes("manager", path, w.manages)
	}
	w.upgrade(facts)
	w.await("a word of the one before", func() bool { return strings.Contains(w.read("console"), "the one before goes on") })
	becomes("keeper again", old, w.executes)
	becomes("manager again", old, w.manages)
	if strings.Contains(notes(), "keeper") {
		w.Errorf("the notes: %s", notes())
	}
	w.stop("c1", "c2", "c3", "c4")
	for i := 1; i <= 4; i++ {
		w.everyRun(fmt.Sprintf("c%d", i), fmt.Sprintf("exit %d", i))
	}
}
