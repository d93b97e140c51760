package guest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/qemu/wire"
)

// Machine is the kind of machine.
type Machine uint8

// The machines. The zero value is a 64-bit one, which runs armv7 programs too.
const (
	ARM64 Machine = iota
	ARM
)

// Disk is an ext4 or raw image.
type Disk struct {
	File  string
	NVMe  bool // a flash disk instead of a virtio one
	Write bool // changes are kept in the file; the zero value throws them away
}

// Counting is how the guest's clock runs.
type Counting uint8

// The clocks. Counted time is that of 2 ns an instruction, a processor of half a GHz that takes one in each cycle: independent of the host
// and its load.
const (
	RealTime      Counting = iota
	CountSleeping          // counted while busy, real while idle
	CountSkipping          // counted while busy, idle time is skipped: only for guests without disks
	CountFast              // CountSleeping at 1 ns an instruction, a processor of 1 GHz
)

// Options describe a machine.
type Options struct {
	Machine  Machine
	Kernel   string
	Initrd   string
	Append   []string // words of the kernel command line, beside those that every guest has
	Disks    []Disk
	Forward  []int // TCP ports of the guest that the host reaches at loopback
	MemoryMB int   // 0 is 512
	Clock    Counting
	Verbose  bool     // the kernel's messages on the console
	Extra    []string // arguments of QEMU
}

// program is the emulator.
func (o Options) program() string {
	if o.Machine == ARM {
		return "qemu-system-arm"
	}
	return "qemu-system-aarch64"
}

// arguments are those of QEMU without the console: what a guest of these options is.
func (o Options) arguments(dir string, ports map[int]int) []string {
	// highmem=off: a 32-bit kernel without LPAE cannot reach the PCI configuration space otherwise
	machine, cpu := "virt", "cortex-a57"
	if o.Machine == ARM {
		machine, cpu = "virt,highmem=off", "cortex-a15"
	}
	memory := o.MemoryMB
	if memory == 0 {
		memory = 512
	}
	args := []string{
		"-M", machine, "-cpu", cpu, "-accel", "tcg", "-m", strconv.Itoa(memory), "-smp", "1",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", o.Kernel, "-append", o.commandLine(),
		"-qmp", "unix:" + filepath.Join(dir, "qmp") + ",server=on,wait=off",
		"-device", "virtio-serial-pci",
		"-chardev", "socket,id=agent,server=on,wait=off,path=" + filepath.Join(dir, "agent"),
		"-device", "virtserialport,chardev=agent,name=" + wire.Port,
	}
	if o.Initrd != "" {
		args = append(args, "-initrd", o.Initrd)
	}
	for i, d := range o.Disks {
		args = append(args, d.arguments(i)...)
	}
	args = append(args, o.network(ports)...)
	switch o.Clock {
	case RealTime:
	case CountSleeping:
		args = append(args, "-icount", "shift=1,sleep=on")
	case CountSkipping:
		args = append(args, "-icount", "shift=1,sleep=off")
	case CountFast:
		args = append(args, "-icount", "shift=0,sleep=on")
	}
	return append(args, o.Extra...)
}

// commandLine is the kernel's. The self tests of the crypto modules take a third of the boot; a panic ends QEMU.
func (o Options) commandLine() string {
	words := []string{"console=ttyAMA0", "panic=-1", "cryptomgr.notests"}
	if !o.Verbose {
		words = append(words, "loglevel=4")
	}
	return strings.Join(append(words, o.Append...), " ")
}

func (d Disk) arguments(i int) []string {
	snapshot := "on"
	if d.Write {
		snapshot = "off"
	}
	device := fmt.Sprintf("virtio-blk-pci,drive=disk%d", i)
	if d.NVMe {
		device = fmt.Sprintf("nvme,drive=disk%d,serial=flash%d", i, i)
	}
	return []string{
		"-drive", fmt.Sprintf("if=none,id=disk%d,format=raw,cache=unsafe,snapshot=%s,file=%s", i, snapshot, d.File),
		"-device", device,
	}
}

// network is a card behind which there is only the host's loopback, as far as ports are forwarded.
func (o Options) network(ports map[int]int) []string {
	var b strings.Builder
	b.WriteString("user,id=net,restrict=on")
	for _, p := range slices.Sorted(slices.Values(o.Forward)) {
		fmt.Fprintf(&b, ",hostfwd=tcp:127.0.0.1:%d-:%d", ports[p], p)
	}
	return []string{"-netdev", b.String(), "-device", "virtio-net-pci,netdev=net,romfile="}
}
