package conformance

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// dependencies are scenarios about who needs whom.
func dependencies() []scenario {
	return []scenario{
		{id: "G61", story: "cycles of any length are refused with the whole path, in the same words each time, and nothing is started", play: cyclesRefused, config: one},
		{id: "G62", story: "a cycle that comes with an apply is refused whole: what runs goes on, and the rest of that apply is not done", play: cycleApplied, config: one},
		{id: "G63", story: "a dependency that does not exist is refused at its place", play: noSuch, config: one},
		{id: "G64", story: "a chain of 100, a diamond of 20 levels, a fan of 200 behind one: the right order, each started once", play: func(w *world) { chains(w, 100, 20, 200) }, config: chainConfig(100, 20, 200), loaded: true},
		{id: "G64b", story: "G64 with a chain of 1000 and a fan of 5000", play: func(w *world) { chains(w, 1000, 20, 5000) }, config: chainConfig(1000, 20, 5000), loaded: true, alone: true, flooded: true, long: true, places: []place{foreground}},
		{id: "G65", story: "a configuration in 30 files, made in another order for each of 5 boots: the same order of starts, to the last", play: func(w *world) { sameOrder(w, 5) }, config: one, loaded: true, places: []place{foreground}},
		{id: "G65b", story: "G65 with 100 boots", play: func(w *world) { sameOrder(w, 100) }, config: one, loaded: true, long: true, places: []place{foreground}},
		{id: "G66", story: "one that is only wanted fails or is late: whoever wants it starts all the same, and after it has settled", play: softFails, config: `
[component.soft]
command = ["sh", "-c", "sleep 0.1; exit 1"]
ready = { fd = 3 }
recovery = { attempts = 0, then = "stop" }
[component.slow]
command = ["sleep", "1000"]
ready = { fd = 3 }
start_timeout = "200ms"
recovery = { attempts = 0, then = "stop" }
[component.a]
command = ["sleep", "1000"]
wants = ["soft", "slow"]
[target.all]
depends_on = ["a"]
`},
		{id: "G67", story: "two that exclude each other, asked for in turn and at once: the one is gone before the other starts", play: exclusive, config: `
[component.a]
command = ["sh", "-c", "test -e $DIR/lock && kill -0 $(cat $DIR/lock) && touch $DIR/both; echo $$ > $DIR/lock; trap 'sleep 0.05; rm $DIR/lock; exit 0' TERM; while :; do sleep 0.01; done"]
conflicts = ["b"]
[component.b]
command = ["sh", "-c", "test -e $DIR/lock && kill -0 $(cat $DIR/lock) && touch $DIR/both; echo $$ > $DIR/lock; trap 'sleep 0.05; rm $DIR/lock; exit 0' TERM; while :; do sleep 0.01; done"]
[target.all]
depends_on = ["a"]
`},
		{id: "G68", story: "a condition that never holds: its time ends, the rest is ready meanwhile, and it is said what is missing", play: neverHolds, config: `
[component.a]
command = ["sleep", "1000"]
recovery = { attempts = 0, then = "stop" }
[[component.a.start_conditions]]
file = "$DIR/never"
timeout = "300ms"
[component.b]
command = ["sleep", "1000"]
[target.all]
wants = ["a", "b"]
`},
		{id: "G69", story: "a oneshot that 50 need runs once", play: onceForAll, config: onceConfig(), loaded: true},
	}
}

// refuses checks a configuration of components with these dependencies: it must be refused with a text.
func (w *world) refuses(want string, edges ...string) {
	w.Helper()
	text := ""
	for _, e := range edges {
		name, needs, _ := strings.Cut(e, ">")
		text += fmt.Sprintf("[component.%s]\ncommand = [\"true\"]\ndepends_on = [%q]\n", name, needs)
	}
	w.write("bad.toml", text+"[target.t]\ndepends_on = [\"a\"]\n")
	first, code := w.orderly("check", w.path("bad.toml"))
	if code != 1 || !strings.Contains(first, want) {
		w.Errorf("check ended with %d, want %q: %s", code, want, first)
	}
	if again, _ := w.orderly("check", w.path("bad.toml")); again != first {
		w.Errorf("first %q, then %q", first, again)
	}
}

func cyclesRefused(w *world) {
	w.refuses("refers to itself", "a>a")
	w.refuses("a depends_on b, b depends_on a", "a>b", "b>a")
	edges, path := []string{"a>n0"}, "a depends_on n0"
	for i := range 49 {
		edges = append(edges, fmt.Sprintf("n%d>n%d", i, i+1))
		path += fmt.Sprintf(", n%d depends_on n%d", i, i+1)
	}
	w.refuses(path+", n49 depends_on a", append(edges, "n49>a")...)
	w.reach("all")
}

func cycleApplied(w *world) {
	w.reach("all")
	before := w.component("a")
	w.write("conf/p.toml", "[component.x]\ncommand = [\"true\"]\ndepends_on = [\"y\"]\n[component.y]\ncommand = [\"true\"]\ndepends_on = [\"x\"]\n[component.z]\ncommand = [\"true\"]\n")
	if out, code := w.orderly("apply"); code != 1 || !strings.Contains(out, "x depends_on y, y depends_on x") {
		w.Errorf("apply ended with %d: %s", code, out)
	}
	if now := w.component("a"); now.PID != before.PID || now.State != "ready" {
		w.Errorf("a was %+v and is %+v", before, now)
	}
	for _, c := range w.status().Components {
		if c.Name == "z" {
			w.Error("z is there")
		}
	}
}

func noSuch(w *world) {
	w.refuses("bad.toml:3:", "a>nobody")
}

// chainConfig is a chain, levels of two that need both of the level before, and many that need one.
func chainConfig(n, levels, fan int) string {
	text := "[component.n0]\ncommand = [\"sleep\", \"1000\"]\n[component.l0]\ncommand = [\"sleep\", \"1000\"]\n[component.r0]\ncommand = [\"sleep\", \"1000\"]\n"
	for i := 1; i < n; i++ {
		text += fmt.Sprintf("[component.n%d]\ncommand = [\"sleep\", \"1000\"]\ndepends_on = [\"n%d\"]\n", i, i-1)
	}
	for i := 1; i < levels; i++ {
		for _, side := range []string{"l", "r"} {
			text += fmt.Sprintf("[component.%s%d]\ncommand = [\"sleep\", \"1000\"]\ndepends_on = [\"l%d\", \"r%d\"]\n", side, i, i-1, i-1)
		}
	}
	for i := range fan {
		text += fmt.Sprintf("[component.f%d]\nkind = \"oneshot\"\ncommand = [\"true\"]\ndepends_on = [\"n0\"]\n", i)
	}
	names := ""
	for i := range fan {
		names += fmt.Sprintf(", \"f%d\"", i)
	}
	return text + fmt.Sprintf("[target.all]\ndepends_on = [\"n%d\", \"l%d\", \"r%d\"%s]\n", n-1, levels-1, levels-1, names)
}

func chains(w *world, n, levels, fan int) {
	w.reach("all")
	var list []string
	w.await("all of it in the log", func() bool {
		list = w.begun()
		return len(list) >= 2*(n+2*levels+fan)
	})
	var order []string
	for i := range n {
		order = append(order, fmt.Sprintf("n%d:starting", i), fmt.Sprintf("n%d:ready", i))
	}
	w.ordered(list, order...)
	for i := range levels - 1 {
		for _, a := range []string{"l", "r"} {
			for _, b := range []string{"l", "r"} {
				w.ordered(list, fmt.Sprintf("%s%d:ready", a, i), fmt.Sprintf("%s%d:starting", b, i+1))
			}
		}
	}
	for _, c := range w.status().Components {
		if c.Name != "warm" && c.Run != 1 {
			w.Errorf("%s was started %d times", c.Name, c.Run)
		}
	}
}

// sameOrder boots again and again. The components are in two waves with a gate between them, so that no exit has a say in their order.
func sameOrder(w *world, boots int) {
	var text []string
	for i := range 30 {
		text = append(text, fmt.Sprintf("[component.c%d]\nkind = \"oneshot\"\ncommand = [\"true\"]\n", i))
		if i%3 == 2 {
			text[i] += "depends_on = [\"gate\"]\n"
		}
	}
	names, gate := "", ""
	for i := range text {
		names += fmt.Sprintf("\"c%d\", ", 29-i)
		if i%3 != 2 {
			gate += fmt.Sprintf("\"c%d\", ", i)
		}
	}
	text = append(text, "[component.gate]\nkind = \"oneshot\"\ncommand = [\"true\"]\ndepends_on = ["+gate+"]\n", "[target.all]\ndepends_on = ["+names+"]\n[log]\ndirectory = \""+w.path("other/log")+"\"\nconsole = \"debug\"\n")
	dice, first := rand.New(rand.NewPCG(1, 2)), ""
	for boot := range boots {
		w.must(os.RemoveAll(w.path("other")))
		for _, i := range dice.Perm(len(text)) {
			w.write(fmt.Sprintf("other/conf/%d.toml", i), text[i])
		}
		a := w.another("other")
		a.up("all")
		if code := a.end(unix.SIGTERM); code != 0 {
			w.Fatalf("boot %d ended with %d", boot, code)
		}
		var order []string
		for line := range strings.Lines(w.read("other/console")) {
			_, line, _ = strings.Cut(line, "]") // the time, with spaces in it
			if f := strings.Fields(line); len(f) > 1 && f[1] == "starting" {
				order = append(order, f[0])
			}
		}
		switch got := fmt.Sprint(order); {
		case len(order) != 31:
			w.Fatalf("boot %d: %d starts", boot, len(order))
		case first == "":
			first = got
		case got != first:
			w.Fatalf("boot %d: first %s, then %s", boot, first, got)
		}
	}
}

func softFails(w *world) {
	w.activate("all")
	w.is("a", "ready", "")
	w.is("soft", "failed", "exit 1")
	w.eventually("slow", "failed")
	w.is("slow", "failed", "not ready within 200ms")
	w.order("soft:failed", "a:starting")
	w.order("slow:stopping", "a:starting")
}

func exclusive(w *world) {
	w.reach("all")
	for i := range 6 {
		w.start([]string{"b", "a"}[i%2])
	}
	var both sync.WaitGroup
	for range 3 {
		both.Go(func() { w.apart("all") })
		both.Go(func() { w.ask("Start", namesOf("b")) })
		both.Wait()
	}
	if w.exists("both") {
		w.Error("both were there at once")
	}
	a, b := w.component("a"), w.component("b")
	if a.PID != 0 && b.PID != 0 {
		w.Errorf("both are there: %+v %+v", a, b)
	}
}

func neverHolds(w *world) {
	w.activate("all")
	w.is("b", "ready", "")
	w.eventually("a", "failed")
	w.is("a", "failed", w.path("never"))
	w.order("b:ready", "a:failed")
}

func onceConfig() string {
	text := "[component.once]\nkind = \"oneshot\"\ncommand = [\"sh\", \"-c\", \"echo x >> $DIR/times\"]\n"
	for i := range 50 {
		text += fmt.Sprintf("[component.c%d]\ncommand = [\"sleep\", \"1000\"]\ndepends_on = [\"once\"]\n", i)
	}
	return text + wanting(50)
}

func onceForAll(w *world) {
	w.reach("all")
	w.restart("c1", "c2", "c3")
	if w.read("times") != "x" {
		w.Errorf("it ran as often as this: %q", w.read("times"))
	}
	w.restart("once")
	if w.read("times") != "x\nx" {
		w.Errorf("asked for, it ran as often as this: %q", w.read("times"))
	}
}
