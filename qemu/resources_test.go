package qemu

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// limited is a configuration with limits that only a kernel with all controllers can show.
const limited = `
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console", "virtio_blk"]
[defaults.component]
recovery = { attempts = 1, delay = "100ms", then = "stop" }
[component.agent]
command = ["/sbin/agent"]
[component.hog]
command = ["/sbin/hog", "memory", "67108864", "pause"]
resources = { memory_max = "32MiB", swap_max = 0 }
[component.tiny]
command = ["/sbin/hog", "pause"]
resources = { memory_max = 4096 }
[component.weighted]
command = ["/sbin/hog", "pause"]
resources = { io_weight = 200 }
[component.parent]
command = ["/sbin/hog", "child", "memory", "67108864", "pause"]
resources = { memory_max = "32MiB" }
[component.family]
command = ["/sbin/hog", "child", "memory", "67108864", "pause"]
resources = { memory_max = "32MiB", oom_group = true }
[component.late]
command = ["/sbin/hog", "await", "/run/go", "memory", "67108864", "pause"]
resources = { memory_max = "32MiB" }
[component.loose]
command = ["/sbin/hog", "memory", "134217728", "pause"]
recovery = { attempts = 0, then = "stop" }
[component.slow]
command = ["/sbin/hog", "memory", "25165824", "pause"]
resources = { memory_high = "16MiB", memory_max = "64MiB", pressure = { memory = "some 20ms/1s" } }
[component.light]
command = ["/sbin/hog", "cpu"]
resources = { cpu_weight = 100 }
[component.heavy]
command = ["/sbin/hog", "cpu"]
resources = { cpu_weight = 300 }
[component.capped]
command = ["/sbin/hog", "cpu"]
resources = { cpu_max = "20%", cpu_period = "50ms" }
[component.bomb]
command = ["/sbin/hog", "deaf", "fork"]
resources = { pids_max = 24 }
stop_timeout = "1s"
[component.nested]
command = ["/sbin/orderly", "run", "--config", "/etc/nested.toml", "--control", "/run/nested.sock"]
[component.shared]
command = ["/bin/sh", "-c", "/sbin/orderly run --config /etc/nested.toml --control /run/shared.sock; exit 0"]
[component.writer]
command = ["/sbin/hog", "write", "/dev/vda"]
resources = { io_max = [{ path = "/dev/vda", wbps = "512KiB" }] }
[target.main]
depends_on = ["agent"]
`

// inner is the configuration of an Orderly that another one has given its cgroup to, as systemd does with Delegate=yes.
const inner = `
initial_target = "main"
log.directory = "/run/nested"
[defaults.component]
recovery = { attempts = 0, then = "stop" }
[component.small]
command = ["/sbin/hog", "memory", "67108864", "pause"]
resources = { memory_max = "16MiB" }
[component.idle]
command = ["/sbin/hog", "pause"]
resources = { memory_max = "16MiB" }
[component.undelegated]
command = ["/sbin/hog", "pause"]
resources = { cpuset = "0" }
[target.main]
wants = ["small", "idle", "undelegated"]
`

// bootLimited boots a configuration with hog and a disk.
func bootLimited(t *testing.T, s system, name, config string, words ...string) machine {
	t.Helper()
	o := build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(s.arch)
		if err != nil {
			return guest.Options{}, err
		}
		hog, err := b.Binary("qemu/hog", s.program)
		if err != nil {
			return guest.Options{}, err
		}
		program, err := os.ReadFile(hog)
		if err != nil {
			return guest.Options{}, err
		}
		mods := []string{"virtio_pci", "virtio_console", "virtio_blk"}
		file, err := b.Memory(name, s.program, s.arch, k, mods, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(config)), cpio.File("sbin/hog", 0o755, program),
			cpio.File("etc/nested.toml", 0o644, []byte(inner)),
		})
		return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: file, Append: words}, err
	})
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, make([]byte, 16<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Disks = []guest.Disk{{File: disk, Write: true}}
	return boot(t, o)
}

// TestLimits: limits bite, and what they do is told, on each architecture's own kernel.
func TestLimits(t *testing.T) {
	for _, s := range []system{{"arm64", "arm64", image.ARM64()}, {"armv7", "arm", image.ARM()}} {
		t.Run(s.name, func(t *testing.T) {
			m := bootLimited(t, s, "limits", limited)
			m.reaches("main")
			m.onlyNeeded("cpu io memory pids")
			m.killedAndRestarted()
			m.tooLittle()
			m.childKilled()
			m.allKilled()
			m.limitAbove()
			m.killedBetweenManagers()
			m.slowed()
			m.shares()
			m.capped()
			m.bombed()
			if s.program == "arm" {
				m.waits()
			} else {
				m.wrote()
			}
			m.delegated()
			m.changed()
			m.powerOff()
		})
	}
}

// onlyNeeded looks at the controllers that the groups have.
func (m machine) onlyNeeded(want string) {
	m.t.Helper()
	got := strings.Fields(m.run("cat", "/sys/fs/cgroup/orderly/cgroup.subtree_control"))
	slices.Sort(got)
	if text := strings.Join(got, " "); text != want {
		m.t.Errorf("controllers: %s, want %s", text, want)
	}
}

// reasons waits for an event of a component with a reason.
func (m machine) reason(name, to, reason string) event {
	m.t.Helper()
	return m.await(name+" "+reason, func(e event) bool {
		return e.Component == name && e.To == to && strings.Contains(e.Reason, reason)
	})
}

// told counts the events of a component with a reason.
func (m machine) told(name, reason string) int {
	m.t.Helper()
	n := 0
	for _, e := range m.events("0") {
		if e.Component == name && strings.Contains(e.Reason, reason) {
			n++
		}
	}
	return n
}

func (m machine) killedAndRestarted() {
	m.t.Helper()
	m.try("orderly", "start", "hog")
	m.reason("hog", "starting", "again after oom: memory_max 32MiB reached")
	m.reason("hog", "failed", "oom: memory_max 32MiB reached")
	if got := m.run("orderly", "show", "hog"); !strings.Contains(got, "killed by KILL") {
		m.t.Errorf("hog:\n%s", got)
	}
}

// tooLittle: with no memory to begin with the start fails, and the manager, whose memory the child shares until it executes, goes on.
func (m machine) tooLittle() {
	m.t.Helper()
	manager := m.run("pidof", "orderly-manager")
	m.try("orderly", "start", "tiny")
	m.await("the end of tiny", func(e event) bool { return e.Component == "tiny" && e.To == "failed" })
	if after := m.run("pidof", "orderly-manager"); after != manager {
		m.t.Errorf("the manager was process %s, is %s", manager, after)
	}
	m.run("orderly", "start", "weighted")
	if got := m.run("cat", "/sys/fs/cgroup/orderly/weighted/io.weight"); got != "default 200\n" {
		m.t.Errorf("io.weight is %s", got)
	}
	m.run("orderly", "stop", "weighted")
}

// childKilled: the main process goes on, and whose limit it was is told once.
func (m machine) childKilled() {
	m.t.Helper()
	m.run("orderly", "start", "parent")
	m.reason("parent", "ready", "oom: memory_max 32MiB reached; the kernel killed a process of it (exe, pid ") // hog executes /proc/self/exe
	before := m.component("parent")
	if before.State != "ready" || before.Run != 1 {
		m.t.Errorf("parent is %+v", before)
	}
	m.sh("kill -9 $(pidof orderly-manager)")
	m.sh("until orderly status parent >/dev/null 2>&1; do sleep 0.1; done")
	if after := m.component("parent"); after.PID != before.PID || after.Run != 1 {
		m.t.Errorf("parent was %+v, is %+v", before, after)
	}
	// an old kill is none of the end that somebody else makes
	m.sh(fmt.Sprintf("kill -9 %d", before.PID))
	m.reason("parent", "down", "signal KILL")
	if n := m.told("parent", "oom: "); n != 1 {
		m.t.Errorf("want of memory was told %d times of parent", n)
	}
	m.run("orderly", "stop", "parent")
}

func (m machine) allKilled() {
	m.t.Helper()
	m.try("orderly", "start", "family")
	m.reason("family", "failed", "oom: memory_max 32MiB reached")
	if n := m.told("family", "killed a process of it"); n != 0 {
		m.t.Errorf("a process of family was told of %d times, and it was all", n)
	}
}

// limitAbove: the limit of another group is not the component's.
func (m machine) limitAbove() {
	m.t.Helper()
	m.sh("echo 96M > /sys/fs/cgroup/orderly/memory.max")
	m.try("orderly", "start", "loose")
	m.reason("loose", "failed", "oom: memory is used up: memory.max 96MiB of /sys/fs/cgroup/orderly, or the machine's")
	m.sh("echo max > /sys/fs/cgroup/orderly/memory.max")
}

// killedBetweenManagers: the next manager knows what the kernel did while there was none.
func (m machine) killedBetweenManagers() {
	m.t.Helper()
	m.run("orderly", "start", "late")
	// the manager stands still, until the process is gone
	m.sh("p=$(pidof orderly-manager); kill -STOP $p; l=$(sed -n 1p /sys/fs/cgroup/orderly/late/cgroup.procs); touch /run/go; " +
		"while test -n \"$(cat /sys/fs/cgroup/orderly/late/cgroup.procs)\"; do sleep 0.05; done; kill -9 $p")
	m.reason("late", "down", "oom: memory_max 32MiB reached")
	m.sh("rm /run/go; until orderly status >/dev/null 2>&1; do sleep 0.1; done")
	m.run("orderly", "stop", "late")
}

func (m machine) slowed() {
	m.t.Helper()
	m.run("orderly", "start", "slow")
	m.reason("slow", "ready", "pressure: memory some 20ms/1s")
	s := m.statistics("slow")
	if s.Memory == nil || s.Memory.High == 0 || s.Memory.Killed != 0 || s.Memory.Peak < 16<<20 && s.Memory.Peak != 0 {
		m.t.Errorf("slow: %+v", s.Memory)
	}
	m.run("orderly", "stop", "slow")
}

// counted is what `orderly show` says that the kernel has counted.
type counted struct {
	CPU struct {
		User      float64 `json:"user_ms"`
		Throttled int64   `json:"throttled_periods"`
	}
	Memory *struct {
		Current int64 `json:"current_bytes"`
		Peak    int64 `json:"peak_bytes"`
		High    int64 `json:"at_high"`
		Killed  int64
	}
	Pids *struct{ Current, Refused int64 }
	IO   []struct {
		Device string
		Writes int64
		Bytes  int64 `json:"write_bytes"`
	}
}

func (m machine) statistics(name string) counted {
	m.t.Helper()
	var d struct{ Statistics *counted }
	text := m.run("orderly", "show", name, "--json")
	if err := json.Unmarshal([]byte(text), &d); err != nil || d.Statistics == nil {
		m.t.Fatalf("show %s: %v\n%s", name, err, text)
	}
	return *d.Statistics
}

// uptime is the guest's clock in seconds.
func (m machine) uptime() float64 {
	m.t.Helper()
	s, err := strconv.ParseFloat(strings.Fields(m.run("cat", "/proc/uptime"))[0], 64)
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// shares: processor time is shared by weight.
func (m machine) shares() {
	m.t.Helper()
	m.run("orderly", "start", "light", "heavy")
	// both at one time: what the questions themselves cost would count for one of them
	both := func() (light, heavy float64) {
		f := strings.Fields(m.sh("cd /sys/fs/cgroup/orderly; sed -n 's/usage_usec //p' light/cpu.stat heavy/cpu.stat"))
		l, _ := strconv.ParseFloat(f[0], 64)
		h, _ := strconv.ParseFloat(f[1], 64)
		return l / 1000, h / 1000
	}
	l0, h0 := both()
	m.run("sleep", "5")
	l, h := both()
	l, h = l-l0, h-h0
	if ratio := h / l; ratio < 2.2 || ratio > 4 {
		m.t.Errorf("a weight of 300 has %.0f ms, one of 100 %.0f ms: %.2f times as much", h, l, ratio)
	} else {
		m.t.Logf("weight 300 has %.2f times what 100 has", ratio)
	}
	m.run("orderly", "stop", "light", "heavy")
}

func (m machine) capped() {
	m.t.Helper()
	m.run("orderly", "start", "capped")
	before, at := m.statistics("capped"), m.uptime()
	m.run("sleep", "3")
	after, span := m.statistics("capped"), m.uptime()-at
	share := (after.CPU.User - before.CPU.User) / (10 * span)
	if share > 24 || share < 8 || after.CPU.Throttled <= before.CPU.Throttled {
		m.t.Errorf("capped at 20%% has %.1f%%, throttled in %d periods", share, after.CPU.Throttled-before.CPU.Throttled)
	} else {
		m.t.Logf("capped at 20%% has %.1f%%", share)
	}
	if got := m.run("orderly", "top", "--once"); !strings.Contains(got, "THROTTLED") {
		m.t.Errorf("top:\n%s", got)
	}
	m.run("orderly", "stop", "capped")
}

// bombed: no more processes than allowed, and a stop ends them all, soon after its time, though none of them takes the signal.
func (m machine) bombed() {
	m.t.Helper()
	m.run("orderly", "start", "bomb")
	m.reason("bomb", "ready", "pids_max 24 reached; the kernel refused")
	if s := m.statistics("bomb"); s.Pids == nil || s.Pids.Current > 24 || s.Pids.Refused == 0 {
		m.t.Errorf("bomb: %+v", s.Pids)
	}
	m.run("orderly", "stop", "bomb")
	asked := m.reason("bomb", "stopping", "by hand")
	down := m.await("bomb to be down", func(e event) bool { return e.Component == "bomb" && e.To == "down" && e.Seq > asked.Seq })
	if took := down.TimeMS - asked.TimeMS; took < 1000 || took > 6000 {
		m.t.Errorf("the bomb was gone after %.0f ms", took)
	}
	if n := m.told("bomb", "reached"); n != 1 {
		m.t.Errorf("refused processes were told of %d times", n)
	}
	if got := m.sh("pidof hog || true; test -d /sys/fs/cgroup/orderly/bomb && echo there || true"); strings.TrimSpace(got) != "" {
		m.t.Errorf("left behind: %s", got)
	}
}

// waits: a 32-bit kernel would stop at the limit of a disk in its first minutes, so it comes later, and that is seen. That it then bites
// is shown only with ORDERLY_SLOW_TESTS=1, which takes five minutes more.
func (m machine) waits() {
	m.t.Helper()
	m.run("orderly", "start", "writer")
	if got := m.run("orderly", "status", "writer"); !strings.Contains(got, "resources: io_max waits until 305s after boot") {
		m.t.Errorf("writer:\n%s", got)
	}
	if got := m.run("cat", "/sys/fs/cgroup/orderly/writer/io.max"); got != "" {
		m.t.Errorf("io.max is %q", got)
	}
	if os.Getenv("ORDERLY_SLOW_TESTS") == "" {
		m.run("orderly", "stop", "writer")
		return
	}
	for range 5 { // a wait of the guest is bounded
		m.run("sleep", "62")
	}
	if got := m.run("orderly", "status", "writer"); strings.Contains(got, "waits") {
		m.t.Errorf("writer, later:\n%s", got)
	}
	m.rated()
}

func (m machine) wrote() {
	m.t.Helper()
	m.run("orderly", "start", "writer")
	m.rated()
}

// rated measures what the writer writes, and ends it.
func (m machine) rated() {
	m.t.Helper()
	bytes := func() int64 {
		s := m.statistics("writer")
		if len(s.IO) != 1 {
			m.t.Fatalf("writer: %+v", s.IO)
		}
		return s.IO[0].Bytes
	}
	m.run("sleep", "1") // the first ones are free
	before, at := bytes(), m.uptime()
	m.run("sleep", "4")
	rate := float64(bytes()-before) / (m.uptime() - at) / 1024
	if rate > 640 || rate < 128 {
		m.t.Errorf("limited to 512 KiB/s it writes %.0f", rate)
	} else {
		m.t.Logf("limited to 512 KiB/s it writes %.0f", rate)
	}
	m.run("orderly", "stop", "writer")
}

// delegated: where Orderly itself is in the way of the limits of its components it makes room, and another manager finds it so; but it
// moves nobody else.
func (m machine) delegated() {
	m.t.Helper()
	m.run("orderly", "start", "nested", "shared")
	m.sh("until orderly --control /run/nested.sock wait main --state ready >/dev/null 2>&1; do sleep 0.1; done; " +
		"until orderly --control /run/nested.sock status small | grep -q failed; do sleep 0.1; done")
	got := m.run("orderly", "--control", "/run/nested.sock", "status")
	for _, want := range []string{"oom: memory_max 16MiB reached", "controller cpuset: not delegated to /sys/fs/cgroup/orderly/nested"} {
		if !strings.Contains(got, want) {
			m.t.Errorf("nested has no %q:\n%s", want, got)
		}
	}
	const room = "cd /sys/fs/cgroup/orderly/nested; cat cgroup.procs; cat cgroup.subtree_control; cat orderly-*.self/cgroup.procs | wc -l; ls -d orderly-*"
	before := m.sh(room)
	if !strings.HasPrefix(before, "memory\n2\norderly-") {
		m.t.Errorf("nested has made this room: %s", before)
	}
	m.sh("orderly --control /run/nested.sock show idle | grep -w pid > /run/before; kill -9 $(cat /sys/fs/cgroup/orderly/nested/orderly-*.self/cgroup.procs | tail -n 1); " +
		"until orderly --control /run/nested.sock status | grep -q idle; do sleep 0.1; done; orderly --control /run/nested.sock show idle | grep -w pid > /run/after")
	if got := m.sh("cat /run/before /run/after"); strings.Count(got, strings.SplitAfter(got, "\n")[0]) != 2 {
		m.t.Errorf("idle was, and is: %s", got)
	}
	if after := m.sh(room); after != before {
		m.t.Errorf("another manager has changed the room to %s", after)
	}
	m.sh("until orderly --control /run/shared.sock status idle | grep -q failed; do sleep 0.1; done")
	if got := m.run("orderly", "--control", "/run/shared.sock", "status", "idle"); !strings.Contains(got, "1 other processes are in /sys/fs/cgroup/orderly/shared: it must be Orderly's alone (systemd: Delegate=yes)") {
		m.t.Errorf("shared:\n%s", got)
	}
	m.run("orderly", "stop", "nested", "shared")
	if got := m.sh("ls -d /sys/fs/cgroup/orderly/nested /sys/fs/cgroup/orderly/shared 2>/dev/null || true"); got != "" {
		m.t.Errorf("left behind: %s", got)
	}
}

// changed: other limits take effect without a restart, also where they need another controller.
func (m machine) changed() {
	m.t.Helper()
	m.run("orderly", "start", "capped", "light")
	capped, light := m.component("capped"), m.component("light")
	m.sh(`sed -i 's/cpu_max = "20%", cpu_period = "50ms"/cpu_max = "unlimited", cpuset = "0", pids_max = 7/; s/cpu_weight = 100/cpu_weight = 250/' /etc/orderly/test.toml`)
	if got := m.run("orderly", "apply"); !strings.Contains(got, "capped: update") || !strings.Contains(got, "light: update") {
		m.t.Errorf("apply: %s", got)
	}
	m.sh("until grep -q 250 /sys/fs/cgroup/orderly/light/cpu.weight; do sleep 0.1; done")
	for file, want := range map[string]string{"capped/cpu.max": "max 100000", "capped/cpuset.cpus": "0", "capped/pids.max": "7"} {
		m.sh("for i in $(seq 100); do grep -q '^" + want + "$' /sys/fs/cgroup/orderly/" + file + " && exit; sleep 0.1; done; cat /sys/fs/cgroup/orderly/" + file + "; exit 1")
	}
	m.onlyNeeded("cpu cpuset io memory pids")
	if a, b := m.component("capped"), m.component("light"); a.PID != capped.PID || b.PID != light.PID {
		m.t.Errorf("restarted: %+v, %+v", a, b)
	}
}

// TestLimitsWithoutTheirController: a limit that cannot be set fails the start, or degrades where that is optional, and is seen.
func TestLimitsWithoutTheirController(t *testing.T) {
	m := bootLimited(t, system{"arm64", "arm64", image.ARM64()}, "no-pids", `
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console"]
[defaults.component]
recovery = { attempts = 0, then = "stop" }
[component.agent]
command = ["/sbin/agent"]
[component.strict]
command = ["/sbin/hog", "pause"]
resources = { pids_max = 5 }
[component.lenient]
command = ["/sbin/hog", "pause"]
optional_steps = ["resources"]
resources = { pids_max = 5, memory_max = "32MiB" }
[target.main]
depends_on = ["agent", "lenient"]
wants = ["strict"]
`, "cgroup_disable=pids")
	m.reaches("main")
	const reason = "controller pids: disabled on the kernel command line"
	m.reason("strict", "failed", "resources: "+reason)
	if c := m.component("lenient"); c.State != "ready" || c.Health != "degraded" {
		t.Errorf("lenient is %+v", c)
	}
	got := m.run("orderly", "status")
	for _, want := range []string{"note: resources: " + reason, "optional step resources: " + reason} {
		if !strings.Contains(got, want) {
			t.Errorf("status has no %q:\n%s", want, got)
		}
	}
	if got := m.run("cat", "/sys/fs/cgroup/orderly/lenient/memory.max"); got != "33554432\n" {
		t.Errorf("the other limit is %s", got)
	}
	m.powerOff()
}
