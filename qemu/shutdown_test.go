package qemu

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/guest"
)

// layered has file systems on each other in every way, a dead one among them, and somebody in each who is no component.
const layered = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "virtio_blk", "loop", "dm_mod", "overlay", "fuse"]
[[system.mounts]]
source = "/dev/vda"
target = "/data"
type = "ext4"
[component.agent]
command = ["/sbin/agent"]
[target.main]
depends_on = ["agent"]
`

// pile mounts a disk in a file on the disk, by way of a loop device and of device-mapper, with an overlay and a bind mount on top, a
// stack of two on one place, and a file system whose server is dead. The processes in them are orphans of the agent.
const pile = `
set -e
cd /data
dd if=/dev/zero of=image bs=1M count=4 2>/dev/null
mkdir -p /inner /bound /dead upper work merged stack
losetup=$(busybox losetup -f)
busybox losetup $losetup image
busybox mke2fs $losetup > /dev/null
mkdir -p /dev/mapper
test -e /dev/mapper/control || mknod /dev/mapper/control c 10 $(sed -n 's/ device-mapper//p' /proc/misc)
trouble map piled $losetup
mount -t ext2 /dev/mapper/piled /inner
mkdir -p /inner/up /inner/work
mount -t overlay -o lowerdir=/etc,upperdir=/inner/up,workdir=/inner/work none merged
mount -o bind merged /bound
mount -t tmpfs none stack
mount -o bind /data/upper stack
trouble fuse /dead > /tmp/fuse 2>&1 < /dev/null &
until grep -q mounted /tmp/fuse; do usleep 50000; done
echo kept > /bound/kept
echo also kept > /data/kept
for dir in /inner /bound /data/stack; do
	(cd $dir; trap '' TERM HUP; while :; do sleep 1; done) > /dev/null 2>&1 < /dev/null &
done
`

// Mounts on mounts, in use and dead: at the end they are gone by depth, each within its time, and every file system is clean with
// what was written.
func TestMountsAtTheEnd(t *testing.T) {
	disk := emptyDisk(t)
	mods := []string{"virtio_blk", "loop", "dm_mod", "overlay", "fuse"}
	o := troubled(t, systems()[0], "layered", "", layered, mods)
	o.Disks = []guest.Disk{{File: disk, Write: true}}
	m := boot(t, o)
	m.reaches("main")
	m.sh(pile)
	m.sh("ls /dead > /dev/null 2>&1 < /dev/null & until grep -q '^State:.D' /proc/$!/status; do usleep 50000; kill -9 $!; done")
	m.powerOff()
	cleanDisk(t, disk)
	inner := t.TempDir() + "/inner"
	if text, err := exec.Command(debian.Program("debugfs"), "-R", "dump /image "+inner, disk).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	cleanDisk(t, inner)
	for file, at := range map[string]string{"/up/kept": inner, "/kept": disk} {
		if text, err := exec.Command(debian.Program("debugfs"), "-R", "cat "+file, at).Output(); !strings.HasSuffix(string(text), "kept\n") {
			t.Errorf("%s: %q, %v", file, text, err)
		}
	}
	for _, given := range []string{"left writable", "sync:", "no answer", "read-only", "Emergency Remount"} {
		if strings.Contains(m.Console(), given) {
			t.Errorf("something was given up: %s", given)
		}
	}
}

// hung ends within its own time, whatever its component does, and has a watchdog for which that is long.
const hung = `
shutdown_timeout = "8s"
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "loop", "dm_mod", "overlay", "fuse", "softdog"]
[watchdog]
timeout  = "6s"
interval = "1s"
[component.agent]
command = ["/sbin/agent"]
[component.deaf]
command = ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"]
ready.log = "deaf"
stop_timeout = "10m"
[target.main]
depends_on = ["agent", "deaf"]
`

// A component that does not end, and then a disk that answers nothing any more, so that writing what is buffered never ends: the machine
// does, at the caps of the steps, and no watchdog has to help. Idle time of the guest is skipped.
func TestSyncHangs(t *testing.T) {
	o := troubled(t, systems()[0], "hung", "", hung, []string{"loop", "dm_mod", "overlay", "fuse", "softdog"})
	o.Clock = guest.CountSkipping
	m := boot(t, o)
	m.reaches("main")
	m.sh("mkdir /data")
	m.sh(strings.Split(pile, "mkdir -p /inner/up")[0])
	m.sh("echo lost > /inner/lost; trouble suspend piled")
	if _, err := m.Follow("orderly", "reboot"); err != nil {
		t.Fatal(err)
	}
	m.expect(`target main: shutdown`)
	asked := m.clock()
	m.expect("orderly: sync: no answer within 30s: what is not written is lost")
	match := m.expect(`\[ *(\d+\.\d+)\] reboot: Restarting system`)
	end, err := strconv.ParseFloat(match[1], 64)
	if took := end - asked; err != nil || took < 38 || took > 60 {
		t.Errorf("the end took %.1f s of the guest's time, %v", took, err)
	}
	m.off()
	if strings.Contains(m.Console(), "softdog: Initiating") {
		t.Error("the watchdog had to help")
	}
}

// A server of the network that is gone, with what was written to it not on its disk: nobody but the mount itself has a reason to wait
// for it, and the machine ends. Idle time of the guest is skipped.
func TestServerOfTheNetworkIsGone(t *testing.T) {
	config, _, _ := strings.Cut(strings.Replace(layered, `"virtio_blk", "loop", "dm_mod", "overlay", "fuse"`, `"nfsv3"`, 1), "[[")
	config += `
[component.agent]
command = ["/sbin/agent"]
[component.writer]
command = ["/bin/sh", "-c", "echo lost > /net/file"]
stop_timeout = "1s"
[target.main]
depends_on = ["agent"]
[target.writing]
depends_on = ["agent", "writer"]
`
	o := troubled(t, systems()[0], "net", "", config, []string{"nfsv3"})
	o.Clock = guest.CountSkipping
	m := boot(t, o)
	m.reaches("main")
	m.sh("mkdir /net; trouble nfs /net > /tmp/nfs 2>&1 < /dev/null & until grep . /tmp/nfs; do usleep 50000; done")
	m.sh("grep -q mounted /tmp/nfs")
	m.run("orderly", "activate", "writing")
	m.sh(fmt.Sprintf("until grep -q '^State:.D' /proc/%d/status; do usleep 50000; done", m.component("writer").PID))
	m.sh("orderly status > /dev/null")
	asked := m.clock()
	if _, err := m.Follow("orderly", "reboot"); err != nil {
		t.Fatal(err)
	}
	match := m.expect(`\[ *(\d+\.\d+)\] reboot: Restarting system`)
	if end, err := strconv.ParseFloat(match[1], 64); err != nil || end-asked > 60 {
		t.Errorf("the end took %.1f s of the guest's time, %v", end-asked, err)
	}
	m.off()
	for _, told := range []string{"cannot be killed: sh", "sync: no answer within 30s", "remount /net read-only: no answer within 5s"} {
		if !strings.Contains(m.Console(), "orderly: "+told) {
			t.Errorf("the console says nothing of %q", told)
		}
	}
}

// clock is the guest's time of the newest line on the console.
func (m machine) clock() float64 {
	m.t.Helper()
	all := regexp.MustCompile(`(?m)^(?:\x1b\[\d+m)?\[ *(\d+\.\d+)\]`).FindAllStringSubmatch(m.Console(), -1)
	if len(all) == 0 {
		m.t.Fatal("no line has a time")
	}
	s, err := strconv.ParseFloat(all[len(all)-1][1], 64)
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// ending has a component that takes its time, what it needs, one that a request may start, and some that something else may: a delay that is
// over, a file that appears.
const ending = `
initial_target = "main"
shutdown_timeout = "20m"
log.console = "debug"
[system]
modules = ["virtio_pci", "virtio_console", "virtio_input"]
[component.agent]
command = ["/sbin/agent"]
stop_timeout = "10m"
[component.slow]
depends_on = ["agent", "needed"]
command = ["/bin/sh", "-c", "trap 'while test ! -e /run/go; do usleep 50000; done; exit 0' TERM; echo trapped; while :; do usleep 50000; done"]
ready.log = "trapped"
stop_timeout = "10m"
[component.needed]
command = ["/bin/sleep", "1000"]
recovery = { delay = "100ms", then = "retry" }
[component.more]
command = ["/bin/sleep", "1000"]
[component.again]
command = ["/bin/sleep", "1000"]
depends_on = ["agent"]
[component.failing]
command = ["/bin/false"]
recovery = { attempts = 1, delay = "1s", backoff = 1.0, max_delay = "1s", then = "retry" }
[component.awaiting]
command = ["/bin/sleep", "1000"]
start_conditions = [{ file = "/run/trigger", timeout = "10m" }]
[component.adopted]
command = ["/bin/sleep", "1000"]
[target.main]
depends_on = ["slow", "again"]
wants = ["failing"]
[target.other]
depends_on = ["agent"]
`

// While the machine ends nothing starts: not what a request asks for, not what waits for a delay or for a file, not what dies; another end is
// refused, the first one is carried out; and "at once" is at once. Nobody waits for a process that is dead and that its parent leaves so.
func TestRequestsWhileItEnds(t *testing.T) {
	start := func() (m machine, adopted string) {
		o := troubled(t, systems()[0], "ending", "", strings.Replace(ending, `, "virtio_input"`, "", 1), nil)
		o.Clock = guest.CountSleeping // a host that is busy makes nobody late
		m = boot(t, o)
		m.reaches("main")
		if _, err := m.Follow("orderly", "start", "awaiting"); err != nil {
			t.Fatal(err)
		}
		m.sh("until orderly status awaiting | grep -q waiting; do usleep 50000; done")
		f, err := m.Follow("/bin/sh", "-c", "echo $$ > /sys/fs/cgroup/cgroup.procs; sleep 1000 & echo $!; exec sleep 2000")
		if err != nil {
			t.Fatal(err)
		}
		pid, err := f.Line(long)
		if err != nil {
			t.Fatal(err)
		}
		m.run("orderly", "adopt", "adopted", pid)
		m.run("orderly", "reboot")
		m.expect("slow: stopping")
		return m, pid
	}
	m, adopted := start()
	for _, r := range []struct{ words, want string }{
		{"poweroff", "reboot is under way"},
		{"halt", "reboot is under way"},
		{"start more", "shutting down"},
		{"restart again", "shutting down"},
		{"activate other", "shutting down"},
	} {
		if got := m.try(append([]string{"orderly"}, strings.Fields(r.words)...)...); got.Exit != 1 || !strings.Contains(got.Err, r.want) {
			t.Errorf("%s: exit %d: %s%s", r.words, got.Exit, got.Out, got.Err)
		}
	}
	m.run("orderly", "reboot")                                                              // joins
	m.sh(fmt.Sprintf("touch /run/trigger; kill -9 %d; sleep 3", m.component("needed").PID)) // longer than every delay
	m.await("adopted to be down", func(e event) bool { return e.Component == "adopted" && e.To == "down" && e.Run > 0 })
	m.sh("grep -q '^State:.Z' /proc/" + adopted + "/status")
	all := m.events("0")
	asked := slices.IndexFunc(all, func(e event) bool { return e.Kind == "target" && e.To == "shutdown" })
	if asked < 0 || !slices.Contains(became(all[:asked], "down"), "failing") {
		t.Fatalf("shutdown is event %d, and failing has not failed before it", asked)
	}
	if got := became(all[asked:], "starting"); len(got) > 0 {
		t.Errorf("started while the machine ends: %v", got)
	}
	if c := m.component("needed"); c.PID != 0 || c.Run != 1 {
		t.Errorf("needed, which died, is %+v", c)
	}
	m.sh("kill -USR2 1; orderly status >/dev/null")
	m.lets()
	m.expect("reboot: Restarting system")
	if _, got, _ := strings.Cut(m.Console(), "target main: shutdown"); strings.Contains(got, ": starting") || strings.Contains(got, ": ready") {
		t.Error("something was started")
	}
	m.off()

	m, _ = start()
	if _, err := m.Follow("orderly", "poweroff", "--now"); err != nil {
		t.Fatal(err)
	}
	m.expect("reboot: Power down")
	m.off()
}

// lets has slow stop, which ends the agent too.
func (m machine) lets() {
	m.t.Helper()
	if _, err := m.Follow("touch", "/run/go"); err != nil {
		m.t.Fatal(err)
	}
}

// Whoever asked for the end, over the console, hangs up: the end goes on without a word from anybody, through all that is left to stop.
func TestEndAskedForOnAConsoleThatCloses(t *testing.T) {
	m := memory(t, "console-closes", strings.Replace(ending, `, "virtio_input"`, "", 1)+`
[component.console]
command = ["/bin/sh"]
terminal = "/dev/console"
[target.typed]
depends_on = ["console", "slow"]
`, "orderly.target=typed")
	m.expect("target typed: settled")
	m.types("orderly poweroff; exit")
	m.expect("console: down")
	m.lets()
	m.expect("slow: down")
	m.expect("needed: down")
	m.expect("reboot: Power down")
	m.off()
}

// A reboot that is asked for in the middle of a boot, and one in the middle of a switch, take over at once.
func TestRebootInTheMiddle(t *testing.T) {
	config := strings.Replace(ending, `, "virtio_input"`, "", 1) + `
[component.late]
kind = "oneshot"
command = ["/bin/sleep", "1000"]
start_timeout = "0s"
depends_on = ["agent"]
[component.behind]
command = ["/bin/true"]
depends_on = ["late"]
[target.long]
depends_on = ["behind"]
`
	for _, at := range []string{"boot", "switch"} {
		t.Run(at, func(t *testing.T) {
			words := []string{}
			if at == "boot" {
				words = append(words, "orderly.target=long")
			}
			m := early(t, "middle", "exec /sbin/init\n", config, words...)
			if at == "switch" {
				m.reaches("main")
				m.sh("touch /run/go; orderly activate long --no-wait")
			}
			m.sh("until orderly status late | grep -q starting; do usleep 50000; done")
			if _, err := m.Follow("orderly", "reboot"); err != nil {
				t.Fatal(err)
			}
			m.expect(`target long: shutdown`)
			asked := m.clock()
			match := m.expect(`\[ *(\d+\.\d+)\] reboot: Restarting system`)
			if end, err := strconv.ParseFloat(match[1], 64); err != nil || end-asked > 20 {
				t.Errorf("the end took %.1f s, %v", end-asked, err)
			}
			if got := m.Console(); strings.Contains(got, "behind: ready") {
				t.Error("what waited was started")
			}
			m.off()
		})
	}
}

// Seven ctrl-alt-dels within two seconds on the keyboard: the machine reboots at once, whatever waits for what.
func TestSevenCtrlAltDels(t *testing.T) {
	o := troubled(t, systems()[0], "keys", "", ending, []string{"virtio_input"})
	o.Extra = []string{"-device", "virtio-keyboard-pci"}
	m := boot(t, o)
	m.reaches("main")
	if err := m.Keys("ctrl", "alt", "delete"); err != nil {
		t.Fatal(err)
	}
	m.expect("SIGINT: reboot")
	m.expect("slow: stopping")
	for range 7 {
		if err := m.Keys("ctrl", "alt", "delete"); err != nil {
			t.Fatal(err)
		}
	}
	m.expect("reboot: Restarting system")
	if got := m.Console(); strings.Contains(got, "slow: down") || strings.Contains(got, "orderly: reboot") {
		t.Error("it has ended in order")
	}
	m.off()
}
