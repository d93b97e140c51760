package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/image"
)

const guarded = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "i6300esb"]
[watchdog]
timeout  = "3s"
interval = "500ms"
critical = ["critical"]
[component.agent]
command = ["/sbin/agent"]
[component.slow]
kind = "oneshot"
command = ["/bin/sleep", "5"]
[component.critical]
command = ["/bin/sleep", "1000"]
recovery = { attempts = 0, then = "stop" }
[target.main]
depends_on = ["agent", "slow"]
wants = ["critical"]
`

// becomes upgrades to a copy: manager and PID 1 are then another program, and the components are the same processes.
func (m machine) becomes(from, to string) {
	m.t.Helper()
	before := m.sh("pidof sleep agent")
	m.sh("cp " + from + " " + to + "; orderly upgrade " + to)
	m.expect("upgrade: the keeper is the new program too")
	m.sh("test $(stat -Lc %d:%i /proc/1/exe) = $(stat -Lc %d:%i " + to + ")")
	if now := m.sh("orderly wait main; pidof sleep agent"); now != before {
		m.t.Errorf("processes were %q and are %q", before, now)
	}
}

// guardedMachine has a watchdog, and goes on after a reset.
func guardedMachine(t *testing.T, name, config string, words ...string) machine {
	t.Helper()
	o := memoryOptions(t, image.ARM64Full(), name, []string{"virtio_pci", "virtio_console", "i6300esb"}, config, words...)
	o.Extra = []string{"-device", "i6300esb", "-action", "reboot=reset,watchdog=reset"}
	return boot(t, o)
}

// A watchdog is fed through a boot that is longer than its time-out, through the death of the manager and through an upgrade of PID 1, starves when a critical
// component is gone for good, and is named by the next boot as the cause of the reset. Power off disarms it.
func TestWatchdog(t *testing.T) {
	m := guardedMachine(t, "watchdog", guarded)
	m.reaches("main")
	if text := m.run("orderly", "status", "--json"); !strings.Contains(text, `"watchdog": "/dev/watchdog (i6300ESB timer) resets after 3s, fed every 500ms"`) {
		t.Errorf("status: %s", text)
	}
	m.sh("kill -KILL $(pidof orderly-manager); sleep 4; orderly wait main")
	m.becomes("/sbin/orderly", "/tmp/other")
	m.sh("sleep 4; kill -KILL $(pidof orderly-manager); orderly wait main") // it is fed on, and what has taken over knows whom it started
	m.sh("kill -KILL $(pidof sleep)")
	m.expect("watchdog: not fed: critical component critical is failed")
	m.expect("watchdog: not fed: the manager forbids it")
	m.expect("watchdog: the machine was last reset by it")
	m.expect("target main: settled")
	if text := m.run("orderly", "status"); !strings.Contains(text, "note: watchdog: the machine was last reset by it") {
		t.Errorf("status: %s", text)
	}

	// in order it is fed until the last call, and then QEMU resets the device too: nothing is left of it
	if _, err := m.Follow("orderly", "reboot"); err != nil {
		t.Fatal(err)
	}
	m.expect("reboot: Restarting system")
	m.returns("main")
	if text := m.run("orderly", "status"); strings.Contains(text, "last reset by it") {
		t.Errorf("status after a reboot: %s", text)
	}
	m.powerOff()
	if strings.Contains(m.Console(), "did not stop") { // what the driver says of a device that was closed and not disarmed
		t.Error("power off did not disarm the watchdog")
	}
}
