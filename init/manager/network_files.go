package manager

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/orderly-init/orderly/internal/durable"
	"github.com/orderly-init/orderly/netns"
)

// leases are the files with the leases of a network: of this boot, and of all.
func (j *joining) leases(directory string) []string {
	file := j.definition.Name + ".leases"
	paths := []string{filepath.Join(directory, file)}
	if j.lasting != "" {
		paths = append(paths, filepath.Join(j.lasting, file))
	}
	return paths
}

// leases are those of this boot, else those that outlasted the one before.
func (n *networks) leases(paths []string) []byte {
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil {
			return b
		}
	}
	return nil
}

// save keeps leases for the next manager, which must find them, and for the next boot, which should.
func (n *networks) save(paths []string, text []byte) error {
	for _, path := range paths[1:] {
		if err := durable.Save(path, text, 0o600); err != nil {
			n.complain("leases do not outlast the boot: " + err.Error())
		}
	}
	return durable.Save(paths[0], text, 0o600)
}

// files is the directory of what a member finds in its /etc.
func (n *networks) files(name string) string { return filepath.Join(n.directory, "members", name) }

// write writes what a member finds in its /etc, and returns where each is to be.
func (n *networks) write(j *joining, m *netns.Member) (map[string]string, error) {
	dir := n.files(m.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	host, _ := os.ReadFile("/etc/resolv.conf") // without one there are no name servers
	places := map[string]string{}
	for name, text := range map[string]string{
		"resolv.conf": netns.ResolvConf(&j.definition, string(host)),
		"hosts":       netns.Hosts(&j.definition, m, j.hostname),
		"hostname":    netns.Hostname(j.hostname),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
		places["/etc/"+name] = path
	}
	return places, nil
}

// addressText is the addresses of a member, for people.
func addressText(m *netns.Member) string {
	texts := make([]string, 0, len(m.Addresses))
	for _, a := range m.Addresses {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " ")
}
