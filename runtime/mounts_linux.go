package runtime

import (
	"path"
	"slices"

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

// mount makes one mount, and its mount point before.
func (l *list) mount(m *Mounting, tree int) {
	l.point(m)
	if m.Bind {
		l.attach("mount", m.Target, tree)
		return
	}
	l.do("mount", m.Target, "mount", unix.SYS_MOUNT, m.Source, m.Target, m.Type, m.Flags, m.Data)
}

// attach attaches a detached tree, see move_mount(2).
func (l *list) attach(verb, target string, fd int) {
	l.do(verb, target, "move_mount", unix.SYS_MOVE_MOUNT, fd, "", unix.AT_FDCWD, target, moveFlags)
	l.do(verb, target, "close", unix.SYS_CLOSE, fd)
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
		l.unless(unix.EEXIST, "symlink", s.Path, "symlinkat", unix.SYS_SYMLINKAT, s.Target, unix.AT_FDCWD, s.Path)
	}
}

func (l *list) mountAll(c *Container) {
	l.do("umask", "022", "umask", unix.SYS_UMASK, 0o022)
	for i := range c.Mounts {
		l.mount(&c.Mounts[i], l.treeFD(i))
	}
	l.furnish(c)
}

func (l *list) node(n *Node) {
	l.do("device", n.Path, "mknodat", unix.SYS_MKNODAT, unix.AT_FDCWD, n.Path, int(n.Mode), int(unix.Mkdev(n.Major, n.Minor)))
	if n.UID != 0 || n.GID != 0 {
		l.do("device", n.Path, "fchownat", unix.SYS_FCHOWNAT, unix.AT_FDCWD, n.Path, n.UID, n.GID, unix.AT_SYMLINK_NOFOLLOW)
	}
}

// masks hides and protects. Whether a path is a directory was found out
// before; if it is not so any more the kernel refuses. What hides a file is
// the caller's /dev/null, not one that the new root has.
func (l *list) masks(c *Container) {
	for _, m := range c.Masked {
		if m.Directory {
			l.add(Step{Verb: "mask", Object: m.Path, Call: "mount", Nr: unix.SYS_MOUNT, Fine: unix.ENOENT,
				Args: []any{"tmpfs", m.Path, "tmpfs", unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "mode=0555"}})
			continue
		}
		l.present("mask", m.Path, 3)
		l.add(Step{Verb: "mask", Object: m.Path, Call: "open_tree", Nr: unix.SYS_OPEN_TREE,
			Args: []any{l.nullFD(), "", unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH}, how: flagSave})
		l.add(Step{Verb: "mask", Object: m.Path, Call: "move_mount", Nr: unix.SYS_MOVE_MOUNT, Fine: unix.ENOENT,
			Args: []any{kept, "", unix.AT_FDCWD, m.Path, moveFlags}, how: flagUse})
		l.closeKept("mask", m.Path)
	}
	for _, m := range c.ReadOnly {
		l.add(Step{Verb: "read only", Object: m.Path, Call: "mount", Nr: unix.SYS_MOUNT, Fine: unix.ENOENT,
			Args: []any{m.Path, m.Path, 0, unix.MS_BIND | unix.MS_REC, 0}, how: flagOmit, skip: 1})
		attr := []uint64{unix.MOUNT_ATTR_RDONLY, 0, 0, 0}
		l.do("read only", m.Path, "mount_setattr", unix.SYS_MOUNT_SETATTR, unix.AT_FDCWD, m.Path, unix.AT_RECURSIVE, attr, 8*len(attr))
	}
}

// present leaves out the next operations where a path is not there. A tree that
// was made in vain is expensive: the kernel waits for all processors before it
// takes it apart.
func (l *list) present(verb, name string, next int) {
	l.add(Step{Verb: verb, Object: name, Call: "faccessat", Nr: unix.SYS_FACCESSAT, Fine: unix.ENOENT,
		Args: []any{unix.AT_FDCWD, name, unix.F_OK}, how: flagOmit, skip: next})
}

// nothing opens the caller's /dev/null, where a file is to be masked by it.
func (l *list) nothing(c *Container) {
	if slices.ContainsFunc(c.Masked, func(m Mask) bool { return !m.Directory }) {
		l.add(Step{Verb: "open", Object: "/dev/null", Call: "openat", Nr: unix.SYS_OPENAT,
			Args: []any{unix.AT_FDCWD, "/dev/null", unix.O_PATH | unix.O_CLOEXEC}, how: flagSave})
		l.moveKept("open", "/dev/null", l.nullFD())
	}
}
