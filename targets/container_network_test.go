package targets

import (
	"strings"
	"testing"
)

const joined = `
[network.cars]
bridge = "cars0"
subnet = "10.20.0.0/24"
[defaults.component]
command = ["/bin/a"]
container = { rootfs = "/srv/a" }
[component.camera.container]
network = "cars"
ports = ["tcp:8080:80"]
bandwidth = { egress = "1Mbit" }
[component.storage.container]
network = "cars"
[component.other]
[target.t]
`

// TestWhatChangesAMember: each change of a network or of how it is joined starts its members anew, and nobody else.
func TestWhatChangesAMember(t *testing.T) {
	t.Parallel()
	before := starts(t, joined)
	for _, tt := range []struct{ old, new string }{
		{`"cars0"`, `"cars1"`},
		{`"10.20.0.0/24"`, `"10.20.0.0/25"`},
		{`"10.20.0.0/24"`, `["10.20.0.0/24", "fd00::/64"]`},
		{"[defaults", "gateway = \"10.20.0.9\"\n[defaults"},
		{"[defaults", "nat = true\n[defaults"},
		{"[defaults", "routed = true\n[defaults"},
		{"[defaults", "dns = false\n[defaults"},
		{"[defaults", "mtu = 1400\n[defaults"},
		{"[defaults", "egress = []\n[defaults"},
		{"[component.storage.container]", "[component.storage.container]\negress = []"}, // all of the network goes by the firewall
		{"8080:80", "8080:81"},
		{"8080:80", "127.0.0.1:8080:80"},
		{"1Mbit", "2Mbit"},
		{"egress = \"1Mbit\"", "ingress = \"1Mbit\""},
		{"ports =", "address = \"10.20.0.5\"\nports ="},
		{"ports =", "aliases = [\"cam\"]\nports ="},
		{"ports =", "egress = [\"network:tcp:80\"]\nports ="},
	} {
		after := starts(t, strings.Replace(joined, tt.old, tt.new, 1))
		if after["camera"] == before["camera"] {
			t.Errorf("%s to %s: camera goes on", tt.old, tt.new)
		}
		if after["other"] != before["other"] {
			t.Errorf("%s to %s: other is started anew", tt.old, tt.new)
		}
	}
}

func starts(t *testing.T, text string) map[string]uint64 {
	t.Helper()
	c, problems := Load([]Source{{Path: "a.toml", Data: []byte(text)}})
	if problems.Fatal() {
		t.Fatal(problems)
	}
	all := map[string]uint64{}
	for i := range c.Components {
		all[c.Components[i].Name] = c.Components[i].Start
	}
	return all
}

// TestRulesAreShownAsTheyAreWritten is for `orderly show`.
func TestRulesAreShownAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"storage", "cam@left:tcp:80", "network:udp", "192.0.2.0/24:tcp:443", "192.0.2.7", "[fd00::/8]:icmp", "[fd00::1]:udp:53"} {
		e, what, _ := parseEgress(text)
		if what != "" || e.String() != text {
			t.Errorf("%s: %s %s", text, e, what)
		}
	}
	for _, text := range []string{"tcp:8080:80", "udp:192.0.2.1:53:5353", "tcp:[2001:db8::1]:80:80"} {
		p, what, _ := parseForward(text)
		if what != "" || p.String() != text {
			t.Errorf("%s: %s %s", text, p, what)
		}
	}
}
