package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/guest"
)

// A kernel that was loaded takes the place of the running one when everything has stopped in order, and Orderly comes up again without
// the machine having been reset. The disks are the kernel and its initramfs.
func TestKexec(t *testing.T) {
	o := troubled(t, systems()[0], "kexec", "", strings.Replace(chained, "virtio_input", "virtio_blk", 1), []string{"virtio_blk"})
	o.Disks = []guest.Disk{{File: o.Kernel}, {File: o.Initrd}}
	m := boot(t, o)
	m.reaches("main")
	before := m.run("cat", "/proc/sys/kernel/random/boot_id")
	m.run("trouble", "kexec", "/dev/vda", "/dev/vdb")
	if _, err := m.Follow("orderly", "kexec"); err != nil {
		t.Fatal(err)
	}
	m.endsInOrder("kexec\r", long.Seconds())
	m.returns("main")
	if now := m.run("cat", "/proc/sys/kernel/random/boot_id"); now == before {
		t.Error("it is the same boot")
	}
	m.powerOff()
}
