package qemu

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// attacked is a machine in which every attack on it is made from inside of containers, see init/testdata/breakout: one as it is by
// default, one without a filter of system calls, one that is root of its own user namespace. Its root is the initramfs.
const attacked = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "overlay"]
[defaults.component]
recovery = { attempts = 0, then = "stop" }
start_timeout = "2m"
[component.agent]
command = ["/sbin/agent"]
[template.attacker]
kind = "oneshot"
command = ["/breakout"]
environment = { HOST_FILE = "/secret" }
container.rootfs = "/box"
[component.default]
template = "attacker"
[component.unfiltered]
template = "attacker"
security.seccomp = "none"
depends_on = ["default"]
[component.user]
template = "attacker"
depends_on = ["unfiltered"]
container.namespaces = ["user", "pid", "mount", "uts", "ipc", "net", "cgroup"]
container.idmapped = false
[target.main]
depends_on = ["agent"]
wants = ["user"]
`

// TestIsolation makes them on each architecture's own kernel, in a tree of cgroups of the second version alone, with devices that
// are really there.
func TestIsolation(t *testing.T) {
	for _, s := range []system{{"arm64", "arm64", image.ARM64()}, {"armv7", "arm", image.ARM()}} {
		t.Run(s.name, func(t *testing.T) {
			m := bootAttacked(t, s)
			m.reaches("main")
			for name, may := range map[string][]string{"default": nil, "unfiltered": {"io-uring", "user-namespace"}, "user": nil} {
				m.sh("until orderly log " + name + " | grep -q 'end of '; do usleep 100000; done")
				log := m.run("orderly", "log", name)
				for line := range strings.Lines(log) {
					attack, how, got := strings.Cut(line, " OUT: ")
					attack = attack[strings.LastIndexByte(attack, ' ')+1:]
					if got && !slices.Contains(may, attack) {
						t.Errorf("%s: %s: %s", name, attack, how)
					}
				}
				t.Logf("%s:\n%s", name, log)
			}
			// some that another machine cannot show get out where nothing holds them
			outside := m.run("/box/breakout", "memory-file", "device-mem", "device-kmsg", "sysrq", "core-pattern", "links", "chroot", "group-control", "disks", "module")
			for _, attack := range []string{"device-mem", "device-kmsg", "sysrq", "core-pattern", "group-control", "module"} {
				if !strings.Contains(outside, attack+" OUT: ") {
					t.Errorf("%s does not get out where nothing holds it:\n%s", attack, outside)
				}
			}
			m.powerOff()
		})
	}
}

func bootAttacked(t *testing.T, s system) machine {
	t.Helper()
	return boot(t, build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(s.arch)
		if err != nil {
			return guest.Options{}, err
		}
		file, err := b.Binary("init/testdata/breakout", s.program)
		if err != nil {
			return guest.Options{}, err
		}
		program, err := os.ReadFile(file)
		if err != nil {
			return guest.Options{}, err
		}
		memory, err := b.Memory("isolation", s.program, s.arch, k, []string{"virtio_pci", "virtio_console", "overlay"}, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(attacked)), cpio.File("secret", 0o600, nil),
			cpio.Dir("box"), cpio.File("box/breakout", 0o755, program), cpio.Device("box/planted", 0o666, 1, 11),
		})
		return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: memory}, err
	}))
}
