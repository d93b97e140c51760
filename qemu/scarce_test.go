package qemu

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/image"
)

// scarceConfig has 20 components that do nothing and are spared by the killer for want of memory, and an Orderly in the group of another.
func scarceConfig() string {
	text := `
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console", "virtio_blk"]
[component.agent]
command = ["/sbin/agent"]
scheduling = { oom_score_adjust = -900 }
[component.nested]
command = ["/sbin/orderly", "run", "--config", "/run/own.toml", "--control", "/run/nested.sock"]
resources = { pids_max = 500 }
[component.hog]
command = ["/bin/sh", "-c", "exec /sbin/hog memory $(cat /run/much) pause"]
scheduling = { oom_score_adjust = -900 }
recovery = { attempts = 0, then = "stop" }
`
	names := ""
	for i := range 20 {
		text += fmt.Sprintf("[component.c%d]\ncommand = [\"/bin/sleep\", \"100000\"]\nscheduling = { oom_score_adjust = -900 }\n", i)
		names += fmt.Sprintf("\"c%d\", ", i)
	}
	return text + "[target.main]\ndepends_on = [\"agent\"]\n[target.full]\ndepends_on = [\"agent\", " + names + "]\nwants = [\"hog\"]\n"
}

// TestScarce: what the whole machine has too little of, and what the group has that Orderly stands in.
func TestScarce(t *testing.T) {
	m := bootLimited(t, system{"arm64", "arm64", image.ARM64()}, "scarce", scarceConfig())
	m.reaches("main")
	m.noProcesses()
	m.littleMemory()
	m.noMemory()
	m.powerOff()
}

// noProcesses has the group of an Orderly reach its pids.max: starts fail with the reason, it goes on, and all is well when there is room.
func (m machine) noProcesses() {
	m.t.Helper()
	const group, nested = "/sys/fs/cgroup/orderly/nested", " --control /run/nested.sock"
	m.sh(`printf 'log.directory = "/run/own"
[component.idle]
command = ["/bin/sleep", "100000"]
recovery = { attempts = 0, then = "stop" }
[component.patient]
command = ["/bin/sleep", "100000"]
recovery = { attempts = 30, delay = "100ms", max_delay = "1s" }
[target.main]
' >/run/own.toml`)
	m.run("orderly", "start", "nested")
	m.sh("until orderly status" + nested + " >/dev/null 2>&1; do sleep 0.1; done; orderly start idle patient" + nested)
	manager := m.below(m.component("nested").PID)
	patient := m.sh("orderly show patient" + nested + " | sed -n 's/^ *pid *//p'")
	m.sh("cat " + group + "/pids.current >" + group + "/pids.max")
	if r := m.try("/bin/sh", "-c", "orderly restart idle"+nested); r.Exit != 1 || !strings.Contains(r.Err, "resource temporarily unavailable") {
		m.t.Errorf("restart without processes to be had: exit %d: %s %s", r.Exit, r.Out, r.Err)
	}
	m.sh("echo 1 >" + group + "/pids.max; kill -9 " + patient) // the end of both has made room
	m.sh("until orderly show patient" + nested + " | grep -q 'resource temporarily unavailable'; do sleep 0.1; done")
	m.sh("orderly status" + nested + " >/dev/null; echo max >" + group + "/pids.max; orderly wait patient --timeout 30s" + nested + "; orderly start idle" + nested)
	if c := m.component("nested"); c.Run != 1 || c.State != "ready" {
		m.t.Errorf("nested is %+v", c)
	}
	if now := m.below(m.component("nested").PID); now != manager {
		m.t.Errorf("its manager was process %s, is %s", manager, now)
	}
	m.run("orderly", "stop", "nested")
}

// below is the manager of the Orderly that is this process.
func (m machine) below(keeper int) string {
	m.t.Helper()
	return strings.TrimSpace(m.sh(fmt.Sprintf("for p in $(pidof orderly-manager); do grep -q '^PPid:.%d$' /proc/$p/status && echo $p; done; true", keeper)))
}

// available is the memory that the machine has left, in bytes.
func (m machine) available() int {
	m.t.Helper()
	kib, err := strconv.Atoi(strings.TrimSpace(m.sh("sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")))
	if err != nil {
		m.t.Fatal(err)
	}
	return kib << 10
}

// littleMemory starts 20 components where next to no memory is left, and asks how all are.
func (m machine) littleMemory() {
	m.t.Helper()
	left := m.available()
	manager := m.below(1)
	m.sh(fmt.Sprintf("echo %d >/run/much; orderly start hog; until [ $(sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$(pidof hog)/status) -gt %d ]; do sleep 0.1; done",
		left/20*19, left/1024/20*18))
	if rest := m.available(); rest > left/8 {
		m.t.Errorf("%d bytes are left of %d", rest, left)
	}
	took := m.sh("b=$(cut -d. -f1 /proc/uptime); orderly activate full >/dev/null; for i in 1 2 3 4 5; do orderly status >/dev/null || exit 1; done; echo $(( $(cut -d. -f1 /proc/uptime) - b ))")
	if n, err := strconv.Atoi(strings.TrimSpace(took)); err != nil || n > 20 { // each is a program of its own, on a slow machine
		m.t.Errorf("20 starts and five answers took %s s", took)
	}
	if now := m.below(1); now != manager {
		m.t.Errorf("the manager was process %s, is %s", manager, now)
	}
	for i := range 20 {
		if c := m.component(fmt.Sprintf("c%d", i)); c.State != "ready" || c.Run != 1 {
			m.t.Errorf("c%d is %+v", i, c)
		}
	}
	m.run("orderly", "stop", "hog")
}

// noMemory uses up the memory of the machine. All but Orderly's own have a score above that of the manager's, so that it would be the
// first to be chosen if it could be.
func (m machine) noMemory() {
	m.t.Helper()
	manager := m.below(1)
	for _, pid := range []string{"1", manager} {
		if got := strings.TrimSpace(m.run("cat", "/proc/"+pid+"/oom_score_adj")); got != "-1000" {
			m.t.Errorf("process %s has score %s", pid, got)
		}
	}
	m.sh(fmt.Sprintf("echo 1 >/proc/sys/vm/overcommit_memory; echo %d >/run/much", 2*m.available()))
	m.try("orderly", "start", "hog")
	m.reason("hog", "failed", "signal KILL") // it has no limits, so no controller counts who killed it
	if now := m.below(1); now != manager {
		m.t.Errorf("the manager was process %s, is %s", manager, now)
	}
	if c := m.component("c0"); c.State != "ready" {
		m.t.Errorf("c0 is %+v", c)
	}
}
