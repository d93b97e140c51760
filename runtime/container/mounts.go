package container

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// mounts are what every container has, then what this one has: a volume on a usual place takes it.
func (m *making) mounts() error {
	if !m.Bare {
		m.c.Mounts, m.c.Links = m.usual(), append(UsualLinks(), m.Links...)
	}
	for _, v := range m.Volumes {
		one, err := v.mounting()
		if err != nil {
			return err
		}
		switch {
		case one.Bind:
			err = m.bound(&one, &v)
		case v.Copied:
			err = m.copied(&one)
		}
		if err != nil {
			return err
		}
		m.place(one)
	}
	return nil
}

// place puts a mount where one of the usual ones is in its place, or behind all.
func (m *making) place(one runtime.Mounting) {
	if m.Bare {
		m.c.Mounts = append(m.c.Mounts, one)
		return
	}
	for i := range m.c.Mounts {
		if m.c.Mounts[i].Target == one.Target {
			m.c.Mounts[i] = one
			return
		}
	}
	m.c.Mounts = append(m.c.Mounts, one)
}

// bound looks at what is bound: a file needs a file as its mount point.
func (m *making) bound(one *runtime.Mounting, v *Volume) (err error) {
	var st unix.Stat_t
	if err := unix.Stat(one.Source, &st); err != nil {
		return fmt.Errorf("mount %s: source %s: %w", one.Target, one.Source, err)
	}
	one.File = st.Mode&unix.S_IFMT != unix.S_IFDIR
	if m.c.Map && !one.File && one.Clear&unix.MOUNT_ATTR_NODEV == 0 {
		one.Set |= unix.MOUNT_ATTR_NODEV
	}
	if v.UIDs != nil {
		one.Tree, err = m.remapped(v)
		return err
	}
	if m.c.Map && m.IDMapped && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		one.Tree, err = m.idmapped(one.Source)
	}
	return err
}

// devices are made, or where a user namespace may not make any bound from the machine's.
func (m *making) devices() (err error) {
	var nodes []runtime.Node
	if !m.Bare {
		nodes = UsualDevices()
		m.c.Devices = UsualAccess()
	}
	m.c.Devices = append(m.c.Devices, m.Access...)
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
		m.c.Nodes, err = m.missing(nodes)
		return err
	}
	for _, n := range nodes {
		if own, err := nodeOf(n.Path); err == nil && (own.Major != n.Major || own.Minor != n.Minor || own.Mode&unix.S_IFMT != n.Mode&unix.S_IFMT) {
			return fmt.Errorf("device %s: the machine has another one there, and a user namespace may make none", n.Path)
		}
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
	m.c.Masked, m.c.ReadOnly = m.machine.present(), m.machine.protected
	if m.Masked != nil {
		m.c.Masked = masksOf(m.Masked, m.looked)
	}
	if m.ReadOnlies != nil {
		m.c.ReadOnly = masksOf(m.ReadOnlies, m.looked)
	}
	return nil
}

// missing are the devices that are not in the root already, where nothing is mounted over them.
func (m *making) missing(nodes []runtime.Node) (list []runtime.Node, err error) {
	for _, n := range nodes {
		covers := func(one runtime.Mounting) bool { return strings.HasPrefix(n.Path, one.Target+"/") }
		st, err := m.root.stat(n.Path)
		switch {
		case err != nil || slices.ContainsFunc(m.c.Mounts, covers):
			list = append(list, n)
		case st.Mode&unix.S_IFMT != n.Mode&unix.S_IFMT || n.Mode&unix.S_IFMT != unix.S_IFIFO && st.Rdev != unix.Mkdev(n.Major, n.Minor):
			return nil, fmt.Errorf("device %s: something else is in the root there", n.Path)
		}
	}
	return list, nil
}

// looked is whether a path is a directory once all is mounted.
func (m *making) looked(name string) bool {
	for _, one := range slices.Backward(m.c.Mounts) {
		if one.Target == name {
			return !one.File
		}
	}
	st, err := m.stat(name)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}
