package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/orderly-init/orderly/qemu/debian"
)

// wanted are the packages of the root disk; what they depend on comes with them.
func wanted() []string {
	return []string{"base-files", "busybox-static", "chrony", "dropbear-bin", "e2fsprogs", "iproute2", "nginx-light"}
}

// packages are those of the root disk.
func (b *Builder) packages(a Arch) (string, error) { return b.Packages(a, wanted()...) }

// Packages fetches and extracts packages with all that they depend on, unless they are there, and returns the tree.
func (b *Builder) Packages(a Arch, names ...string) (string, error) {
	sum := sha256.Sum256([]byte(strings.Join(names, " ")))
	tree := b.path("packages-" + a.Debian + "-" + hex.EncodeToString(sum[:4]))
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	b.say("fetching Debian's packages for " + a.Debian)
	apt, err := b.apt(a)
	if err != nil {
		return "", err
	}
	debs, err := apt.Resolve(names...)
	if err != nil {
		return "", err
	}
	if err := skeleton(tree + ".new"); err != nil {
		return "", err
	}
	for _, d := range debs {
		if err := debian.Extract(d, tree+".new", kept); err != nil {
			return "", err
		}
	}
	return tree, os.Rename(tree+".new", tree)
}

// kept leaves out what a small machine has no use for.
func kept(path string) bool {
	for _, dir := range []string{
		"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian", "usr/share/bug",
		"usr/share/bash-completion", "usr/share/common-licenses", "usr/lib/systemd", "etc/init.d", "etc/systemd",
		"run", "var/run", "var/lock",
	} {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return false
		}
	}
	return true
}

// skeleton makes an empty tree with a merged /usr, in place of one that was left half done.
func skeleton(tree string) error {
	if err := os.RemoveAll(tree); err != nil {
		return err
	}
	for _, dir := range []string{
		"usr/bin", "usr/sbin", "usr/lib", "etc", "proc", "sys", "dev", "run", "tmp", "root", "data", "var/lib", "var/log",
	} {
		if err := os.MkdirAll(filepath.Join(tree, dir), 0o755); err != nil {
			return err
		}
	}
	for _, dir := range []string{"bin", "sbin", "lib"} {
		if err := os.Symlink("usr/"+dir, filepath.Join(tree, dir)); err != nil {
			return err
		}
	}
	if err := os.Symlink("/run", filepath.Join(tree, "var/run")); err != nil {
		return fmt.Errorf("make the tree: %w", err)
	}
	return os.Chmod(filepath.Join(tree, "tmp"), 0o1777)
}
