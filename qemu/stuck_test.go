package qemu

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/guest"
)

// freezable is a system with a disk that can be frozen: who writes to it then waits where no signal reaches it.
const freezable = `
initial_target = "main"
shutdown_timeout = "5s"
[system]
modules = ["virtio_pci", "virtio_console", "virtio_blk"]
[[system.mounts]]
source = "/dev/vda"
target = "/data"
type = "ext4"
[component.agent]
command = ["/sbin/agent"]
`

// stuck has a component that writes to the disk.
const stuck = freezable + `
[component.writer]
command = ["/bin/sh", "-c", "while :; do echo line >> /data/file; done"]
stop_timeout = "1s"
[component.user]
depends_on = ["writer"]
command = ["/bin/sleep", "1000"]
[component.other]
command = ["/bin/sleep", "1000"]
[target.main]
depends_on = ["agent", "user", "other"]
[target.less]
depends_on = ["agent"]
`

// A process that SIGKILL does not end: it is told of with its pid and where in the kernel it waits, nothing is started on top of it, the rest of the transition goes on, and
// what it leaves is cleaned when it is gone at last. A machine that is told to end does, and its file system is clean.
func TestUnkillableProcess(t *testing.T) {
	disk := emptyDisk(t)
	o := memoryOptions(t, systems()[0].arch, "stuck", []string{"virtio_pci", "virtio_console", "virtio_blk"}, stuck)
	o.Disks = []guest.Disk{{File: disk, Write: true}}
	m := boot(t, o)
	m.reaches("main")
	before := m.component("writer")
	m.freezes(before.PID)

	m.run("orderly", "activate", "less")
	m.reason("writer", "stopping", "cannot be killed")
	for name, state := range map[string]string{"writer": "stopping", "user": "down", "other": "down"} {
		if c := m.component(name); c.State != state {
			t.Errorf("%s is %s, want %s", name, c.State, state)
		}
	}
	m.expect(`writer: stopping \(cannot be killed\)`)
	where := m.expect(fmt.Sprintf(`writer: process %d \(sh\), state D in (\w+)`, before.PID))[1]
	if log := m.run("orderly", "log", "writer"); !strings.Contains(log, "state D in "+where) {
		t.Errorf("the log does not say that it waits in %s:\n%s", where, log)
	}
	if got := m.run("orderly", "status"); !regexp.MustCompile(fmt.Sprintf(`writer +stopping .* %d .*cannot be killed; not wanted by less`, before.PID)).MatchString(got) {
		t.Errorf("who cannot be killed:\n%s", got)
	}
	m.run("orderly", "activate", "main", "--no-wait")
	m.run("orderly", "wait", "other")
	if got := m.writers(); got != fmt.Sprint(before.PID) {
		t.Errorf("the writers are %s, want %d alone", got, before.PID)
	}

	m.run("busybox", "fsfreeze", "--unfreeze", "/data")
	m.run("orderly", "wait", "main")
	after := m.component("writer")
	if got := m.writers(); got != fmt.Sprint(after.PID) || after.Run != before.Run+1 || after.PID == before.PID {
		t.Errorf("writer was %+v, is %+v; there are %s", before, after, got)
	}

	m.freezes(after.PID)
	m.powerOff()
	if got := m.Console(); !strings.Contains(got, fmt.Sprintf("cannot be killed: sh(%d) in %s\n", after.PID, where)) {
		t.Errorf("the end says nothing of process %d in %s", after.PID, where)
	}
	cleanDisk(t, disk)
}

// freezes freezes the disk, and waits until a process waits for it.
func (m machine) freezes(pid int) {
	m.t.Helper()
	m.run("busybox", "fsfreeze", "--freeze", "/data")
	m.sh(fmt.Sprintf("until grep -q '^State:.D' /proc/%d/status; do usleep 50000; done", pid))
}

// writers are the processes of the component, living or not.
func (m machine) writers() string {
	m.t.Helper()
	return strings.TrimSpace(m.sh("cat /sys/fs/cgroup/orderly/writer/cgroup.procs"))
}

// A manager with a thread that waits where no signal reaches it, here for the disk with its log: it is left behind, and the next one goes on
// with the components.
func TestUnkillableManager(t *testing.T) {
	disk := emptyDisk(t)
	const config = freezable + `
[log]
directory = "/data/log"
[component.loud]
command = ["/bin/sh", "-c", "while :; do echo line; usleep 50000; done"]
[component.other]
command = ["/bin/sleep", "1000"]
[target.main]
depends_on = ["agent", "loud", "other"]
`
	o := memoryOptions(t, systems()[0].arch, "unkillable", []string{"virtio_pci", "virtio_console", "virtio_blk"}, config)
	o.Disks = []guest.Disk{{File: disk, Write: true}}
	m := boot(t, o)
	m.reaches("main")
	before, loud := m.component("other"), m.component("loud")
	m.run("busybox", "fsfreeze", "--freeze", "/data")
	pid := strings.TrimSpace(m.sh("pidof orderly-manager"))
	m.sh("until grep -q '^State:.D' /proc/" + pid + "/task/*/status; do usleep 50000; done")
	m.sh(fmt.Sprintf("kill -9 %s %d", pid, before.PID))
	m.expect("manager: process " + pid + " cannot be killed: left behind")
	m.expect("the manager was started again")
	m.await("other to be back", func(e event) bool { return e.Component == "other" && e.To == "ready" && e.Run == before.Run+1 })
	if now := m.component("loud"); now != loud {
		t.Errorf("loud was %+v, is %+v", loud, now)
	}
	m.run("busybox", "fsfreeze", "--unfreeze", "/data")
	m.sh("until ! test -d /proc/" + pid + "; do usleep 50000; done")
	m.run("orderly", "upgrade", "/sbin/init")
	m.powerOff()
	cleanDisk(t, disk)
}
