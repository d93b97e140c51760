package netns

import (
	"fmt"
	"net/netip"
	"strings"
)

// ResolvConf is the text of a member's /etc/resolv.conf (resolv.conf(5)). In a network that does not answer names it
// is the Host's, less its name servers on the loopback, which are not the member's.
func ResolvConf(d *Definition, host string) string {
	var b strings.Builder
	if d.DNS {
		for _, s := range d.Subnets {
			fmt.Fprintln(&b, "nameserver", s.Gateway)
		}
		return b.String()
	}
	for line := range strings.Lines(host) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if a, err := netip.ParseAddr(at(words, 1)); words[0] == "nameserver" && (err != nil || a.IsLoopback()) {
			continue
		}
		b.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}

func at(words []string, n int) string {
	if n < len(words) {
		return words[n]
	}
	return ""
}

// Hosts is the text of a member's /etc/hosts (hosts(5)): itself, by its host name and by its name in the network.
func Hosts(d *Definition, m *Member, hostname string) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	names := hostname
	if name := label(m.Name); !strings.EqualFold(name, hostname) {
		names = strings.TrimSpace(names + " " + name)
	}
	for _, a := range m.Addresses {
		fmt.Fprintf(&b, "%s %s %s.%s\n", a, names, label(m.Name), d.Name)
	}
	return b.String()
}

// Hostname is the text of a member's /etc/hostname (hostname(5)).
func Hostname(name string) string { return name + "\n" }
