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

// dirtied has a component that writes to each kind of file system when it is told to end, and asks nobody to bring that to the disk.
const dirtied = `
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console", "virtio_blk", "ext4", "vfat", "nls_cp437", "nls_ascii", "f2fs"]
[[system.mounts]]
source = "/dev/vda"
target = "/ext4"
type   = "ext4"
[[system.mounts]]
source = "/dev/vdb"
target = "/vfat"
type   = "vfat"
[[system.mounts]]
source = "/dev/vdc"
target = "/f2fs"
type   = "f2fs"
[component.agent]
command = ["/sbin/agent"]
[component.writer]
command = ["/bin/sh", "-c", """trap 'for fs in /ext4 /vfat /f2fs; do head -c 1000000 /sbin/init > $fs/late; mv $fs/old $fs/new; done; exit 0' TERM
for fs in /ext4 /vfat /f2fs; do test -e $fs/new || echo old > $fs/old; done
echo trapped
while :; do usleep 50000; done"""]
ready.log = "trapped"
[target.main]
depends_on = ["agent", "writer"]
`

// emptyDisks are a disk of each kind, in the order of dirtied.
func emptyDisks(t *testing.T) (ext4, vfat, f2fs string) {
	t.Helper()
	ext4 = emptyDisk(t)
	dir := t.TempDir()
	vfat, f2fs = filepath.Join(dir, "vfat"), filepath.Join(dir, "f2fs")
	for file, mkfs := range map[string]string{vfat: "mkfs.vfat", f2fs: "mkfs.f2fs"} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, 64<<20); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command(debian.Program(mkfs), file).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", mkfs, err, text)
		}
	}
	return ext4, vfat, f2fs
}

// What was written as the last thing before the machine is switched off is there when it is on again, and no file system needed to be
// repaired for that. The kernel for clouds has no f2fs.
func TestWrittenJustBeforeTheEnd(t *testing.T) {
	o := memoryOptions(t, image.ARM64Full(), "dirty", []string{"virtio_pci", "virtio_console", "virtio_blk", "ext4", "vfat", "nls_cp437", "nls_ascii", "f2fs"}, dirtied)
	ext4, vfat, f2fs := emptyDisks(t)
	o.Disks = []guest.Disk{{File: ext4, Write: true}, {File: vfat, Write: true}, {File: f2fs, Write: true}}
	m := boot(t, o)
	m.reaches("main")
	if got := m.sh("ls /ext4/late /vfat/late /f2fs/late 2>/dev/null; true"); got != "" {
		t.Fatalf("written before the end: %s", got)
	}
	m.powerOff()
	cleanDisk(t, ext4)
	cleanFAT(t, vfat)
	cleanF2FS(t, f2fs)

	m = boot(t, o)
	m.reaches("main")
	for _, fs := range []string{"/ext4", "/vfat", "/f2fs"} {
		m.sh("head -c 1000000 /sbin/init > /run/late")
		if r := m.try("/bin/sh", "-c", "busybox cmp /run/late "+fs+"/late && cat "+fs+"/new && test ! -e "+fs+"/old"); r.Exit != 0 || r.Out != "old\n" {
			t.Errorf("%s: exit %d: %s%s", fs, r.Exit, r.Out, r.Err)
		}
	}
	m.powerOff()
}

// cleanFAT checks a vfat of 64 MB, which has 16 bits.
func cleanFAT(t *testing.T, disk string) {
	t.Helper()
	const state = 0x25 // of the boot sector; bit 0 is set as long as the file system is mounted (fat_set_state in fs/fat/inode.c)
	if b, err := os.ReadFile(disk); err != nil || b[state]&1 != 0 {
		t.Errorf("vfat was not unmounted: %v", err)
	}
	if text, err := exec.Command(debian.Program("fsck.vfat"), "-n", disk).CombinedOutput(); err != nil {
		t.Errorf("check of the vfat: %v\n%s", err, text)
	}
}

// cleanF2FS checks an f2fs: its last checkpoint says that it was unmounted.
func cleanF2FS(t *testing.T, disk string) {
	t.Helper()
	text, err := exec.Command(debian.Program("fsck.f2fs"), "--dry-run", "-f", disk).CombinedOutput()
	if err != nil {
		t.Errorf("check of the f2fs: %v\n%s", err, text)
	}
	for line := range strings.Lines(string(text)) {
		if _, state, ok := strings.Cut(line, "checkpoint state ="); ok && strings.HasSuffix(strings.TrimSpace(state), " unmount") {
			return
		}
	}
	t.Errorf("f2fs was not unmounted:\n%s", text)
}
