package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// slots is a machine whose firmware confirms itself when all else is up, and can have the other slot tried.
const slots = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "virtio_blk"]
[[system.mounts]]
source = "/dev/vda"
target = "/data"
type = "ext4"
[defaults.component]
recovery = { attempts = 0, then = "stop" }
[component.agent]
command = ["/sbin/agent"]
[component.firmware]
kind = "oneshot"
depends_on = ["agent"]
boot = { state = "/data/boot.env" }
[component.try]
kind = "oneshot"
boot = { state = "/data/boot.env", try = "other", tries = 2 }
[target.main]
depends_on = ["agent"]
wants = ["firmware"]
`

// TestSlots plays the boot loader over four boots: a slot is tried and confirmed, another one tried in vain and reverted.
func TestSlots(t *testing.T) {
	disk := emptyDisk(t)
	start := func(slot string) machine {
		o := memoryOptions(t, image.ARM64(), "slots", []string{"virtio_pci", "virtio_console", "virtio_blk"}, slots, "orderly.slot="+slot)
		o.Disks = []guest.Disk{{File: disk, Write: true}}
		m := boot(t, o)
		m.reaches("main")
		return m
	}
	m := start("a")
	if c := m.component("firmware"); c.State != "ready" {
		t.Errorf("first boot: %+v", c)
	}
	m.run("orderly", "start", "try")
	m.powerOff()
	if got := onDisk(t, disk); got != "slot=a\npending=b\ntries=2\nfailed=\n" {
		t.Errorf("to be tried: %q", got)
	}
	toDisk(t, disk, "slot=a\npending=b\ntries=1\nfailed=\n") // as the boot loader counts
	m = start("b")
	m.run("orderly", "start", "try") // confirmed by now
	m.powerOff()
	if got := onDisk(t, disk); got != "slot=b\npending=a\ntries=2\nfailed=\n" {
		t.Errorf("confirmed, and to be tried again: %q", got)
	}
	toDisk(t, disk, "slot=b\npending=a\ntries=0\nfailed=\n") // two boots that went nowhere
	m = start("b")
	if s := m.run("orderly", "status", "firmware"); !strings.Contains(s, "reverted to slot b: slot a did not confirm itself") {
		t.Errorf("reverted:\n%s", s)
	}
	m.powerOff()
	if got := onDisk(t, disk); got != "slot=b\npending=\ntries=0\nfailed=a\n" {
		t.Errorf("reverted: %q", got)
	}
}

func emptyDisk(t *testing.T) string {
	t.Helper()
	needQEMU(t)
	disk := filepath.Join(t.TempDir(), "data")
	if text, err := exec.Command(debian.Program("mke2fs"), "-q", "-t", "ext4", disk, "16M").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, text)
	}
	return disk
}

func onDisk(t *testing.T, disk string) string {
	t.Helper()
	text, err := exec.Command(debian.Program("debugfs"), "-R", "cat /boot.env", disk).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// toDisk writes as a boot loader does, which knows no journal.
func toDisk(t *testing.T, disk, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"rm /boot.env", "write " + file + " boot.env"} {
		if out, err := exec.Command(debian.Program("debugfs"), "-w", "-R", command, disk).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
}
