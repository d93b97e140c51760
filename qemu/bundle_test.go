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

// bundleConfig is a config.json with limits and hooks, of a program with its arguments.
func bundleConfig(args, resources string) []byte {
	return []byte(fmt.Sprintf(`{
  "ociVersion": "1.2.0",
  "process": {"user": {"uid": 5, "gid": 5}, "args": [%s], "cwd": "/"},
  "root": {"path": "/bundle/rootfs"},
  "mounts": [{"destination": "/proc", "type": "proc"}, {"destination": "/dev", "type": "tmpfs"}],
  "hooks": {
    "createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "grep -c /bundle/rootfs/proc /proc/self/mounts >> /run/hooked"], "env": ["PATH=/bin"]}],
    "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", "echo stopped >> /run/hooked"]}]
  },
  "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "cgroup"}], "resources": %s}
}`, args, resources))
}

// TestBundleInGuest: limits of a bundle bite, and its hooks run, where the root is the initramfs that nothing can be pivoted away from.
func TestBundleInGuest(t *testing.T) {
	for _, s := range []system{{"arm64", "arm64", image.ARM64()}, {"armv7", "arm", image.ARM()}} {
		t.Run(s.name, func(t *testing.T) {
			o := build(t, func(b *image.Builder) (guest.Options, error) {
				k, err := b.Kernel(s.arch)
				if err != nil {
					return guest.Options{}, err
				}
				hog, err := b.Binary("qemu/hog", s.program)
				if err != nil {
					return guest.Options{}, err
				}
				program, err := os.ReadFile(hog)
				if err != nil {
					return guest.Options{}, err
				}
				mods := []string{"virtio_pci", "virtio_console"}
				file, err := b.Memory("bundle", s.program, s.arch, k, mods, []cpio.Entry{
					cpio.File("etc/orderly/test.toml", 0o644, []byte(`
initial_target = "main"
system.modules = ["virtio_pci", "virtio_console"]
[component.agent]
command = ["/sbin/agent"]
[component.hog]
recovery = { attempts = 1, delay = "100ms", then = "stop" }
container = { bundle = "/bundle/hog" }
[component.calm]
container = { bundle = "/bundle/calm" }
resources = { pids_max = 30 }
[component.parent]
container = { bundle = "/bundle/parent" }
[target.main]
depends_on = ["agent"]
`)),
					cpio.File("bundle/rootfs/sbin/hog", 0o755, program),
					cpio.File("bundle/hog/config.json", 0o644, bundleConfig(`"/sbin/hog", "memory", "67108864", "pause"`, `{"memory": {"limit": 33554432, "swap": 33554432}}`)),
					cpio.File("bundle/parent/config.json", 0o644, bundleConfig(`"/sbin/hog", "child", "await", "/go", "memory", "67108864", "pause"`, `{"memory": {"limit": 33554432, "swap": 33554432}}`)),
					cpio.File("bundle/calm/config.json", 0o644, bundleConfig(`"/sbin/hog", "pause"`,
						`{"memory": {"limit": 33554432}, "cpu": {"shares": 512, "quota": 20000, "period": 50000}, "pids": {"limit": 20}, "unified": {"memory.high": "30000000"}}`)),
				})
				return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: file}, err
			})
			m := boot(t, o)
			m.reaches("main")
			m.try("orderly", "start", "hog")
			m.reason("hog", "starting", "again after oom:")
			m.reason("hog", "failed", "oom:")
			if got := m.run("cat", "/run/hooked"); got != "1\nstopped\n1\nstopped\n" {
				t.Errorf("hooks: %q\n%s", got, m.run("orderly", "log", "hog"))
			}
			m.run("orderly", "start", "calm")
			got := m.sh("cd /sys/fs/cgroup/orderly/calm; cat memory.max memory.high cpu.weight cpu.max pids.max")
			if want := "33554432 29999104 20 20000 50000 30"; strings.Join(strings.Fields(got), " ") != want {
				t.Errorf("limits: %q, want %s", got, want)
			}
			m.run("orderly", "stop", "calm")
			m.run("orderly", "start", "parent")
			m.anotherManager() // and the next one watches the limits of the bundle
			m.sh("echo > /bundle/rootfs/go")
			m.reason("parent", "ready", "oom: the memory limit of its own group reached; the kernel killed a process of it (exe, pid ")
			m.powerOff()
		})
	}
}
