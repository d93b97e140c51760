package container

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// mounts are what every container has, then what this one has: a volume on a usual place takes it.
func (m *making) mounts() error {
	if !m.Bare {
		m.c.Mounts, m.c.Links = m.usual(), usualLinks()
	}
	for _, v := range m.Volumes {
		one, err := v.mounting()
		if err != nil {
			return err
		}
		if one.Bind {
			if err := m.bound(&one); err != nil {
				return err
			}
		}
		m.place(one)
	}
	return nil
}

// place puts a mount where one of the usual ones is in its place, or behind all.
func (m *making) place(one runtime.Mounting) {
	for i := range m.c.Mounts {
		if m.c.Mounts[i].Target == one.Target {
			m.c.Mounts[i] = one
			return
		}
	}
	m.c.Mounts = append(m.c.Mounts, one)
}

// bound looks at what is bound: a file needs a file as its mount point.
func (m *making) bound(one *runtime.Mounting) (err error) {
	var st unix.Stat_t
	if err := unix.Stat(one.Source, &st); err != nil {
		return fmt.Errorf("mount %s: source %s: %w", one.Target, one.Source, err)
	}
	one.File = st.Mode&unix.S_IFMT != unix.S_IFDIR
	if m.c.Map && m.IDMapped && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		one.Tree, err = m.idmapped(one.Source)
	}
	return err
}

// devices are made, or where a user namespace may not make any bound from the machine's.
func (m *making) devices() error {
	var nodes []runtime.Node
	if !m.Bare {
		nodes = usualDevices()
		m.c.Devices = usualAccess()
	}
	nodes = append(nodes, m.Nodes...)
	for _, d := range m.Devices {
		n, err := nodeOf(d.Path)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
		m.c.Devices = append(m.c.Devices, accessOf(&n, d.Access+"m")) // to make it is not to use it
	}
	if !m.c.Map {
		m.c.Nodes = nodes
		return nil
	}
	for _, n := range nodes {
		m.c.Mounts = append(m.c.Mounts, runtime.Mounting{Source: n.Path, Target: n.Path, Bind: true, File: true})
	}
	return nil
}

// accessOf is what may be done with a device.
func accessOf(n *runtime.Node, access string) runtime.DeviceAccess {
	kind := byte('c')
	if n.Mode&unix.S_IFMT == unix.S_IFBLK {
		kind = 'b'
	}
	return runtime.DeviceAccess{Type: kind, Major: int64(n.Major), Minor: int64(n.Minor), Access: access}
}

// nodeOf is a device file of the machine's.
func nodeOf(path string) (runtime.Node, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return runtime.Node{}, fmt.Errorf("device %s: %w", path, err)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFCHR && kind != unix.S_IFBLK {
		return runtime.Node{}, fmt.Errorf("device %s: not a device", path)
	}
	return runtime.Node{Path: path, Mode: st.Mode, Major: unix.Major(uint64(st.Rdev)), Minor: unix.Minor(uint64(st.Rdev)), UID: int(st.Uid), GID: int(st.Gid)}, nil
}

// masks are those of every container, or its own.
func (m *making) masks() error {
	m.c.Masked, m.c.ReadOnly = m.machine.masked, m.machine.protected
	if m.Masked != nil {
		m.c.Masked = masksOf(m.Masked, m.root)
	}
	if m.ReadOnlies != nil {
		m.c.ReadOnly = masksOf(m.ReadOnlies, m.root)
	}
	return nil
}
