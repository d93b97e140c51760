package qemu

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/guest"
)

// soft has a watchdog whose driver is a module and that cannot say, after a reset, that it was it. Its state is on a disk.
const soft = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "virtio_blk", "ext4", "softdog"]
[[system.mounts]]
source = "/dev/vda"
target = "/var/lib/orderly"
type   = "ext4"
[watchdog]
timeout  = "4s"
interval = "500ms"
critical = ["critical"]
[component.agent]
command = ["/sbin/agent"]
[component.critical]
command = ["/bin/sleep", "1000"]
recovery = { attempts = 0, then = "stop" }
[component.slow]
command = ["/bin/sh", "-c", """trap 'test -e /run/slow && sleep 6
test -e /run/hold && trouble spin 60s
exit 0' TERM; while :; do sleep 0.2; done"""]
stop_timeout = "60s"
[target.main]
depends_on = ["agent", "slow"]
wants = ["critical"]
`

// softMachine goes on after a reset, with what is on its disk.
func softMachine(t *testing.T, config string, words ...string) machine {
	t.Helper()
	needQEMU(t)
	disk := filepath.Join(t.TempDir(), "state")
	if text, err := exec.Command(debian.Program("mke2fs"), "-q", "-t", "ext4", disk, "16M").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, text)
	}
	o := troubled(t, systems()[0], "softdog", "", config, []string{"virtio_blk", "ext4", "softdog"}, words...)
	o.Disks = []guest.Disk{{File: disk, Write: true}}
	o.Extra = []string{"-action", "reboot=reset"}
	return boot(t, o)
}

// Where the driver of a watchdog remembers nothing, the record in the state directory tells a reset from an end in order: a
// manager that cannot be had, a reboot that takes longer than the time-out, a critical component that is gone. What keeps even Orderly from
// running at the end is ended by the watchdog.
func TestSoftdogAndTheLastEnd(t *testing.T) {
	const unasked = "last end: nobody asked for it"
	m := softMachine(t, soft)
	m.reaches("main")
	if text := m.run("orderly", "status", "--json"); !strings.Contains(text, "(Software Watchdog) resets after 4s, fed every 500ms") || strings.Contains(text, "last end") {
		t.Errorf("status of the first boot: %s", text)
	}

	// slow stops for 6 s, and nothing resets the machine meanwhile
	m.sh("touch /run/slow")
	if _, err := m.Follow("orderly", "reboot"); err != nil {
		t.Fatal(err)
	}
	m.expect("reboot: Restarting system")
	m.expect("last end: reboot\r?\n")
	m.returns("main")

	// five managers are killed, and the next ones hang: each is replaced, until it is enough
	m.sh("(for n in 1 2 3 4 5; do kill -KILL $(pidof orderly-manager); usleep 300000; done; while :; do kill -STOP $(pidof orderly-manager); usleep 100000; done) >/dev/null 2>&1 </dev/null &")
	m.expect("manager: no sign of life for .*: killed")
	m.expect("manager: given up: it ended 8 times")
	m.expect("last end: reboot: no manager could be had")
	m.returns("main")

	m.sh("kill -KILL $(pidof orderly-manager); orderly wait main")
	if text := m.run("orderly", "status"); !strings.Contains(text, "note: last end: reboot: no manager could be had") {
		t.Errorf("the next manager does not know of the last end: %s", text)
	}
	m.sh("kill -KILL $(pidof sleep)")
	m.expect("watchdog: not fed: the manager forbids it")
	m.expect("softdog: Initiating system reboot")
	m.expect(unasked)
	m.returns("main")

	// slow takes the processor when it is to stop, and nobody who could end it gets that any more: what is left is the watchdog
	m.sh("touch /run/hold; echo -1 > /proc/sys/kernel/sched_rt_runtime_us")
	if _, err := m.Follow("orderly", "reboot"); err != nil {
		t.Fatal(err)
	}
	m.expect("slow: stopping")
	m.expect("softdog: Initiating system reboot")
	m.returns("main")
	m.powerOff()
}

// What a device refuses is said, and nothing waits for it: one that is not there, one that somebody else has open, one
// that takes another time-out, one that cannot be disarmed.
func TestStubbornWatchdog(t *testing.T) {
	config := strings.Replace(soft, "[watchdog]", "[watchdog]\ndevice = \"/dev/watchdog7\"", 1)
	m := softMachine(t, config, "softdog.nowayout=1")
	m.expect("watchdog: open /dev/watchdog7: no such file or directory")
	m.reaches("main")
	m.noted("watchdog: not as it was asked for: open /dev/watchdog7: no such file or directory")

	m.sh("sleep 1000 >/dev/watchdog 2>&1 </dev/null & echo $! >/tmp/holder")
	m.sh("sed -i 's,/dev/watchdog7,/dev/watchdog,' /etc/orderly/test.toml; orderly apply")
	m.expect("watchdog: open /dev/watchdog: device or resource busy")
	m.noted("watchdog: not as it was asked for: open /dev/watchdog: device or resource busy")

	m.sh("kill $(cat /tmp/holder); sed -i 's/\"4s\"/\"24h\"/' /etc/orderly/test.toml; orderly apply")
	m.expect("watchdog: /dev/watchdog .Software Watchdog. resets after 18h12m15s, fed every 500ms; asked for 24h0m0s; nowayout: it cannot be disarmed")
	m.sh("sed -i 's/\"24h\"/\"4s\"/' /etc/orderly/test.toml; orderly apply")
	m.expect("resets after 4s, fed every 500ms; nowayout: it cannot be disarmed")
	m.sh("sed -i 's/^.watchdog.$/[fallback]/; /^device\\|^timeout\\|^interval\\|^critical =\\|^.fallback.$/d' /etc/orderly/test.toml; orderly apply")
	m.noted("watchdog: not as it was asked for: /dev/watchdog cannot be disarmed (nowayout): it is fed on")
	m.sh("sleep 10") // else it resets
	m.noted("watchdog: not as it was asked for: /dev/watchdog cannot be disarmed (nowayout): it is fed on")
	m.powerOff()
}

// noted waits until status has a note: what the keeper answers comes a moment after what asked for it.
func (m machine) noted(text string) {
	m.t.Helper()
	m.sh("until orderly status | grep -qF 'note: " + text + "'; do sleep 0.1; done")
}

// returns waits until a machine that was reset is up again. What the agent is asked before it greets is lost with it.
func (m machine) returns(target string) {
	m.t.Helper()
	m.expect("target " + target + ": settled")
	var err error
	for range 10 {
		if _, err = m.Run(long, "/bin/true"); err == nil {
			return
		}
	}
	m.t.Fatal(err)
}
