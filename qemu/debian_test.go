package qemu

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/qemu/guest"
	"github.com/orderly-init/orderly/qemu/image"
)

// debianRoot is a root file system of Debian as a container, three times: as it is, with ids of its own, and to be looked at by its own
// tools.
const debianRoot = `
[log]
directory = "DIR/log"
[defaults.component]
recovery = { attempts = 0, then = "stop" }
[template.web]
command = ["nginx", "-g", "daemon off;"]
ready = { http = "http://127.0.0.1:80/" }
stop_signal = "QUIT"
[template.web.container]
rootfs = "ROOT"
overlay = "tmpfs"
[component.web]
template = "web"
[component.mapped]
template = "web"
container.namespaces = ["user", "pid", "mount", "net", "uts", "ipc", "cgroup"]
[component.tools]
kind = "oneshot"
command = ["sh", "-c", "dpkg --audit && apt-get check && su -s /bin/sh www-data -c 'id -un' && perl -e 'print \"perl works\\n\"'"]
container = { rootfs = "ROOT", overlay = "tmpfs" }
[target.main]
depends_on = ["web", "mapped", "tools"]
`

// TestDebianRoot runs nginx of an unmodified Debian minbase root, on this machine.
func TestDebianRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	var orderly, root string
	build(t, func(b *image.Builder) (_ struct{}, err error) {
		if orderly, err = b.Binary("init", goruntime.GOARCH); err == nil {
			root, err = b.Minbase("nginx-light")
		}
		return struct{}{}, err
	})
	dir := t.TempDir()
	config := filepath.Join(dir, "o.toml")
	text := strings.NewReplacer("DIR", dir, "ROOT", root).Replace(debianRoot)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "c.sock")
	daemon := exec.Command(orderly, "run", "--config", config, "--control", socket)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer daemon.Wait()
	defer daemon.Process.Signal(unix.SIGTERM)
	ask := func(args ...string) string {
		out, err := exec.Command(orderly, append([]string{"--control", socket}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("orderly %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // until it listens
		if _, err := os.Stat(socket); err == nil || time.Now().After(end) {
			break
		}
	}
	ask("wait", "main", "--timeout", "60s")
	if log := ask("log", "tools"); !strings.Contains(log, "tools: www-data") || !strings.Contains(log, "perl works") {
		t.Errorf("tools:\n%s", log)
	}
	for _, name := range []string{"web", "mapped"} {
		out := ask("enter", name, "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; head -1 <&3; id -u`)
		if out != "HTTP/1.1 200 OK\r\n0\n" {
			t.Errorf("%s: %q", name, out)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "run/nginx.pid")); err == nil {
		t.Error("the root was written to")
	}
}

// TestDebianInGuest runs nginx of Debian's packages for arm64 in a container, of a root that is a disk of its own.
func TestDebianInGuest(t *testing.T) {
	set := example(t, "arm64", image.ARM64())
	mods := []string{"virtio_pci", "virtio_console", "virtio_blk", "overlay"}
	o := memoryOptions(t, image.ARM64(), "debian", mods, fmt.Sprintf(`
initial_target = "main"
[system]
modules = ["%s"]
[[system.mounts]]
source = "/dev/vda"
target = "/srv"
type = "ext4"
options = "ro"
[component.agent]
command = ["/sbin/agent"]
[component.page]
kind = "oneshot"
command = ["/bin/sh", "-c", "mkdir -p /run/www; echo served from inside > /run/www/index.html"]
[component.web]
depends_on = ["page"]
recovery = { attempts = 0, then = "stop" }
command = ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"]
ready = { http = "http://127.0.0.1:80/" }
stop_signal = "QUIT"
container = { rootfs = "/srv", overlay = "tmpfs", mounts = [{ source = "/run/www", target = "/data/www", options = "ro" }] }
[target.main]
depends_on = ["agent", "web"]
`, strings.Join(mods, `", "`)))
	o.Disks = []guest.Disk{{File: set.Root}}
	m := boot(t, o)
	m.reaches("main")
	if c := m.component("web"); c.State != "ready" {
		t.Fatalf("web is %+v\n%s", c, m.run("orderly", "log", "web"))
	}
	if out := m.run("orderly", "enter", "web", "/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1/"); out != "served from inside\n" {
		t.Errorf("its page: %q", out)
	}
	m.run("orderly", "stop", "web")
	m.powerOff()
}
