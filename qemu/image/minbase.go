package image

import (
	"fmt"
	"os"
	"strings"
)

// Minbase is a root file system of the host's own Debian and architecture, as mmdebstrap(1) installs it with maintainer scripts and
// all, with some packages more. It takes a minute, once, and needs root.
func (b *Builder) Minbase(packages ...string) (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	codename := ""
	for line := range strings.Lines(string(release)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			codename = name
		}
	}
	if codename == "" {
		return "", fmt.Errorf("%s has no VERSION_CODENAME: not Debian", "/etc/os-release")
	}
	tree := b.path("minbase-" + codename + "-" + strings.Join(packages, "-"))
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	b.say("installing Debian " + codename + " with " + strings.Join(packages, ", "))
	fresh := tree + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return "", err
	}
	if err := host("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--include="+strings.Join(packages, ","), codename, fresh); err != nil {
		return "", err
	}
	return tree, os.Rename(fresh, tree)
}
