package qemu

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// troubled are the options of a machine without a disk whose root has a script /early, for what was there before Orderly, and
// /sbin/trouble and /sbin/hog. The kernel starts the script where the words say rdinit=/early.
func troubled(t *testing.T, s system, name, early, config string, mods []string, words ...string) guest.Options {
	t.Helper()
	return troubledWith(t, s, name, early, config, mods, nil, words...)
}

// troubledWith has more files.
func troubledWith(t *testing.T, s system, name, early, config string, mods []string, more []cpio.Entry, words ...string) guest.Options {
	t.Helper()
	return build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(s.arch)
		if err != nil {
			return guest.Options{}, err
		}
		entries := append(more,
			cpio.File("etc/orderly/test.toml", 0o644, []byte(config)), cpio.File("early", 0o755, []byte("#!/bin/sh\n"+early)))
		for _, name := range []string{"trouble", "hog"} {
			file, err := b.Binary("qemu/"+name, s.arch.Go)
			if err != nil {
				return guest.Options{}, err
			}
			program, err := os.ReadFile(file)
			if err != nil {
				return guest.Options{}, err
			}
			entries = append(entries, cpio.File("sbin/"+name, 0o755, program))
		}
		mods := append([]string{"virtio_pci", "virtio_console"}, mods...)
		file, err := b.Memory(name, s.program, s.arch, k, mods, entries)
		return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: file, Append: words}, err
	})
}

// early boots such a machine from its script.
func early(t *testing.T, name, script, config string, words ...string) machine {
	t.Helper()
	return boot(t, troubled(t, systems()[0], name, script, config, nil, append([]string{"rdinit=/early"}, words...)...))
}

// bare is a system that tells which descriptors its components have.
const bare = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console"]
machine_id = "persistent"
[component.agent]
command = ["/sbin/agent"]
[component.witness]
command = ["/bin/sh", "-c", "/sbin/trouble descriptors; exec sleep 1000"]
[target.main]
depends_on = ["agent", "witness"]
`

// readOnlyRoot moves to a root that cannot be written to and has these directories, after some more lines there.
func readOnlyRoot(directories, lines string) string {
	return `mkdir /new
mount -t tmpfs none /new
cp -a /bin /sbin /etc /lib /new
cd /new
mkdir ` + directories + `
` + lines + `
mount -o remount,ro none /new
exec busybox switch_root /new /sbin/init
`
}

// Where a mount point is missing in a root that cannot be written to, the machine has it all the same, and says so.
func TestMountPointsAreMissing(t *testing.T) {
	for _, r := range []struct{ directories, missing string }{
		{"tmp sys dev run", "/proc"},
		{"tmp proc sys", "/dev, /run"},
		{"tmp", "/proc, /sys, /dev, /run"},
	} {
		t.Run(strings.ReplaceAll(r.missing, "/", ""), func(t *testing.T) {
			m := early(t, "bare", readOnlyRoot(r.directories, ""), bare)
			m.reaches("main")
			m.mountedOnce()
			m.noted("the root has no " + r.missing + " (mkdir ")
			if got := m.sh("touch /x 2>&1; touch /etc/x 2>&1; cat /etc/orderly/test.toml"); strings.Count(got, "Read-only") != 2 || !strings.HasSuffix(got, bare) {
				t.Errorf("the root: %s", got)
			}
			m.powerOff()
		})
	}
}

// What every program takes for granted is not there: a machine without /proc comes up, becomes another program, and ends in order. It has
// no cgroups then, since who mounted them where cannot be known.
func TestNoProc(t *testing.T) {
	m := early(t, "no-proc", readOnlyRoot("tmp proc sys dev run", "mount -t tmpfs none proc\n"), bare)
	m.reaches("main")
	m.noted("no cgroups: read the mount table: open /proc/self/mountinfo: ")
	m.run("orderly", "upgrade", "/sbin/init")
	m.expect("upgrade: the keeper is the new program too")
	witness := m.component("witness")
	m.sh(fmt.Sprintf("kill -9 %d", witness.PID))
	m.sh("until orderly show witness | grep -q 'run *2'; do usleep 50000; done")
	m.run("orderly", "wait", "witness")
	m.powerOff()
}

// mountedOnce looks for what everything relies on.
func (m machine) mountedOnce() {
	m.t.Helper()
	mounts := m.sh("cut -d' ' -f2,3 /proc/mounts")
	for _, want := range []string{
		"/proc proc", "/sys sysfs", "/dev devtmpfs", "/dev/pts devpts", "/dev/shm tmpfs", "/run tmpfs", "/sys/fs/cgroup cgroup2",
	} {
		if strings.Count("\n"+mounts, "\n"+want+"\n") != 1 {
			m.t.Errorf("%s is not mounted once:\n%s", want, mounts)
		}
	}
}

// What can be written nowhere: no place for the state, the identity of the machine only for this boot, logs that are lost and counted. All
// of that is told, and components run.
func TestNothingCanBeWritten(t *testing.T) {
	const full = `mount -t tmpfs none tmp
dd if=/dev/zero of=tmp/full bs=64k 2>/dev/null
mount -t tmpfs -o size=4k,mode=755 none run
dd if=/sbin/init of=run/full bs=4k count=2 2>/dev/null
`
	m := early(t, "full", readOnlyRoot("tmp proc sys dev run", full), bare)
	m.reaches("main")
	m.noted("machine id: only for this boot: save /etc/machine-id: ")
	m.noted("machine id: save /run/orderly/machine-id: ")
	m.expect("last good configuration not saved: save /var/lib/orderly/last-good: ")
	if got := m.sh("rm /run/full; orderly restart witness; orderly log witness; orderly log"); !strings.Contains(got, "bytes lost") {
		t.Errorf("of what was lost: %s", got)
	}
	m.powerOff()
}

// Without a control socket the machine comes up, says on the console that it has none, and ends by signals.
func TestNoRoomForTheControlSocket(t *testing.T) {
	m := early(t, "inodes", readOnlyRoot("tmp proc sys dev run", "mount -t tmpfs -o nr_inodes=1,mode=755 none run\n"), bare)
	m.expect("control socket: bind /run/orderly/control.sock: ")
	m.expect("target main: settled")
	if _, err := m.Follow("kill", "-USR2", "1"); err != nil {
		t.Fatal(err)
	}
	m.expect("reboot: Power down")
	m.off()
}
