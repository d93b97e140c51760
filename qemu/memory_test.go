package qemu

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
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

// chained has c on b on a, which take their time to stop, and followed, which c takes along when it stops: a process that nobody has started
// as it is, and that is dead before its turn comes.
const chained = `
initial_target = "main"
shutdown_timeout = "10s"
log.console = "debug"
[system]
modules = ["virtio_pci", "virtio_console", "virtio_input"]
[component.agent]
command = ["/sbin/agent"]
[component.a]
command = ["/bin/sleep", "1000"]
[component.b]
depends_on = ["a"]
command = ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"]
ready.log = "deaf"
stop_timeout = "2s"
[component.c]
depends_on = ["b", "followed"]
command = ["/bin/sh", "-c", "trap 'kill -9 $(cat /run/followed); sleep 2; exit 0' TERM; echo trapped; while :; do usleep 50000; done"]
ready.log = "trapped"
[component.followed]
command = ["/bin/sh", "-c", "sleep 1000 & echo $! > /run/followed"]
pid_file = "/run/followed"
recovery = { delay = "100ms", backoff = 1.0, then = "retry" }
[target.main]
depends_on = ["agent", "c"]
`

// Every way to end leads to the end that it asks for, in the reverse order of the start, within the time that is given: no component waits
// for one that is dead. Idle time of the guest is skipped.
func TestEnds(t *testing.T) {
	o := memoryOptions(t, image.ARM64(), "ends", []string{"virtio_pci", "virtio_console", "virtio_input"}, chained)
	o.Clock = guest.CountSkipping
	o.Extra = []string{"-device", "virtio-keyboard-pci"}
	for _, e := range []struct{ name, command, last string }{
		{"reboot", "orderly reboot", "reboot: Restarting system"},
		{"halt", "orderly halt", "reboot: System halted"},
		{"ctrl-alt-del", "", "reboot: Restarting system"},
		{"TERM", "kill -TERM 1", "reboot: Restarting system"},
		{"busybox poweroff", "kill -USR2 1", "reboot: Power down"},
		{"busybox halt", "kill -USR1 1", "reboot: System halted"},
		{"power failure", "kill -PWR 1", "reboot: Power down"},
		{"SIGRTMIN+3", "kill -37 1", "reboot: System halted"},
		{"SIGRTMIN+4", "kill -38 1", "reboot: Power down"},
		{"SIGRTMIN+5", "kill -39 1", "reboot: Restarting system"},
	} {
		t.Run(e.name, func(t *testing.T) {
			m := boot(t, o)
			m.reaches("main")
			if e.command == "" {
				if err := m.Keys("ctrl", "alt", "delete"); err != nil {
					t.Fatal(err)
				}
			} else if _, err := m.Follow("/bin/sh", "-c", e.command); err != nil {
				t.Fatal(err)
			}
			m.endsInOrder(e.last, 10)
		})
	}
	t.Run("power off at once", func(t *testing.T) {
		m := boot(t, o)
		m.reaches("main")
		if _, err := m.Follow("orderly", "poweroff", "--now"); err != nil {
			t.Fatal(err)
		}
		m.expect("reboot: Power down")
		if strings.Contains(m.Console(), ": stopping") {
			t.Error("it has ended in order")
		}
	})
}

// endsInOrder waits for the last words of a chained machine, and looks at how it ended.
func (m machine) endsInOrder(last string, limit float64) {
	m.t.Helper()
	const at = `\[ *(\d+\.\d+)\] `
	begin, end := m.expect(at+"target main: shutdown"), m.expect(at+last)
	_, text, _ := strings.Cut(m.Console(), "target main: shutdown")
	text, _, _ = strings.Cut(text, end[0])
	var order []string
	for _, step := range regexp.MustCompile(`\] ([abc]: (?:stopping|down))`).FindAllStringSubmatch(text, -1) {
		if n := len(order); n == 0 || order[n-1] != step[1] { // it is said once more when it has to be killed
			order = append(order, step[1])
		}
	}
	if want := []string{"c: stopping", "c: down", "b: stopping", "b: down", "a: stopping", "a: down"}; !slices.Equal(order, want) {
		m.t.Errorf("it ended as %q, want %q", order, want)
	}
	if !strings.Contains(text, "followed: ") || strings.Contains(text, ": starting") {
		m.t.Error("followed did not die, or was started again")
	}
	from, err := strconv.ParseFloat(begin[1], 64)
	to, err2 := strconv.ParseFloat(end[1], 64)
	if took := to - from; err != nil || err2 != nil || took < 4 || took > limit { // c takes two seconds, and so does b
		m.t.Errorf("the end took %.1f s of the guest's time, %v", took, errors.Join(err, err2))
	}
}

// The power button ends the machine in order. The kernel for clouds has no driver for it.
func TestPowerButton(t *testing.T) {
	mods := []string{"virtio_pci", "virtio_console", "gpio_keys", "evdev"}
	m := memoryOn(t, image.ARM64Full(), "button", mods, strings.Replace(chained, `"virtio_input"]`, `"gpio_keys", "evdev"]
power_button = "poweroff"`, 1))
	m.reaches("main")
	if err := m.PowerButton(); err != nil {
		t.Fatal(err)
	}
	m.endsInOrder("reboot: Power down", long.Seconds())
	m.off()
}
