package container

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// lay says what becomes the root.
func (m *making) lay() (err error) {
	r := &runtime.Root{Path: m.Root, ReadOnly: m.ReadOnly, Propagation: m.Propagation, Move: m.machine.initramfs}
	m.c.Root = r
	if m.c.Map { // it has no devices but those that are bound, and there may be no filter
		r.Set = unix.MOUNT_ATTR_NODEV
	}
	if m.c.Map && m.IDMapped {
		if r.Tree, err = m.idmapped(m.Root); err != nil {
			return err
		}
	}
	switch m.Overlay {
	case "":
	case "tmpfs":
		r.Overlay = &runtime.Overlay{Scratch: m.Scratch, Data: "mode=0755,uid=0,gid=0", User: m.c.Map}
		if m.OverlaySize != 0 {
			r.Overlay.Data += fmt.Sprintf(",size=%d", m.OverlaySize)
		}
		return os.MkdirAll(m.Scratch, 0o755)
	default:
		r.Overlay = &runtime.Overlay{Directory: m.Overlay, User: m.c.Map}
		return m.layers()
	}
	return nil
}

// layers makes the directories of an overlay that lasts; the root of a user namespace owns them.
func (m *making) layers() error {
	for _, dir := range []string{"upper", "work"} {
		dir = filepath.Join(m.Overlay, dir)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("overlay: %w", err)
		}
		if m.c.Map {
			if err := os.Lchown(dir, outside(m.UIDs), outside(m.GIDs)); err != nil {
				return fmt.Errorf("overlay: %w", err)
			}
		}
	}
	return nil
}

// outside is who root of a user namespace is to the machine.
func outside(maps []runtime.IDMap) int {
	for _, m := range maps {
		if m.Inside == 0 {
			return int(m.Outside)
		}
	}
	return -1
}

func (m *making) idmapped(path string) (int, error) {
	tree, err := runtime.IDMapped(path, m.held.User)
	if err == nil {
		m.open = append(m.open, tree)
	}
	return tree, err
}
