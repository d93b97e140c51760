package container

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// join opens the namespaces of others that are entered, and makes sure that they are what they are taken for.
func (m *making) join() error {
	for _, j := range m.Join {
		fd, err := unix.Open(j.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != nil {
			return fmt.Errorf("namespace %s: open: %w", j.Path, err)
		}
		m.open = append(m.open, fd)
		kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
		if err != nil || uint64(kind) != j.Kind {
			return fmt.Errorf("namespace %s: is not one of the kind that it is to be", j.Path)
		}
		m.c.Enter = append(m.c.Enter, runtime.Namespace{Name: j.Path, FD: fd, Kinds: j.Kind})
	}
	return nil
}

// remapped is a detached mount of a volume with a map of its own. The namespace that says the map is needed for a moment.
func (m *making) remapped(v *Volume) (tree int, err error) {
	held, err := runtime.Hold(m.machine.host, v.UIDs, v.GIDs, false)
	if err != nil {
		return -1, fmt.Errorf("mount %s: %w", v.Target, err)
	}
	defer held.Close()
	mapped := runtime.IDMappedAlone
	if v.MapAll {
		mapped = runtime.IDMapped
	}
	if tree, err = mapped(v.Source, held.User); err != nil {
		return -1, fmt.Errorf("mount %s: %w", v.Target, err)
	}
	m.open = append(m.open, tree)
	return tree, nil
}
