package image

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/qemu/cpio"
	"github.com/orderly-init/orderly/qemu/debian"
)

// rootModules are the kernel modules on the root disk: those of the example, and those that tests of containers and
// networks use.
func rootModules() []string {
	return []string{
		"nvme", "virtio_net", "softdog", "loop", "overlay", "squashfs", "veth", "bridge", "dummy", "nf_tables", "nft_masq",
		"nft_chain_nat", "nft_ct", "tun", "fuse", "dm_mod", "vfat", "tcp_diag", "udp_diag", "unix_diag",
	}
}

// copyTree copies a tree, as hard links: the files are only read, and replaced where they change.
func copyTree(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return host("cp", "-al", from, to)
}

func install(tree, name, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return place(filepath.Join(tree, name), data, 0o755)
}

// place writes a file in place of what is there, which may be a link into another tree.
func place(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, data, mode)
}

func rootModulesInto(tree string, k debian.Kernel) error {
	files, err := moduleFiles(k, rootModules()...)
	if err != nil {
		return err
	}
	dir := filepath.Join(tree, "usr/lib/modules", k.Version)
	for _, f := range slices.Concat(files, []string{"modules.order", "modules.builtin", "modules.builtin.modinfo"}) {
		if err := install(dir, f, filepath.Join(k.Modules(), f)); err != nil {
			return err
		}
	}
	return debian.Depmod(tree, k.Version)
}

// configInto lays the *.toml of a configuration into /etc/orderly and its files/ over the tree; what begins with
// "#!" is a program.
func configInto(tree, source string) error {
	return filepath.WalkDir(source, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, _ := filepath.Rel(source, path)
		to, isFile := strings.CutPrefix(name, "files/")
		if !isFile && !strings.HasSuffix(name, ".toml") {
			return nil
		}
		if !isFile {
			to = filepath.Join("etc/orderly", name)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(data, []byte("#!")) {
			mode = 0o755
		}
		return place(filepath.Join(tree, to), data, mode)
	})
}

// authorize lets the holder of a key log in as root. Dropbear wants the directories to be root's alone.
func authorize(tree, key string) error {
	data, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	file := filepath.Join(tree, "root/.ssh/authorized_keys")
	if err := place(file, data, 0o600); err != nil {
		return err
	}
	return errors.Join(os.Chmod(filepath.Dir(file), 0o700), os.Chmod(filepath.Join(tree, "root"), 0o700))
}

// busyboxLinks gives busybox the names that no package brings. The kernel calls /sbin/modprobe for what it needs
// itself (/proc/sys/kernel/modprobe).
func busyboxLinks(tree string) error {
	names := slices.Concat(applets(), []string{
		"awk", "blkid", "clear", "cut", "df", "dmesg", "du", "find", "free", "ifconfig", "less", "logger", "lsmod", "more",
		"pgrep", "ping", "reset", "rmmod", "route", "seq", "sort", "stty", "syslogd", "test", "top", "tr", "udhcpc", "uniq",
		"uptime", "vi", "watch", "wget", "which", "whoami", "xargs",
	})
	for _, name := range names {
		if exists(tree, "usr/bin/"+name) || exists(tree, "usr/sbin/"+name) {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(tree, "usr/bin", name)); err != nil {
			return err
		}
	}
	return os.Symlink("../bin/busybox", filepath.Join(tree, "usr/sbin/modprobe"))
}

// extract makes a file of an archive below a directory, unless it is a device (inode(7)).
func extract(e cpio.Entry, tree string) error {
	name, mode := filepath.Join(tree, e.Name), fs.FileMode(e.Mode&0o777)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch e.Mode >> 12 {
	case 0o04:
		return os.MkdirAll(name, mode)
	case 0o12:
		return os.Symlink(string(e.Data), name)
	case 0o10:
		return os.WriteFile(name, e.Data, mode)
	}
	return nil
}

func exists(tree, name string) bool {
	_, err := os.Lstat(filepath.Join(tree, name))
	return err == nil
}
