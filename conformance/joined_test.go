package conformance

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// joined is a configuration of containers on a network. Its supervisor has a network of its own.
const joined = `
state_directory = "$DIR/state"
[network.cars]
subnet = "10.20.0.0/24"
egress = ["network"]
[component.web]
command = ["/prog", "append", "/state/starts", "web", "print", "here is web", "greet", ":80", "web", "pause"]
ready = { socket = "tcp:0.0.0.0:80" }
stop_timeout = "0s"
recovery = { delay = "20ms" }
[component.web.container]
rootfs = "$DIR/root"
network = "cars"
address = "10.20.0.9"
ports = ["tcp:8080:80"]
mounts = [{ source = "$DIR", target = "/state" }]
[component.peer]
command = ["/prog", "append", "/state/starts", "peer", "print", "here is peer", "greet", ":81", "peer", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
stop_timeout = "0s"
recovery = { delay = "20ms" }
container = { rootfs = "$DIR/root", network = "cars", address = "10.20.0.8", bandwidth = { egress = "100Mbit" }, mounts = [{ source = "$DIR", target = "/state" }] }
[component.partner]
depends_on = ["web"]
command = ["/prog", "append", "/state/starts", "partner", "print", "here is partner", "greet", ":82", "partner", "fd", "3", "\n", "pause"]
ready = { fd = 3 }
stop_timeout = "0s"
recovery = { delay = "20ms" }
container = { rootfs = "$DIR/root", share = { with = "web", namespaces = ["net"] }, mounts = [{ source = "$DIR", target = "/state" }] }

[component.alone]
command = ["prog", "append", "$DIR/starts", "alone", "print", "here is alone", "fd", "3", "\n", "pause"]
ready = { fd = 3 }

[target.N]
depends_on = ["alone", "web", "peer", "partner"]
`

// networking are passages with them.
func networking() []passage {
	members := []string{"web", "peer", "partner"}
	list := []passage{
		{name: "join", before: at("idle"), do: command("activate", "N"), begun: turns("N"), after: reached, few: true},
		{name: "part", before: at("N"), do: command("activate", "idle"), begun: turns("idle"), after: parting, few: true},
		{name: "withdraw", before: func(w *world) {
			w.write("conf/o.toml", w.text(galleryText(joined)))
			w.types("apply")
			w.reach("N")
			text := joined[:strings.Index(joined, "[network.cars]")] + joined[strings.Index(joined, "[component.alone]"):]
			w.write("conf/o.toml", w.text(galleryText(strings.Replace(text, `, "web", "peer", "partner"`, "", 1))))
		}, do: command("apply"), begun: removed("web"), after: parting, few: true},
		{name: "drop", before: at("N"), do: command("restart", "web", "peer"), begun: moves("stopping", members...), after: reached, few: true},
	}
	for i := range list {
		list[i].config, list[i].wrap = joined, []string{"unshare", "--net"}
	}
	return list
}

func parting(w *world) {
	w.await("the end of the network", func() bool { return !strings.Contains(w.networked("links"), "br-cars") })
}

// reached asks every member for its name, where it is and at the port that is forwarded.
func reached(w *world) {
	w.networked("up", "lo")
	for address, name := range map[string]string{"10.20.0.9:80": "web", "10.20.0.8:81": "peer", "10.20.0.9:82": "partner", "127.0.0.1:8080": "web"} {
		if out := w.networked("call", address); !strings.HasPrefix(out, name+" ") {
			w.Errorf("%s is %s", address, out)
		}
	}
}

// networked runs the program of the tests in the network of the supervisor.
func (w *world) networked(args ...string) string {
	w.Helper()
	out, err := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(w.Keeper), "-n", filepath.Join(programs, "prog")}, args...)...).CombinedOutput()
	if err != nil {
		w.Errorf("%v: %v: %s", args, err, out)
	}
	return string(out)
}
