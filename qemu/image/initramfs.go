package image

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/debian"
	"github.com/orderly-init/orderly/qemu/modules"
)

// Stage1 builds the initramfs that switches to the root disk.
func (b *Builder) Stage1(a Arch, k debian.Kernel) (string, error) {
	init, err := b.Binary("qemu/stage1", a.Go)
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(init)
	if err != nil {
		return "", err
	}
	drivers, err := loaded(k, "virtio_pci", "virtio_blk", "ext4", "virtio_console")
	if err != nil {
		return "", err
	}
	entries := slices.Concat([]cpio.Entry{cpio.Device("dev/console", 0o600, 5, 1), cpio.File("init", 0o755, program)}, drivers)
	return b.archive("stage1-"+a.flavour+".cpio", entries)
}

// loaded are the entries from which stage1 loads modules.
func loaded(k debian.Kernel, names ...string) ([]cpio.Entry, error) {
	files, err := moduleFiles(k, names...)
	if err != nil {
		return nil, err
	}
	var entries []cpio.Entry
	var list strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(k.Modules(), f))
		if err != nil {
			return nil, err
		}
		name := "modules.d/" + filepath.Base(f)
		entries = append(entries, cpio.File(name, 0o644, data))
		fmt.Fprintln(&list, "/"+name)
	}
	return append(entries, cpio.File("modules", 0o644, []byte(list.String()))), nil
}

// Memory builds an initramfs in which Orderly itself is the init: a whole system without a disk. It has busybox, the
// agent, the modules that are named with all that they need, and the entries that are given. GOARCH of the programs is
// program: the 64-bit kernel runs armv7 ones too.
func (b *Builder) Memory(name, program string, a Arch, k debian.Kernel, mods []string, entries []cpio.Entry) (string, error) {
	all, err := b.basics(program, a)
	if err != nil {
		return "", err
	}
	tree, err := moduleTree(k, mods)
	if err != nil {
		return "", err
	}
	return b.archive(name+".cpio", slices.Concat(all, tree, entries))
}

// basics are the programs of a system without packages: Orderly for the architecture program, the agent, busybox.
func (b *Builder) basics(program string, a Arch) ([]cpio.Entry, error) {
	orderly, err := b.Binary("init", program)
	if err != nil {
		return nil, err
	}
	agent, err := b.Binary("qemu/agent", a.Go)
	if err != nil {
		return nil, err
	}
	packages, err := b.packages(a)
	if err != nil {
		return nil, err
	}
	all := []cpio.Entry{
		cpio.Device("dev/console", 0o600, 5, 1), cpio.Link("init", "sbin/orderly"), cpio.Link("sbin/init", "orderly"),
		cpio.Dir("proc"), cpio.Dir("sys"), cpio.Dir("run"), cpio.Dir("tmp"), cpio.Dir("etc"), cpio.Dir("root"),
	}
	for _, f := range []struct{ to, from string }{
		{"sbin/orderly", orderly}, {"sbin/agent", agent}, {"bin/busybox", filepath.Join(packages, "usr/bin/busybox")},
	} {
		data, err := os.ReadFile(f.from)
		if err != nil {
			return nil, err
		}
		all = append(all, cpio.File(f.to, 0o755, data))
	}
	for _, applet := range applets() {
		all = append(all, cpio.Link("bin/"+applet, "busybox"))
	}
	return all, nil
}

// SmallRoot builds a root disk of such a system with the entries that are given, which stage1 boots from.
func (b *Builder) SmallRoot(name, program string, a Arch, entries []cpio.Entry) (string, error) {
	all, err := b.basics(program, a)
	if err != nil {
		return "", err
	}
	tree, disk := b.path("small-tree"), b.path(name+".ext4")
	if err := os.RemoveAll(tree); err != nil {
		return "", err
	}
	for _, e := range slices.Concat(all, []cpio.Entry{cpio.Dir("dev"), cpio.Dir("var")}, entries) {
		if err := extract(e, tree); err != nil {
			return "", err
		}
	}
	return disk, makeDisk(tree, disk, "orderly-root", 48)
}

// applets are the names that busybox gets in a system without packages.
func applets() []string {
	return []string{
		"cat", "chmod", "cp", "date", "dd", "echo", "env", "false", "grep", "head", "hostname", "id", "ip", "kill", "ln", "ls", "mkdir",
		"mknod", "mount", "mv", "nc", "pidof", "ps", "readlink", "rm", "rmdir", "sed", "sh", "sha256sum", "sleep", "stat", "sync", "tail",
		"touch", "true", "tty", "umount", "uname", "usleep", "wc",
	}
}

func moduleFiles(k debian.Kernel, names ...string) ([]string, error) {
	index, err := modules.Read(k.Modules())
	if err != nil {
		return nil, err
	}
	return index.Files(names...)
}

// moduleTree is lib/modules with the named modules and the index of the whole kernel: entries of modules that are not
// there do no harm.
func moduleTree(k debian.Kernel, names []string) ([]cpio.Entry, error) {
	if len(names) == 0 {
		return nil, nil
	}
	files, err := moduleFiles(k, names...)
	if err != nil {
		return nil, err
	}
	files = append(files, "modules.dep", "modules.softdep", "modules.alias", "modules.builtin")
	slices.Sort(files)
	var tree []cpio.Entry
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(k.Modules(), f))
		if err != nil {
			return nil, err
		}
		tree = append(tree, cpio.File(filepath.Join("lib/modules", k.Version, f), 0o644, data))
	}
	return tree, nil
}

// archive writes an archive into the build directory, in place of an older one that a guest may still read.
func (b *Builder) archive(name string, entries []cpio.Entry) (string, error) {
	var out bytes.Buffer
	if err := cpio.Write(&out, entries); err != nil {
		return "", err
	}
	path := b.path(name)
	if err := os.WriteFile(path+".new", out.Bytes(), 0o644); err != nil {
		return "", err
	}
	return path, os.Rename(path+".new", path)
}
