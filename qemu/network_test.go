package qemu

import (
	"strings"
	"testing"

	"github.com/orderly-init/orderly/netns"
	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// networked is a machine with two networks of containers. No module is named that networks need: they are loaded when
// the first one is made.
const networked = `
initial_target = "main"
[system]
modules = ["virtio_pci", "virtio_console"]
[defaults.component]
stop_timeout = "2s"
recovery = { attempts = 2, delay = "10ms" }
[component.agent]
command = ["/sbin/agent"]
[network.cars]
bridge = "cars0"
subnet = ["10.20.0.0/24", "fd00:20::/64"]
nat = true
[network.walls]
subnet = "10.21.0.0/24"
[template.member.container]
rootfs = "/box"
mounts = [{ source = "/bin", target = "/bin", options = "ro" }, { source = "tmpfs", target = "/www", type = "tmpfs" }]
network = "cars"
[template.server]
template = "member"
command = ["/bin/sh", "-c", "echo I am $(hostname) > /www/index.html; exec httpd -f -p 80 -h /www"]
ready = { socket = "tcp:127.0.0.1:80" }
[component.web]
template = "server"
container = { address = ["10.20.0.9", "fd00:20::9"], ports = ["tcp:8080:80"], bandwidth = { egress = "100Mbit", ingress = "100Mbit" } }
[component.client]
template = "member"
kind = "oneshot"
depends_on = ["web"]
command = ["/bin/sh", "-c", "wget -qO- http://web/; wget -qO- http://web.cars/; wget -qO- 'http://[fd00:20::9]/'; cat /etc/resolv.conf"]
[component.peer]
template = "member"
command = ["/bin/sleep", "100000"]
[component.mapped]
template = "member"
command = ["/bin/sleep", "100000"]
container = { namespaces = ["user", "pid", "mount", "uts", "ipc", "net", "cgroup"], idmapped = false }
[component.inner]
template = "member"
command = ["/bin/sleep", "100000"]
container = { network = "walls", egress = ["outer:tcp:80"] }
[component.outer]
template = "server"
container.network = "walls"
[component.third]
template = "server"
container.network = "walls"
[target.main]
depends_on = ["agent", "web", "client", "peer", "mapped", "inner", "outer", "third"]
`

// TestNetworks joins containers on each architecture's own kernel: by name, by a forwarded port, by rules.
func TestNetworks(t *testing.T) {
	for _, s := range []system{{"arm64", "arm64", image.ARM64()}, {"armv7", "arm", image.ARM()}} {
		t.Run(s.name, func(t *testing.T) {
			m := bootNetworked(t, s)
			m.reaches("main")
			log := m.run("orderly", "log", "client")
			if strings.Count(log, "I am web") != 3 || !strings.Contains(log, "nameserver 10.20.0.1") {
				t.Errorf("client:\n%s", log)
			}
			m.reachable()
			m.sh("kill -9 $(pidof orderly-manager)")
			m.sh("until orderly status >/dev/null 2>&1; do usleep 10000; done")
			m.reachable()
			m.run("orderly", "stop", "web", "peer", "mapped", "inner", "outer", "third")
			m.sh("while test -e /sys/class/net/cars0 -o -e /sys/class/net/br-walls; do usleep 10000; done")
			if links := m.sh("ls /sys/class/net"); strings.Contains(links, "ve-") {
				t.Errorf("links are left: %s", links)
			}
			if log := m.run("orderly", "log", "orderly"); strings.Contains(log, "rules ") || strings.Contains(log, "veth ") {
				t.Errorf("a step of a network failed:\n%s", log)
			}
			m.powerOff()
		})
	}
}

// reachable checks who reaches whom.
func (m machine) reachable() {
	m.t.Helper()
	const web, outer, third = "I am web\n", "I am outer\n", "I am third\n"
	for _, c := range []struct{ from, url, want string }{
		{"", "http://127.0.0.1:8080/", web}, {"peer", "http://web/", web}, {"peer", "http://10.20.0.1:8080/", web}, {"mapped", "http://web/", web},
		{"inner", "http://outer/", outer}, {"outer", "http://third/", third}, {"inner", "http://third/", ""}, {"peer", "http://10.21.0.1/", ""},
		{"outer", "http://10.20.0.9/", ""},
	} {
		command := []string{"/bin/sh", "-c", "wget -qO- " + c.url}
		if c.from != "" {
			command = append([]string{"orderly", "enter", c.from}, command...)
		}
		r := m.try(command...)
		if r.Out != c.want || (r.Exit == 0) != (c.want != "") {
			m.t.Errorf("%s from %q: exit %d, %q, %s; want %q", c.url, c.from, r.Exit, r.Out, r.Err, c.want)
		}
	}
}

func bootNetworked(t *testing.T, s system) machine {
	t.Helper()
	return boot(t, build(t, func(b *image.Builder) (guest.Options, error) {
		k, err := b.Kernel(s.arch)
		if err != nil {
			return guest.Options{}, err
		}
		mods := append([]string{"virtio_pci", "virtio_console", "overlay"}, netns.Modules()...)
		file, err := b.Memory("networked", s.program, s.arch, k, mods, []cpio.Entry{
			cpio.File("etc/orderly/test.toml", 0o644, []byte(networked)), cpio.Dir("box"), cpio.Dir("box/etc"),
		})
		return guest.Options{Machine: s.arch.Machine(), Kernel: k.Image, Initrd: file}, err
	}))
}
