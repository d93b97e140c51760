package container

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// Machine is what a start must know of the machine beyond a runtime.Host: it is looked at once, for all containers.
type Machine struct {
	host              runtime.Host
	initramfs         bool // the root is the initramfs, which nothing can be pivoted away from
	masked, protected []runtime.Mask
}

// Survey looks at the machine.
func Survey(h runtime.Host) *Machine {
	return &Machine{host: h, initramfs: initramfs(), masked: masksOf(UsualMasked(), nil), protected: masksOf(UsualReadOnly(), nil)}
}

// initramfs asks for the type of the root's file system, and only where that can be it for its name.
func initramfs() bool {
	var st unix.Statfs_t
	if err := unix.Statfs("/", &st); err != nil || uint32(st.Type) != unix.TMPFS_MAGIC && uint32(st.Type) != unix.RAMFS_MAGIC {
		return false
	}
	b, err := os.ReadFile("/proc/self/mounts")
	return err == nil && strings.HasPrefix(string(b), "rootfs / rootfs ")
}

// masksOf finds out what is a directory: of /proc and /sys by those of the machine, which are of the same kernel.
func masksOf(paths []string, other func(path string) bool) []runtime.Mask {
	list := make([]runtime.Mask, 0, len(paths))
	for _, p := range paths {
		is := other
		if is == nil || strings.HasPrefix(p, "/proc/") || strings.HasPrefix(p, "/sys/") {
			is = directory
		}
		list = append(list, runtime.Mask{Path: p, Directory: is(p)})
	}
	return list
}

func directory(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// present are the masks without files that are not there now: what is made to mask one in vain is expensive, since the kernel waits for all
// processors before it takes a mount apart.
func (m *Machine) present() []runtime.Mask {
	list := make([]runtime.Mask, 0, len(m.masked))
	for _, one := range m.masked {
		if one.Directory || unix.Access(one.Path, unix.F_OK) == nil {
			list = append(list, one)
		}
	}
	return list
}
