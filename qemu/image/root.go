package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/orderly-init/orderly/qemu/debian"
)

// Root builds the root disk: Debian's packages, modules, Orderly for the architecture program, and the configuration
// of a folder of configs/, whose files/ are laid over the tree. It is built again only when one of these changed.
func (b *Builder) Root(program string, a Arch, k debian.Kernel, config string) (string, error) {
	packages, err := b.packages(a)
	if err != nil {
		return "", err
	}
	orderly, err := b.Binary("init", program)
	if err != nil {
		return "", err
	}
	agent, err := b.Binary("qemu/agent", a.Go)
	if err != nil {
		return "", err
	}
	key, err := b.Key()
	if err != nil {
		return "", err
	}
	source := filepath.Join(b.repo, "configs", config)
	disk := b.path("root-" + config + "-" + a.flavour + "-" + program + ".ext4")
	stamp, err := digest(packages+k.Version+strings.Join(rootModules(), " "), orderly, agent, key+".pub", source)
	if err != nil || built(disk, stamp) {
		return disk, err
	}
	b.say("building the root disk")
	tree := b.path("tree")
	steps := []func() error{
		func() error { return copyTree(packages, tree) },
		func() error { return rootModulesInto(tree, k) },
		func() error { return configInto(tree, source) },
		func() error { return install(tree, "usr/sbin/orderly", orderly) },
		func() error { return install(tree, "usr/sbin/agent", agent) },
		func() error { return os.Symlink("orderly", filepath.Join(tree, "usr/sbin/init")) },
		func() error { return authorize(tree, key+".pub") },
		func() error { return busyboxLinks(tree) },
		func() error { return makeDisk(tree, disk, "orderly-root", 400) },
		func() error { return os.RemoveAll(tree) },
		func() error { return os.WriteFile(disk+".stamp", []byte(stamp), 0o644) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return "", fmt.Errorf("build the root disk: %w", err)
		}
	}
	return disk, nil
}

// Data builds the data disk.
func (b *Builder) Data() (string, error) {
	disk, tree := b.path("data.ext4"), b.path("data")
	if built(disk, "1") {
		return disk, nil
	}
	if err := errors.Join(os.RemoveAll(tree), os.MkdirAll(tree, 0o755)); err != nil {
		return "", err
	}
	if err := makeDisk(tree, disk, "orderly-data", 64); err != nil {
		return "", fmt.Errorf("build the data disk: %w", err)
	}
	return disk, os.WriteFile(disk+".stamp", []byte("1"), 0o644)
}

// Key makes the key pair that may log in as root, unless it is there, and returns the private file.
func (b *Builder) Key() (string, error) {
	key := b.path("ssh-key")
	if _, err := os.Stat(key); err == nil {
		return key, nil
	}
	return key, host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "orderly", "-f", key)
}
