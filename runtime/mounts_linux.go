package runtime

import (
	"path"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// trees takes what is bound, see open_tree(2).
func (l *list) trees(c *Container) {
	for i := range c.Mounts {
		m := &c.Mounts[i]
		if !m.Bind {
			continue
		}
		if m.Tree <= 0 {
			flags := 0
			if m.Recursive {
				flags = unix.AT_RECURSIVE
			}
			l.tree("bind", m.Source, flags, l.treeFD(i))
		}
		l.attributes(m, l.treeFD(i))
	}
}

// tree takes a copy of what is mounted at a path, see open_tree(2).
func (l *list) tree(verb, path string, flags, fd int) {
	l.add(Step{Verb: verb, Object: path, Call: "open_tree", Nr: unix.SYS_OPEN_TREE,
		Args: []any{unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | flags}, how: flagSave})
	l.moveKept(verb, path, fd)
}

// attributes sets those of a tree that is not attached yet: nobody sees it
// without them.
func (l *list) attributes(m *Mounting, fd int) {
	propagation := uint64(unix.MS_PRIVATE)
	if m.Slave {
		propagation = unix.MS_SLAVE
	}
	flags := unix.AT_EMPTY_PATH
	if m.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	set, unset := m.Set, m.Clear
	if m.Shallow {
		set, unset = m.SetAll, m.ClearAll
	}
	l.attribute(m.Target, fd, flags, []uint64{set, unset, propagation, 0})
	if m.Shallow && m.Set|m.Clear != 0 {
		l.attribute(m.Target, fd, unix.AT_EMPTY_PATH, []uint64{m.Set, m.Clear, 0, 0})
	}
}

func (l *list) attribute(target string, fd, flags int, attr []uint64) {
	l.do("mount attributes", target, "mount_setattr", unix.SYS_MOUNT_SETATTR, fd, "", flags, attr, 8*len(attr))
}

// mount attaches one mount, and makes its mount point before. Its descriptor
// stays: what lies in it is found by that, not by a path that may have become a
// link to somewhere else.
func (l *list) mount(m *Mounting, tree int) {
	l.point(m)
	l.do("mount", m.Target, "move_mount", unix.SYS_MOVE_MOUNT, tree, "", unix.AT_FDCWD, m.Target, moveFlags)
}

// attach attaches a detached tree, see move_mount(2).
func (l *list) attach(verb, target string, fd int) {
	l.do(verb, target, "move_mount", unix.SYS_MOVE_MOUNT, fd, "", unix.AT_FDCWD, target, moveFlags)
	l.do(verb, target, "close", unix.SYS_CLOSE, fd)
}

// enclosing is the mount that a path is in, by the names of both, and the path
// from there; without one it is the root, and the working directory is there.
func (l *list) enclosing(c *Container, name string) (dir int, below string) {
	longest := 0
	dir, below = unix.AT_FDCWD, name
	for i := range c.Mounts {
		m := &c.Mounts[i]
		if n := len(m.Target); n >= longest && len(name) > n+1 && name[:n] == m.Target && name[n] == '/' && !m.File {
			longest, dir, below = n, l.treeFD(i), name[n+1:]
		}
	}
	return dir, below
}

// moveFlags are those of move_mount(2) for a detached tree; a symbolic link at
// the mount point is followed, in the new root.
const moveFlags = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_SYMLINKS

// point makes a mount point with the directories above it.
func (l *list) point(m *Mounting) {
	target := path.Clean(m.Target)
	if target == "/" {
		return
	}
	if !m.File {
		l.directories("mount point", target)
		return
	}
	if dir := path.Dir(target); dir != "/" {
		l.directories("mount point", dir)
	}
	l.unless(unix.EEXIST, "mount point", target, "mknodat", unix.SYS_MKNODAT, unix.AT_FDCWD, target, unix.S_IFREG|0o644, 0)
}

// furnish makes devices and links. The umask comes later and is not in the way.
func (l *list) furnish(c *Container) {
	made := []string{"/"}
	for i := range c.Nodes {
		if dir := path.Dir(c.Nodes[i].Path); !slices.Contains(made, dir) {
			l.directories("device", dir)
			made = append(made, dir)
		}
	}
	if len(c.Nodes) > 0 {
		l.do("umask", "0", "umask", unix.SYS_UMASK, 0)
	}
	for i := range c.Nodes {
		l.node(&c.Nodes[i])
	}
	for _, s := range c.Links {
		dir, below := l.enclosing(c, s.Path)
		l.unless(unix.EEXIST, "symlink", s.Path, "symlinkat", unix.SYS_SYMLINKAT, s.Target, dir, below)
	}
}

func (l *list) mountAll(c *Container) {
	l.do("umask", "022", "umask", unix.SYS_UMASK, 0o022)
	for i := range c.Mounts {
		l.mount(&c.Mounts[i], l.treeFD(i))
	}
	l.furnish(c)
	l.standardInside(c)
}

// node makes a device. One that is there by now comes from another container, that has the same root and starts at the same time.
func (l *list) node(n *Node) {
	dir, below := l.enclosing(l.spec.Container, n.Path)
	l.unless(unix.EEXIST, "device", n.Path, "mknodat", unix.SYS_MKNODAT, dir, below, int(n.Mode), int(unix.Mkdev(n.Major, n.Minor)))
	if n.UID != 0 || n.GID != 0 {
		l.do("device", n.Path, "fchownat", unix.SYS_FCHOWNAT, dir, below, n.UID, n.GID, unix.AT_SYMLINK_NOFOLLOW)
	}
}

// standardInside puts the container's own /dev/null in the place of the
// caller's: who has a descriptor of a file can change whose it is, and its mode.
func (l *list) standardInside(c *Container) {
	const null = "/dev/null"
	own := slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.Path == null }) ||
		slices.ContainsFunc(c.Mounts, func(m Mounting) bool { return m.Target == null })
	if !own || c.Root == nil || l.spec.Terminal != "" {
		return
	}
	dir, below := l.enclosing(c, null)
	for n := range 3 {
		if slices.ContainsFunc(l.spec.Files, func(f File) bool { return f.Child == n }) {
			continue
		}
		l.add(Step{Verb: "open", Object: null, Call: "openat", Nr: unix.SYS_OPENAT, Args: []any{dir, below, unix.O_RDWR | unix.O_CLOEXEC}, how: flagSave})
		l.add(Step{Verb: "descriptor", Object: strconv.Itoa(n), Call: "dup3", Nr: unix.SYS_DUP3, Args: []any{kept, n, 0}, how: flagUse})
		l.closeKept("close", null)
	}
}
