package netns

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sysctl sets a kernel setting of the calling thread's network namespace, where it has not the value already. One
// that the kernel does not have is as good as set: what it would be for is not there.
func sysctl(name, value string) error {
	path := filepath.Join("/proc/sys", name)
	if is, err := os.ReadFile(path); err == nil && strings.Join(strings.Fields(string(is)), " ") == value {
		return nil
	}
	err := os.WriteFile(path, []byte(value), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sysctls sets several.
func sysctls(settings ...[2]string) error {
	for _, s := range settings {
		if err := sysctl(s[0], s[1]); err != nil {
			return err
		}
	}
	return nil
}

// forward lets the Host pass packets on, as far as the network needs it. It is never taken back: others may have
// come to rely on it.
func forward(d *Definition, ports bool) error {
	beyond := d.NAT || d.Routed || ports
	if d.has(true) && beyond {
		if err := sysctl("net/ipv4/ip_forward", "1"); err != nil {
			return err
		}
	}
	if d.has(true) && d.Filtered {
		if err := sysctl("net/ipv4/conf/"+d.Bridge+"/forwarding", "1"); err != nil {
			return err
		}
	}
	if d.has(false) && (beyond || d.Filtered) {
		return forward6()
	}
	return nil
}

// forward6 forwards IPv6, which has no setting per link that suffices. A host that forwards no longer hears router
// advertisements, so a link that did is told to hear them all the same (ip-sysctl.rst, accept_ra).
func forward6() error {
	const all = "/proc/sys/net/ipv6/conf/"
	if is, _ := os.ReadFile(all + "all/forwarding"); strings.TrimSpace(string(is)) == "1" {
		return nil
	}
	links, _ := filepath.Glob(all + "*/accept_ra")
	for _, path := range links {
		if is, _ := os.ReadFile(path); strings.TrimSpace(string(is)) == "1" {
			_ = os.WriteFile(path, []byte("2"), 0o644) // a link may go at any time
		}
	}
	return sysctl("net/ipv6/conf/all/forwarding", "1")
}
