package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// attributes is a configuration with what only a real kernel of the architecture can show: the interpreter's ways out of a
// failing step, filters of system calls by its own numbers, and built-in actions as PID 1.
const attributes = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console"]
[defaults.component]
recovery = { attempts = 0, then = "stop" }
[seccomp.no-directories]
default = "allow"
errno = ["mkdir", "mkdirat"]
[component.agent]
command = ["/sbin/agent"]
[component.scratch]
kind = "oneshot"
action = ["mount", "scratch", "/run/scratch", "tmpfs", "size=64k,nosuid"]
[component.directory]
kind = "oneshot"
action = ["mkdir", "/run/scratch/a/b", "0750", "7:8"]
depends_on = ["scratch"]
[component.sysctl]
kind = "oneshot"
action = ["sysctl", "kernel.panic_on_oops", "1"]
[component.module]
kind = "oneshot"
action = ["modprobe", "loop", "max_loop=3"]
[component.broken]
kind = "oneshot"
action = ["write", "/proc/nowhere", "1"]
[component.filtered]
kind = "oneshot"
command = ["/bin/mkdir", "/run/forbidden"]
success_exit_codes = [1]
security = { seccomp = "no-directories" }
output = { stderr = "file:/run/filtered" }
[component.engine]
kind = "oneshot"
command = ["/bin/cp", "/proc/self/status", "/run/engine"]
security = { seccomp = "default", capabilities = [] }
[component.optional]
command = ["/bin/sleep", "1000"]
limits = { nofile = "16:2000000000" }
optional_steps = ["limits"]
[target.main]
depends_on = ["agent", "directory", "sysctl", "module", "filtered", "engine", "optional"]
wants = ["broken"]
`

// TestAttributes boots with them on each architecture's own kernel.
func TestAttributes(t *testing.T) {
	for _, s := range []system{{"arm64", "arm64", image.ARM64()}, {"armv7", "arm", image.ARM()}} {
		t.Run(s.name, func(t *testing.T) {
			m := bootAttributes(t, s)
			m.reaches("main")
			for line, want := range map[string]string{
				`stat -c "%a %u:%g" /run/scratch/a/b`:                          "750 7:8\n",
				"grep -c '^scratch /run/scratch tmpfs rw,nosuid' /proc/mounts": "1\n",
				"cat /proc/sys/kernel/panic_on_oops":                           "1\n",
				"cat /sys/module/loop/parameters/max_loop":                     "3\n",
				"test -d /run/forbidden || echo forbidden":                     "forbidden\n",
				"grep Seccomp: /run/engine":                                    "Seccomp:\t2\n",
			} {
				if got := m.sh(line); got != want {
					t.Errorf("%s: %q, want %q", line, got, want)
				}
			}
			if got := m.sh("cat /run/filtered"); !strings.Contains(got, "Operation not permitted") {
				t.Errorf("filtered said %q", got)
			}
			if got := m.run("orderly", "status", "broken"); !strings.Contains(got, "write /proc/nowhere: no such file or directory") {
				t.Errorf("broken:\n%s", got)
			}
			if c := m.component("optional"); c.Health != "degraded" {
				t.Errorf("optional is %+v", c)
			}
			if got := m.run("orderly", "show", "optional"); !strings.Contains(got, "optional step limits: operation not permitted") {
				t.Errorf("optional:\n%s", got)
			}
			m.run("orderly", "stop", "scratch")
			if got := m.sh("grep -c ' /run/scratch ' /proc/mounts || true"); got != "0\n" {
				t.Errorf("the mount is still there: %s", got)
			}
			m.powerOff()
		})
	}
}

func bootAttributes(t *testing.T, s system) machine {
	t.Helper()
	return boot(t, build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(s.arch)
		if err != nil {
			return guest.Options{}, err
		}
		mods := []string{"virtio_pci", "virtio_console", "loop"}
		file, err := b.Memory("attributes", s.program, s.arch, k, mods, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(attributes)),
		})
		return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: file}, err
	}))
}
