package container

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// Make completes a Spec: what it has as its Path is the command by its name, as its Container nothing.
func (k *kind) Make(s *runtime.Spec) (open []int, err error) {
	m := &making{kind: k, spec: s, c: &runtime.Container{
		Namespaces: k.Kinds &^ unix.CLONE_NEWUSER, Enter: k.Enter, Hostname: k.Hostname, Domain: k.Domain, Settings: k.Settings,
		Links: k.Links, Loopback: k.Kinds&unix.CLONE_NEWNET != 0,
	}}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if m.root, err = openRoot(k.Root); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	defer m.root.close()
	for _, step := range []func() error{m.who, m.first, m.offsets, m.join, m.user, m.lay, m.mounts, m.devices, m.masks} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.Container = m.c
	return m.open, nil
}

// making is one Make under way.
type making struct {
	*kind
	spec *runtime.Spec
	c    *runtime.Container
	root *root
	held runtime.Held
	open []int
}

func (m *making) close() {
	for _, fd := range m.open {
		unix.Close(fd)
	}
}

// who finds the program and the user in the root.
func (m *making) who() (err error) {
	if m.spec.Path, err = program(m.spec.Path, lookup(m.spec.Env, "PATH"), m.stat); err != nil {
		return fmt.Errorf("exec %s: %w", m.spec.Args[0], err)
	}
	if m.Account == nil {
		return nil
	}
	c, err := m.root.account(*m.Account)
	if err != nil {
		return err
	}
	m.spec.Credential = &c
	return nil
}

// stat is what a path will be in the container: of the root, or of what is bound into it.
func (m *making) stat(name string) (unix.Stat_t, error) {
	for _, v := range slices.Backward(m.Volumes) {
		below, is := strings.CutPrefix(name, v.Target)
		if !is || !path.IsAbs(v.Source) || below != "" && below[0] != '/' {
			continue
		}
		r, err := openRoot(v.Source)
		if err != nil {
			continue // a file, or nothing
		}
		defer r.close()
		return r.stat("." + below)
	}
	return m.root.stat(name)
}

func lookup(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// first makes the init, where one is asked for.
func (m *making) first() (err error) {
	if !m.Init {
		return nil
	}
	if m.c.Init, err = runtime.Stub(); err == nil {
		m.open = append(m.open, m.c.Init)
	}
	return err
}

func (m *making) offsets() error {
	if m.Monotonic != 0 {
		m.c.Offsets = append(m.c.Offsets, runtime.Offset{Clock: "monotonic", By: int64(m.Monotonic)})
	}
	if m.Boottime != 0 {
		m.c.Offsets = append(m.c.Offsets, runtime.Offset{Clock: "boottime", By: int64(m.Boottime)})
	}
	return nil
}

// user makes the user namespace, and with it the network namespace: that is to belong to it.
func (m *making) user() error {
	if m.Kinds&unix.CLONE_NEWUSER == 0 {
		return nil
	}
	net := m.Kinds&unix.CLONE_NEWNET != 0
	held, err := runtime.Hold(m.machine.host, m.UIDs, m.GIDs, net)
	if err != nil {
		return err
	}
	m.held, m.open = held, append(m.open, held.User)
	m.c.Enter = append(m.c.Enter, runtime.Namespace{Name: "user", FD: held.User, Kinds: unix.CLONE_NEWUSER})
	m.c.Map = true
	if net { // which is the user namespace's own
		m.open = append(m.open, held.Net)
		m.c.Enter = append(m.c.Enter, runtime.Namespace{Name: "net", FD: held.Net, Kinds: unix.CLONE_NEWNET})
		m.c.Namespaces &^= unix.CLONE_NEWNET
	}
	return nil
}

// lay says what becomes the root.
func (m *making) lay() (err error) {
	r := &runtime.Root{Path: m.Root, ReadOnly: m.ReadOnly, Propagation: m.Propagation, Move: m.machine.initramfs}
	m.c.Root = r
	if m.c.Map && m.IDMapped {
		if r.Tree, err = m.idmapped(m.Root); err != nil {
			return err
		}
	}
	switch m.Overlay {
	case "":
	case "tmpfs":
		r.Overlay = &runtime.Overlay{Scratch: m.Scratch, Data: "mode=0755", User: m.c.Map}
		if m.OverlaySize != 0 {
			r.Overlay.Data += fmt.Sprintf(",size=%d", m.OverlaySize)
		}
		return os.MkdirAll(m.Scratch, 0o755)
	default:
		r.Overlay = &runtime.Overlay{Upper: filepath.Join(m.Overlay, "upper"), Work: filepath.Join(m.Overlay, "work"), User: m.c.Map}
		return m.layers(r.Overlay)
	}
	return nil
}

// layers makes the directories of an overlay that lasts; the root of a user namespace owns them.
func (m *making) layers(o *runtime.Overlay) error {
	for _, dir := range []string{o.Upper, o.Work} {
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
		m.c.Masked = masksOf(m.Masked, m.looked)
	}
	if m.ReadOnlies != nil {
		m.c.ReadOnly = masksOf(m.ReadOnlies, m.looked)
	}
	return nil
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
