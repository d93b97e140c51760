package qemu

import (
	"strconv"
	"strings"
	"testing"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// containers is a configuration whose containers show what only the kernel of the architecture can: every namespace, an overlay, ids of
// their own and the init, in a machine whose root is the initramfs, which nothing can be pivoted away from.
const containers = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console", "overlay"]
[defaults.component]
recovery = { attempts = 2, delay = "10ms" }
stop_timeout = "2s"
[component.agent]
command = ["/sbin/agent"]
[template.boxed.container]
rootfs = "/box"
mounts = [{ source = "/bin", target = "/bin", options = "ro" }]
[component.box]
template = "boxed"
command = ["/bin/sh", "-c", '''
echo pid $$ of $(ls -d /proc/[0-9]* | wc -l)
echo host $(hostname) at $(cat /proc/net/dev | wc -l) links
echo mounts $(wc -l < /proc/mounts) top $(ls / | tr '\n' ' ')
test -e /proc/1/root/sbin/agent || echo nothing of the machine
dd if=/dev/kmsg of=/dev/null count=0 2>&1 | grep -c permitted
mknod /dev/kmsg c 1 11 || echo no kmsg
mknod /dev/other c 1 3 && echo x > /dev/other && echo null again
exec sleep 1000''']
[component.layered]
template = "boxed"
kind = "oneshot"
command = ["/bin/sh", "-c", "echo changed > /new; cat /new; grep ' / ' /proc/mounts | cut -d' ' -f3"]
container.overlay = "tmpfs"
[component.mapped]
template = "boxed"
kind = "oneshot"
command = ["/bin/sh", "-c", "id -u; tr -s ' ' < /proc/self/uid_map; grep CapEff /proc/self/status"]
container.namespaces = ["user", "pid", "mount", "uts", "ipc", "net", "cgroup"]
container.idmapped = false
[component.init]
template = "boxed"
command = ["/bin/sh", "-c", "(sleep 0.1 &) ; trap 'exit 7' TERM; echo armed $$ $PPID; while :; do usleep 20000; done"]
container.init = true
ready = { log = "armed" }
[component.other]
kind = "oneshot"
command = ["/bin/cp", "/bin/busybox", "/other/bin/busybox"]
[component.rooted]
kind = "oneshot"
depends_on = ["other"]
command = ["/bin/sh", "-c", "busybox ls / | busybox tr '\\n' ' '; test -e /proc/1/comm && echo with the machine"]
root_directory = "/other"
[component.clocks]
template = "boxed"
kind = "oneshot"
command = ["/bin/sh", "-c", "cut -d. -f1 /proc/uptime"]
container.boottime_offset = "100000s"
[component.missing]
template = "boxed"
command = ["/bin/nothing"]
recovery = { attempts = 0, then = "stop" }
[target.main]
depends_on = ["agent", "box", "layered", "mapped", "init", "rooted"]
wants = ["clocks", "missing"]
`

// TestContainers starts them on each architecture's own kernel.
func TestContainers(t *testing.T) {
	for _, s := range []system{{"arm64", "arm64", image.ARM64()}, {"armv7", "arm", image.ARM()}} {
		t.Run(s.name, func(t *testing.T) {
			m := bootContainers(t, s)
			m.reaches("main")
			for name, want := range map[string][]string{
				"box":     {"pid 1 of ", "host box at 3 links", "nothing of the machine", "no kmsg", "null again", "top bin dev proc sys"},
				"layered": {"changed", "overlay"}, "mapped": {"mapped: 0\n", " 65536", "CapEff:\t00000000a80425fb"}, "init": {"armed 2 1"},
				"rooted": {"with the machine", "bin dev proc run sys"},
			} {
				log := m.run("orderly", "log", name)
				for _, text := range want {
					if !strings.Contains(log, text) {
						t.Errorf("%s: no %q in\n%s", name, text, log)
					}
				}
			}
			if s.program == "arm64" { // the kernel for armv7 has no time namespaces
				if log := m.run("orderly", "log", "clocks"); !strings.Contains(log, "clocks: 1000") {
					t.Errorf("clocks:\n%s", log)
				}
			} else if c := m.run("orderly", "status", "clocks"); !strings.Contains(c, "time namespace: invalid argument") {
				t.Errorf("clocks:\n%s", c)
			}
			if c := m.run("orderly", "status", "missing"); !strings.Contains(c, "exec /bin/nothing: no such file or directory") {
				t.Errorf("missing:\n%s", c)
			}
			if out := m.run("orderly", "enter", "box", "/bin/sh", "-c", "echo $$ $(hostname)"); !strings.HasSuffix(out, " box\n") || strings.HasPrefix(out, "1 ") {
				t.Errorf("enter: %q", out)
			}
			m.run("orderly", "stop", "init")
			if out := m.run("orderly", "status", "--json", "init"); !strings.Contains(strings.Join(strings.Fields(out), ""), `"exit":{"code":7}`) {
				t.Errorf("init: %s", out)
			}
			m.restarts("box")
			m.powerOff()
		})
	}
}

// restarts kills a container's main process, and its manager, and sees it back.
func (m machine) restarts(name string) {
	m.t.Helper()
	before := m.component(name)
	m.anotherManager()
	if c := m.component(name); c.PID != before.PID || c.Run != before.Run {
		m.t.Errorf("after the manager's death %s is %+v, was %+v", name, c, before)
	}
	m.sh("kill -9 " + strconv.Itoa(before.PID))
	m.sh("until orderly status --json " + name + " | grep -q '\"run\": *" + strconv.Itoa(int(before.Run)+1) + ",'; do usleep 10000; done")
	m.run("orderly", "wait", name, "--timeout", "20s")
}

func bootContainers(t *testing.T, s system) machine {
	t.Helper()
	return boot(t, build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(s.arch)
		if err != nil {
			return guest.Options{}, err
		}
		mods := []string{"virtio_pci", "virtio_console", "overlay"}
		file, err := b.Memory("containers", s.program, s.arch, k, mods, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(containers)), cpio.Dir("box"), cpio.Dir("other"), cpio.Dir("other/bin"),
			cpio.Link("other/bin/sh", "busybox"),
		})
		return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: file}, err
	}))
}
