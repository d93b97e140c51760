package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

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
	}
}

const renewed = "the keeper is the new program too"

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
	is, err := os.Stat(fmt.Sprintf("/proc/%d/exe", w.keeper))
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
			w.must(unix.Kill(w.keeper, unix.SIGWINCH))
			w.must(unix.Kill(w.keeper, unix.SIGHUP)) // at the very moment it may be lost, but does no harm
			return w.executes(file)
		})
		w.await("the new program's word", func() bool { return strings.Count(w.read("console"), renewed) > round })
		w.must(unix.Kill(w.keeper, unix.SIGHUP))
		w.reconnect()
		w.await("what the signal asked for", func() bool { _, code := w.orderly("plan", target); return code == 0 })
	}
	w.reconnect()
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
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", w.keeper))
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
