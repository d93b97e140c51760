package conformance

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// starts are scenarios about programs that cannot be started.
func starts() []scenario {
	return []scenario{
		{id: "E42", story: "whatever the kernel refuses to execute is told with the path and the reason, and is not mixed up with exit 127", play: refused, config: refusals(),
			files: map[string]string{"noshebang": "echo\n", "empty": "", "noexec": "#!/bin/sh\n", "dir/x": "", "badinterp": "#!/there/is/none\n", "elf": "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf7\xff"}},
		{id: "E43", story: "a program replaced while it runs: the process goes on, the next start is the new one", play: replaced, config: `
[component.a]
command = ["$DIR/bin/a"]
[target.all]
depends_on = ["a"]
`, files: map[string]string{"bin/a": "#!/bin/sh\necho old >> $(dirname $0)/../who; exec sleep 1000\n", "bin/new": "#!/bin/sh\necho new >> $(dirname $0)/../who; exec sleep 1000\n"}},
		{id: "E44", story: "a program on a file system that forbids it, and on one that is mounted later", play: noexec, places: []place{first}, config: `
[component.a]
command = ["$DIR/mnt/a"]
recovery = { delay = "50ms", backoff = 1.0, then = "retry" }
[target.all]
wants = ["a"]
`, files: map[string]string{"mnt/x": "", "a": "#!/bin/sh\nexec sleep 1000\n"}},
		{id: "E47", story: "no descriptors are left: starts fail with that reason, the socket does not spin, and all is well when there are some", play: noDescriptors, mortal: true, loaded: true,
			places: []place{foreground}, config: `
[component.a]
command = ["sleep", "1000"]
recovery = { delay = "50ms", backoff = 1.0, then = "retry" }
[component.b]
command = ["sleep", "1000"]
recovery = { delay = "50ms", backoff = 1.0, then = "retry" }
[target.all]
depends_on = ["a"]
wants = ["b"]
`},
	}
}

// refusals are components that no kernel starts, by the name of the reason.
func refusals() string {
	text, names := "", ""
	for _, r := range refusalList() {
		names += fmt.Sprintf("%q, ", r[0])
		text += fmt.Sprintf("[component.%s]\ncommand = [%q%s]\nrecovery = { attempts = 0, then = \"stop\" }\n", r[0], r[1], strings.Repeat(", \""+strings.Repeat("x", 120000)+"\"", len(r[3])))
	}
	return text + "[component.shell]\ncommand = [\"sh\", \"-c\", \"/there/is/no/such/program\"]\nkind = \"oneshot\"\nrecovery = { attempts = 0, then = \"stop\" }\n" +
		"[target.all]\nwants = [" + names + " \"shell\"]\n"
}

// refusalList has a name, a program, the kernel's reason, and as many characters as there are arguments that are very long.
func refusalList() [][4]string {
	return [][4]string{
		{"missing", "$DIR/missing", "no such file or directory", ""},
		{"unfound", "there-is-no-such-program", "unfound", ""},
		{"forbidden", "$DIR/noexec", "permission denied", ""},
		{"directory", "$DIR/dir", "permission denied", ""},
		{"interpreter", "$DIR/badinterp", "no such file or directory", ""},
		{"noshebang", "$DIR/noshebang", "exec format error", ""},
		{"empty", "$DIR/empty", "exec format error", ""},
		{"architecture", "$DIR/elf", "exec format error", ""},
		{"loop", "$DIR/loop", "too many levels of symbolic links", ""},
		{"longname", "/" + strings.Repeat("n", 300), "file name too long", ""},
		{"notdir", "$DIR/empty/x", "not a directory", ""},
		{"toobig", "/bin/true", "argument list too long", strings.Repeat(".", 20)},
	}
}

func refused(w *world) {
	w.must(os.Chmod(w.path("noexec"), 0o644))
	w.must(os.Symlink(w.path("loop"), w.path("loop")))
	w.activate("all")
	for _, r := range refusalList() {
		c := w.component(r[0])
		if r[0] == "unfound" {
			if c.State != "failed" || !strings.Contains(c.Reason, "there-is-no-such-program") {
				w.Errorf("unfound is %+v", c)
			}
			continue
		}
		if c.State != "failed" || !strings.HasPrefix(c.Reason, "exec ") || !strings.Contains(c.Reason, r[2]) {
			w.Errorf("%s is %s (%.200s), want exec and %s", r[0], c.State, c.Reason, r[2])
		}
		if c.Exit != nil && c.Exit.Code != nil {
			w.Errorf("%s has exit %d", r[0], *c.Exit.Code)
		}
	}
	w.is("shell", "failed", "exit 127")
}

func replaced(w *world) {
	w.reach("all")
	before := w.component("a")
	w.await("the old one", func() bool { return w.read("who") == "old" })
	w.must(os.Rename(w.path("bin/new"), w.path("bin/a")))
	if now := w.component("a"); now.PID != before.PID || now.State != "ready" {
		w.Errorf("a is %+v", now)
	}
	w.restart("a")
	w.await("the new one", func() bool { return w.read("who") == "old\nnew" })
}

func noexec(w *world) {
	w.inside("mount", "-t", "tmpfs", "-o", "noexec", "none", w.path("mnt"))
	w.inside("cp", w.path("a"), w.path("mnt/a"))
	w.activate("all")
	w.await("a refusal", func() bool { return strings.Contains(w.component("a").Reason, "permission denied") })
	w.inside("mount", "-o", "remount,exec", w.path("mnt"))
	w.eventually("a", "ready")
	w.stop("a")
	w.inside("umount", w.path("mnt"))
}

func noDescriptors(w *world) {
	w.reach("all")
	before := w.component("a")
	manager := w.Manager()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", manager))
	w.must(err)
	var old unix.Rlimit
	w.must(unix.Prlimit(manager, unix.RLIMIT_NOFILE, nil, &old))
	w.must(unix.Prlimit(manager, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(len(entries)) + 2, Max: old.Max}, nil))
	w.kill(w.component("b").PID, unix.SIGKILL)
	var held []*control.Client
	for range 20 {
		if c, err := control.Dial(w.socket); err == nil {
			held = append(held, c)
		}
	}
	begin := ticks(manager)
	time.Sleep(500 * time.Millisecond)
	if used := ticks(manager) - begin; used > 40 { // of 100 a second
		w.Errorf("the manager used %d ticks in half a second", used)
	}
	for _, c := range held {
		c.Close()
	}
	w.must(unix.Prlimit(manager, unix.RLIMIT_NOFILE, &old, nil))
	w.eventually("b", "ready")
	if now := w.component("a"); now.PID != before.PID {
		w.Errorf("a was %+v and is %+v", before, now)
	}
	if w.Manager() != manager {
		w.Error("the manager died of it")
	}
}

// ticks are those that a process has used of processors.
func ticks(pid int) (n int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	var user, system int
	if f := strings.Fields(rest); len(f) > 12 {
		fmt.Sscan(f[11]+" "+f[12], &user, &system)
	}
	return user + system
}
