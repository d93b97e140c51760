package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/conformance/oracle"
	"github.com/orderly-init/orderly/control"
)

// TestManagerDiesWhileContainersStart kills the manager, and the next one, while thirty containers of several kinds are made and
// started: each is there exactly once, and nothing is left of what was under way.
func TestManagerDiesWhileContainersStart(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	for _, after := range []int{0, 1, 8, 20} {
		t.Run(fmt.Sprintf("after %d", after), func(t *testing.T) {
			r := supervise(t, boxes(t, 30), "--target", "none")
			asking, err := control.Dial(r.path)
			if err != nil {
				t.Fatal(err)
			}
			defer asking.Close()
			go asking.Call("Activate", control.ActivateParam{Target: "all"}, &control.ActivateReply{})
			r.until("the transition", func() bool { return r.status().Target == "all" })
			for n := range 2 {
				watcher, err := control.Dial(r.path)
				if err != nil {
					t.Fatal(err)
				}
				r.waitReady(watcher, after*(n+1)/2)
				watcher.Close()
				r.client.Close()
				kill(t, r.keeper)
				r.connect()
			}
			r.awaits("all", 30*time.Second)
			r.judge(nil)
			r.until("nothing but the manager and the containers is left", func() bool { return len(childrenOf(t, r.keeper)) == 31 })
		})
	}
}

// boxes are containers, of all kinds by turns, that note when they are executed.
func boxes(t *testing.T, count int) string {
	t.Helper()
	root := rootWith(t, filepath.Join(filepath.Dir(binary), "prog"))
	var b strings.Builder
	b.WriteString("initial_target = \"none\"\n[target.none]\n[target.all]\ndepends_on = [")
	for i := range count {
		fmt.Fprintf(&b, "\"c%02d\",", i)
	}
	b.WriteString("]\n")
	for i := range count {
		fmt.Fprintf(&b, "[component.c%02d]\ncommand = [\"/prog\", \"append\", \"/state/starts\", \"c%02d\", \"fd\", \"3\", \"\\n\", \"pause\", \"marker-$DIR\"]\n", i, i)
		fmt.Fprintf(&b, "ready = { fd = 3 }\ncontainer = { rootfs = %q, mounts = [{ source = \"$DIR\", target = \"/state\" }]%s }\n", root, kindOfBox(i))
	}
	return b.String()
}

func kindOfBox(i int) string {
	return []string{
		"", `, overlay = "tmpfs"`, `, namespaces = ["user", "pid", "mount", "net", "ipc"]`, `, boottime_offset = "5s"`,
		`, overlay = "tmpfs", namespaces = ["user", "pid", "mount", "uts"]`,
	}[i%5]
}

func childrenOf(t *testing.T, pid int) []string {
	t.Helper()
	p := strconv.Itoa(pid)
	tasks, err := filepath.Glob("/proc/" + p + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		all = append(all, strings.Fields(string(b))...)
	}
	return all
}

// TestContainersLeaveNothing starts and stops containers two hundred times, and fails to start others: descriptors of the keeper
// and the manager, processes, mounts and the control groups are then what they were after the first round.
func TestContainersLeaveNothing(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	root := rootWith(t, filepath.Join(filepath.Dir(binary), "prog"))
	r := supervise(t, fmt.Sprintf(`
initial_target = "none"
[target.none]
[defaults.component]
recovery = { attempts = 0, then = "stop" }
kind = "oneshot"
[template.box]
command = ["/prog", "exit", "0"]
container.rootfs = %q
[component.plain]
template = "box"
[component.overlay]
template = "box"
container.overlay = "tmpfs"
[component.user]
template = "box"
container.namespaces = ["user", "pid", "mount", "net", "ipc", "uts", "cgroup"]
[component.init]
template = "box"
container.init = true
[component.no_program]
template = "box"
command = ["/nothing"]
[component.no_directory]
template = "box"
working_directory = "/nowhere"
[component.no_type]
template = "box"
container.mounts = [{ type = "nosuchfs", target = "/x" }]
[component.no_option]
template = "box"
container.mounts = [{ type = "tmpfs", target = "/x", options = "nosuch=1" }]
[component.no_point]
template = "box"
container.mounts = [{ type = "tmpfs", target = "/prog/x" }]
[component.no_setting]
template = "box"
container.sysctl = { "net.nosuch" = "1" }
[component.no_map]
template = "box"
container = { uid_map = ["0:0:1", "0:5:1"], gid_map = ["0:0:1"] }
`, root))
	steps := map[string]string{
		"no_program": "exec /nothing", "no_directory": "chdir /nowhere", "no_type": "mount /x", "no_option": "mount /x", "no_point": "mount point /prog/x",
		"no_setting": "sysctl net/nosuch", "no_map": "user namespace",
	}
	round := func() {
		for _, name := range []string{"plain", "overlay", "user", "init"} {
			r.call("Start", control.NamesParam{Names: []string{name}}, &control.ResultReply{})
			r.call("Stop", control.NamesParam{Names: []string{name}}, &control.ResultReply{})
		}
		for name, step := range steps {
			_ = r.client.Call("Start", control.NamesParam{Names: []string{name}}, &control.ResultReply{})
			if why := fmt.Sprintf("%+v", r.component(name)); !strings.Contains(why, step) {
				t.Fatalf("%s: no %q in %s", name, step, why)
			}
		}
	}
	for range 3 {
		round()
	}
	before, same := "", 0
	r.until("the end of the last round", func() bool {
		was := before
		before = r.left()
		same++
		if before != was || strings.Count(before, ";") != 2 {
			same = 0
		}
		return same == 50 // the end of a log comes a while after its component's
	})
	for range 80 {
		round()
	}
	after := ""
	for end := time.Now().Add(5 * time.Second); after != before && time.Now().Before(end); {
		after = r.left()
	}
	if after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

func (r *running) component(name string) control.Component {
	r.Helper()
	s := r.status()
	for i := range s.Components {
		if s.Components[i].Name == name {
			return s.Components[i]
		}
	}
	r.Fatalf("no component %s", name)
	return control.Component{}
}

// left is what the keeper and the manager have.
func (r *running) left() string {
	r.Helper()
	text := ""
	for _, pid := range append(childrenOf(r.T, r.keeper), strconv.Itoa(r.keeper)) {
		fds, _ := os.ReadDir("/proc/" + pid + "/fd")
		mounts, _ := os.ReadFile("/proc/" + pid + "/mountinfo")
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		name, _, _ := strings.Cut(string(line), "\x00")
		text += fmt.Sprintf("%s: %d descriptors, %d mounts of ours; ", filepath.Base(name), len(fds), strings.Count(string(mounts), r.dir))
	}
	return text
}

// TestKeeperDiesInATransition kills the keeper while a hundred components, or thirty containers, are started: none of them is left, and none
// is begun after that.
func TestKeeperDiesInATransition(t *testing.T) {
	t.Parallel()
	configs := map[string]func() string{"programs": hundred}
	if os.Geteuid() == 0 {
		configs["containers"] = func() string { return boxes(t, 30) }
	}
	for kind, config := range configs {
		for _, after := range []int{0, 1, 5, 20} {
			t.Run(fmt.Sprintf("%s, after %d", kind, after), func(t *testing.T) {
				r := supervise(t, config(), "--target", "none")
				go r.client.Call("Activate", control.ActivateParam{Target: "all"}, &control.ActivateReply{})
				watcher, err := control.Dial(r.path)
				if err != nil {
					t.Fatal(err)
				}
				r.waitReady(watcher, after)
				watcher.Close()
				r.client.Close()
				manager := oracle.Manager("/proc", r.keeper)
				if err := unix.Kill(r.keeper, unix.SIGKILL); err != nil {
					t.Fatal(err)
				}
				<-r.done
				r.guard.Stop()
				r.command = nil
				r.until("the manager has ended", func() bool { p, there := oracle.Look("/proc", manager); return !there || !p.Alive() })
				if n := r.count("marker-" + r.dir); n > 0 {
					time.Sleep(time.Second) // killed, and not reaped yet
					if n = r.count("marker-" + r.dir); n > 0 {
						t.Errorf("%d processes are left", n)
					}
				}
			})
		}
	}
}
