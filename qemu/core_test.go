package qemu

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// dumped has the kernel hand cores to a program that never reads them, so that the kernel waits for it.
const dumped = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console"]
sysctl = { "kernel.core_pattern" = "|/bin/usleep 600000000", "kernel.core_pipe_limit" = "1" }
[component.agent]
command = ["/sbin/agent"]
[component.a]
command = ["/bin/sh", "-c", "echo $$ >> /tmp/runs; for p in $(cat /tmp/runs); do test $p = $$ || ! test -d /proc/$p || echo $p >> /tmp/two; done; exec sleep 1000"]
recovery = { delay = "10ms" }
stop_timeout = "1s"
[component.b]
command = ["/bin/sleep", "1000"]
[component.c]
command = ["/bin/sleep", "1000"]
recovery = { delay = "10ms" }
limits.core = "8KiB"
[component.user]
command = ["/bin/sleep", "1000"]
depends_on = ["a"]
[target.main]
depends_on = ["agent", "a", "c", "user"]
`

// A core that is being written: the process has not ended yet, and who asks about it is told why. Others start meanwhile, and no more
// cores than allowed, nor larger ones, are written. A restart ends the writing
// at stop_timeout, a handler that ends does too, and then the next run begins: never beside the one before.
func TestCoreIsBeingWritten(t *testing.T) {
	m := boot(t, memoryOptions(t, systems()[0].arch, "core", []string{"virtio_pci", "virtio_console"}, dumped))
	m.reaches("main")
	dumps := func() component {
		a := m.component("a")
		m.sh(fmt.Sprintf("kill -SEGV %d; until pidof usleep; do sleep 0.1; done", a.PID))
		for _, ask := range []string{"status", "show", "why"} {
			if got := m.run("orderly", ask, "a"); !strings.Contains(got, "its core is being written") {
				t.Errorf("%s says nothing of the core:\n%s", ask, got)
			}
		}
		m.run("orderly", "start", "b")
		m.run("orderly", "stop", "b")
		if now := m.component("a"); now.PID != a.PID || now.Run != a.Run || now.State != "ready" {
			t.Errorf("a was %+v and is %+v while its core is written", a, now)
		}
		return a
	}
	a, c := dumps(), m.component("c")
	m.sh(fmt.Sprintf("kill -SEGV %d", c.PID))
	m.await("c to be back", func(e event) bool { return e.Component == "c" && e.To == "ready" && e.Run == c.Run+1 })
	if e := m.reason("c", "down", "signal SEGV"); strings.Contains(e.Reason, "core") {
		t.Errorf("a second core was written: %s", e.Reason)
	}
	m.run("orderly", "restart", "a")
	m.run("orderly", "wait", "a", "user")
	if now := m.component("a"); now.Run != a.Run+1 || now.PID == a.PID {
		t.Errorf("a was %+v and is %+v behind a restart", a, now)
	}
	m.reason("a", "stopping", "not down within 1s: killed")
	if got := m.run("orderly", "status", "a"); strings.Contains(got, "core is") {
		t.Errorf("a core is still being written:\n%s", got)
	}

	m.sh("kill -KILL $(pidof usleep); true")
	a = dumps()
	m.sh("kill -KILL $(pidof usleep); true")
	m.await("a to be back", func(e event) bool { return e.Component == "a" && e.To == "ready" && e.Run == a.Run+1 })
	m.reason("a", "down", "signal SEGV (core dumped)")

	m.sh("echo /tmp/core > /proc/sys/kernel/core_pattern")
	m.sh(fmt.Sprintf("kill -SEGV %d", m.component("c").PID))
	m.await("c to be back", func(e event) bool { return e.Component == "c" && e.To == "ready" && e.Run == c.Run+2 })
	if size, err := strconv.Atoi(strings.TrimSpace(m.sh("stat -c %s /tmp/core"))); err != nil || size <= 0 || size > 8<<10 {
		t.Errorf("a core of %d bytes, %v", size, err)
	}
	if got := m.sh("cat /tmp/two 2>&1; true"); !strings.Contains(got, "No such file") {
		t.Errorf("runs beside each other: %s", got)
	}
	m.powerOff()
}
