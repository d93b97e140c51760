package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// memory boots Orderly as the very first program, from an initramfs with this configuration.
func memory(t *testing.T, name, config string, words ...string) machine {
	t.Helper()
	return memoryOn(t, image.ARM64(), name, []string{"virtio_pci", "virtio_console"}, config, words...)
}

// memoryOn is memory on some architecture's kernel, with kernel modules.
func memoryOn(t *testing.T, a image.Arch, name string, mods []string, config string, words ...string) machine {
	t.Helper()
	o := memoryOptions(t, a, name, mods, config, words...)
	return boot(t, o)
}

// memoryOptions are those of such a machine, for one with more devices.
func memoryOptions(t *testing.T, a image.Arch, name string, mods []string, config string, words ...string) guest.Options {
	t.Helper()
	return build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(a)
		if err != nil {
			return guest.Options{}, err
		}
		file, err := b.Memory(name, "arm64", a, k, mods, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(config)),
		})
		return guest.Options{Kernel: k.Image, Initrd: file, Append: words}, err
	})
}

// What the kernel finds before any file system: Orderly mounts what programs need, and runs the agent as a component.
func TestOrderlyIsTheFirstProgram(t *testing.T) {
	m := memory(t, "first", `
initial_target = "main"
[system]
hostname = "first"
modules  = ["virtio_pci", "virtio_console"]
sysctl   = { "kernel.panic_on_oops" = "1" }
[target.main]
depends_on = ["agent", "early"]
[component.agent]
command = ["/sbin/agent"]
[component.early]
kind    = "oneshot"
command = ["/bin/cp", "/proc/self/status", "/run/early"]
`)
	m.reaches("main")
	mounts := m.sh("cut -d' ' -f2,3 /proc/mounts")
	for _, want := range []string{
		"/proc proc", "/sys sysfs", "/dev devtmpfs", "/dev/pts devpts", "/dev/shm tmpfs", "/run tmpfs", "/sys/fs/cgroup cgroup2",
	} {
		if strings.Count("\n"+mounts, "\n"+want+"\n") != 1 {
			t.Errorf("%s is not mounted once:\n%s", want, mounts)
		}
	}
	for file, want := range map[string]string{
		"/proc/sys/kernel/hostname":      "first",
		"/proc/sys/kernel/panic_on_oops": "1",
		"/sys/class/net/lo/flags":        "0x9", // IFF_LOOPBACK and IFF_UP (netdevice(7))
		"/proc/1/oom_score_adj":          "-1000",
		"/proc/self/oom_score_adj":       "0", // of what the agent, a component, has started
	} {
		if got := strings.TrimSpace(m.run("cat", file)); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
	// a program finds no signal ignored or blocked (signal(7))
	early := m.sh("cat /run/early")
	for _, want := range []string{"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "Umask:\t0022"} {
		if !strings.Contains(early, want) {
			t.Errorf("early has no %q:\n%s", want, early)
		}
	}
	if r := m.try("orderly", "kexec"); r.Exit != 1 || !strings.Contains(r.Err, "no kernel is loaded") {
		t.Errorf("kexec without a kernel: exit %d: %s", r.Exit, r.Err)
	}
	m.powerOff()
}

// Every way to end leads to the end that it asks for.
func TestEnds(t *testing.T) {
	const config = `
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console"]
target.main.depends_on = ["agent"]
component.agent.command = ["/sbin/agent"]
`
	for _, e := range []struct{ name, command, last string }{
		{"reboot", "orderly reboot", "reboot: Restarting system"},
		{"halt", "orderly halt", "reboot: System halted"},
		{"power off at once", "orderly poweroff --now", "reboot: Power down"},
		{"ctrl-alt-del or TERM", "kill -TERM 1", "reboot: Restarting system"},
		{"busybox poweroff", "kill -USR2 1", "reboot: Power down"},
		{"busybox halt", "kill -USR1 1", "reboot: System halted"},
		{"power failure", "kill -PWR 1", "reboot: Power down"},
	} {
		t.Run(e.name, func(t *testing.T) {
			m := memory(t, "ends", config)
			m.reaches("main")
			if _, err := m.Follow("/bin/sh", "-c", e.command); err != nil {
				t.Fatal(err)
			}
			m.expect(e.last)
		})
	}
}

// The power button ends the machine in order. The kernel for clouds has no driver for it.
func TestPowerButton(t *testing.T) {
	mods := []string{"virtio_pci", "virtio_console", "gpio_keys", "evdev"}
	m := memoryOn(t, image.ARM64Full(), "button", mods, `
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console", "gpio_keys", "evdev"]
system.power_button = "poweroff"
target.main.depends_on = ["agent"]
component.agent.command = ["/sbin/agent"]
`)
	m.reaches("main")
	if err := m.PowerButton(); err != nil {
		t.Fatal(err)
	}
	m.expect("reboot: Power down")
	m.off()
}
