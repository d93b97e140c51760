package qemu

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/image"
)

// Activating debug starts exactly the chain, each when the one before is ready; somebody can log in then; and the
// file systems are clean after the power is off.
func TestDebugStartsTheChain(t *testing.T) {
	for _, s := range systems() {
		t.Run(s.name, func(t *testing.T) {
			m, set, d := bootExample(t, s, "orderly.target=minimal")
			m.reaches("minimal")
			before := m.events("0")
			m.run("orderly", "activate", "debug")
			all := m.events(fmt.Sprint(before[len(before)-1].Seq))

			chain := []string{"flash-driver", "filesystem", "setup-filesystems", "networking", "ssh"}
			if got := became(all, "starting"); !slices.Equal(got, chain) {
				t.Errorf("started %v, want %v", got, chain)
			}
			for i := range chain[1:] {
				mustPrecede(t, all, chain[i], "ready", chain[i+1], "starting")
			}
			if got := m.sh("grep -c '^/dev/nvme0n1 /data ext4' /proc/mounts"); got != "1\n" {
				t.Errorf("the flash disk is mounted %q times", got)
			}
			if got := m.ssh(set, "id -u; cat /proc/sys/kernel/hostname; echo kept >/data/mark"); got != "0\norderly\n" {
				t.Errorf("ssh: got %q", got)
			}
			m.powerOff()
			d.clean(t)
			if text, err := exec.Command(debian.Program("debugfs"), "-R", "cat /mark", d.data).Output(); string(text) != "kept\n" {
				t.Errorf("on the disk: %q, %v", text, err)
			}
		})
	}
}

// The initial target serves; a crash is recovered from, one that goes on is given up; the death of the manager
// touches nobody; a switch stops what is no longer wanted, dependents first.
func TestFullServesAndRecovers(t *testing.T) {
	for _, s := range systems() {
		t.Run(s.name, func(t *testing.T) {
			m, _, d := bootExample(t, s)
			m.reaches("full")
			m.serves()
			all := m.events("0")
			for _, p := range [][2]string{
				{"flash-driver", "filesystem"}, {"filesystem", "setup-filesystems"}, {"setup-filesystems", "networking"},
				{"networking", "web"}, {"logger", "web"}, {"logger", "clock"},
			} {
				mustPrecede(t, all, p[0], "ready", p[1], "starting")
			}

			m.crash("web")
			m.serves()
			m.givesUpDemo()
			m.losesManager()
			m.crash("web")
			m.serves()

			last := m.events("0")
			m.run("orderly", "activate", "minimal")
			all = m.events(fmt.Sprint(last[len(last)-1].Seq))
			mustPrecede(t, all, "web", "down", "networking", "stopping")
			mustPrecede(t, all, "networking", "down", "setup-filesystems", "down")
			mustPrecede(t, all, "setup-filesystems", "down", "filesystem", "stopping")
			if got := m.sh("grep -c ' /data ' /proc/mounts; pidof nginx; true"); got != "0\n" {
				t.Errorf("after the switch: mounts and servers %q", got)
			}
			m.powerOff()
			d.clean(t)
		})
	}
}

// A configuration that has become invalid does not keep the machine from coming up as it did before.
func TestLastGoodConfigurationIsUsed(t *testing.T) {
	m, set, d := bootExample(t, systems()[0], "orderly.target=minimal")
	m.reaches("minimal")
	m.sh("until [ -s /var/lib/orderly/last-good ]; do sleep 0.05; done")
	m.sh("echo 'no = such = thing' >>/etc/orderly/example.toml")
	m.powerOff()

	m = d.boot(t, set, "orderly.target=minimal")
	m.expect(`etc/orderly/example\.toml:\d+:\d+: `)
	m.reaches("minimal")
	if got := m.run("orderly", "status", "--json"); !strings.Contains(got, "the last one that reached its target") {
		t.Errorf("the status does not say so:\n%s", got)
	}
	m.powerOff()
	d.clean(t)
}

// [[system.mounts]] are checked and mounted before the first component, by the real fsck; one that cannot be is said,
// and does not keep the machine from coming up.
func TestMountsAreCheckedAndMounted(t *testing.T) {
	m, set, d := bootExample(t, systems()[0], "orderly.target=minimal")
	m.reaches("minimal")
	m.sh(`cat >/etc/orderly/mounts.toml <<'E'
[system]
modules = ["virtio_net", "nvme"]
machine_id = "persistent"
[[system.mounts]]
source  = "/dev/nvme0n1"
target  = "/checked"
type    = "ext4"
options = "noatime,nosuid"
fsck    = true
[[system.mounts]]
source = "/dev/none"
target = "/never"
type   = "ext4"
fsck   = true
E
sed -i '/^modules/d' /etc/orderly/example.toml`)
	m.powerOff()

	m = d.boot(t, set, "orderly.target=minimal")
	m.reaches("minimal")
	if got := m.sh("grep ' /checked ' /proc/mounts"); !strings.Contains(got, "/dev/nvme0n1 /checked ext4 rw,nosuid,noatime") {
		t.Errorf("the mount: %q", got)
	}
	if got := m.run("orderly", "log"); !strings.Contains(got, "clean") {
		t.Errorf("nothing of fsck in the log:\n%s", got)
	}
	if got := m.run("orderly", "status"); !strings.Contains(got, "/dev/none: did not appear within") {
		t.Errorf("the status does not speak of the device that is not there:\n%s", got)
	}
	if got := m.sh("cat /etc/machine-id"); len(strings.TrimSpace(got)) != 32 {
		t.Errorf("machine-id %q", got)
	}
	m.powerOff()
	d.clean(t)
}

// A machine whose power fails comes up again: the flash disk is mended before it is mounted.
func TestPowerCutIsSurvived(t *testing.T) {
	m, set, d := bootExample(t, systems()[0], "orderly.target=debug")
	m.reaches("debug")
	key := m.ssh(set, "sha256sum </data/ssh/host-key")
	m.sh("(while :; do date >>/data/busy; done) >/dev/null 2>&1 </dev/null & sync")
	if err := m.Unplug(); err != nil {
		t.Fatal(err)
	}
	m.off()

	m = d.boot(t, set, "orderly.target=debug")
	m.reaches("debug")
	if got := m.ssh(set, "sha256sum </data/ssh/host-key"); got != key {
		t.Errorf("the host key was %s, is %s", key, got)
	}
	m.powerOff()
	d.clean(t)
}

// crash kills a component and waits until it is ready again, as a new process.
func (m machine) crash(name string) {
	m.t.Helper()
	before := m.component(name)
	m.run("kill", "-9", fmt.Sprint(before.PID))
	m.await(name+" to be back", func(e event) bool {
		return e.Component == name && e.To == "ready" && e.Run > before.Run
	})
	after := m.component(name)
	if after.State != "ready" || after.PID == before.PID || after.Run != before.Run+1 {
		m.t.Errorf("%s was %+v, is %+v", name, before, after)
	}
}

// givesUpDemo waits until the component that always crashes is given up: one start and three restarts.
func (m machine) givesUpDemo() {
	m.t.Helper()
	m.await("demo to be given up", func(e event) bool { return e.Component == "demo" && e.To == "failed" })
	starts := 0
	for _, e := range m.events("0") {
		if e.Component == "demo" && e.To == "starting" {
			starts++
		}
	}
	if starts != 4 {
		m.t.Errorf("demo was started %d times, want 4", starts)
	}
	if got := m.sh("pidof demo || echo none"); got != "none\n" {
		m.t.Errorf("demo still runs: %s", got)
	}
}

// anotherManager kills the manager, and waits for the next one.
func (m machine) anotherManager() {
	m.t.Helper()
	manager := strings.TrimSpace(m.sh("pidof orderly-manager"))
	m.run("kill", "-9", manager)
	m.sh("until p=$(pidof orderly-manager) && [ $p != " + manager + " ]; do sleep 0.05; done")
	m.sh("until orderly status >/dev/null 2>&1; do sleep 0.05; done")
}

// losesManager kills the manager. The components go on as the same processes, and a new manager knows them.
func (m machine) losesManager() {
	m.t.Helper()
	// process ids and start times (proc_pid_stat(5), field 22)
	const who = `for p in $(pidof nginx chronyd syslogd); do cut -d" " -f1,22 /proc/$p/stat; done; true`
	before, web := m.sh(who), m.component("web")
	m.anotherManager()
	if after := m.sh(who); after != before || before == "" {
		m.t.Errorf("the processes were\n%sand are\n%s", before, after)
	}
	if after := m.component("web"); after != web {
		m.t.Errorf("web was %+v, is %+v", web, after)
	}
}

// serves asks the web server from the host.
func (m machine) serves() {
	m.t.Helper()
	client := http.Client{Timeout: long}
	reply, err := client.Get("http://" + m.Address(80) + "/")
	if err != nil {
		m.t.Fatal(err)
	}
	defer reply.Body.Close()
	if page, err := io.ReadAll(reply.Body); err != nil || string(page) != "Orderly serves.\n" {
		m.t.Errorf("http: %s, %q, %v", reply.Status, page, err)
	}
}

// ssh logs in from the host and runs a line of shell.
func (m machine) ssh(set image.Set, line string) string {
	m.t.Helper()
	_, port, err := net.SplitHostPort(m.Address(22))
	if err != nil {
		m.t.Fatal(err)
	}
	out, err := exec.Command("ssh", "-F", "none", "-i", set.Key, "-p", port, "-o", "BatchMode=yes", "-o", "ConnectTimeout=60",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "root@127.0.0.1", line).CombinedOutput()
	if err != nil {
		m.t.Fatalf("ssh: %v\n%s", err, out)
	}
	return string(out)
}

// powerOff ends the machine in order. It may be off before the command has answered.
func (m machine) powerOff() {
	m.t.Helper()
	if _, err := m.Follow("orderly", "poweroff"); err != nil {
		m.t.Fatal(err)
	}
	m.expect("reboot: Power down")
	m.off()
}
