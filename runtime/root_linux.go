package runtime

import (
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// outside takes what comes into the new root from the caller's side, as
// detached trees, and mounts the root, unless that is to belong to the user
// namespace: the caller may have paths that only the caller can reach.
func (l *list) outside(c *Container) {
	if c.Root == nil && len(c.Mounts) == 0 {
		return
	}
	l.do("mount namespace", "", "mount", unix.SYS_MOUNT, 0, "/", 0, unix.MS_REC|unix.MS_SLAVE, 0)
	l.trees(c)
	l.nothing(c)
	if r := c.Root; r != nil && r.Overlay == nil {
		l.lay(r)
	}
}

// inside makes the root the root. Mount points are looked for when it is: a
// symbolic link in it cannot lead out of it then. The old root stays beneath
// the working directory until all is mounted, since the kernel lets a user
// namespace mount a new /proc only where one is seen whole.
func (l *list) inside(c *Container) {
	r := c.Root
	if r == nil && len(c.Mounts) == 0 {
		return
	}
	if r != nil && r.Overlay != nil {
		l.lay(r)
	}
	if r != nil {
		l.pivot(r)
	}
	l.do("umask", "022", "umask", unix.SYS_UMASK, 0o022)
	for i := range c.Mounts {
		l.mount(&c.Mounts[i], l.treeFD(i))
	}
	l.furnish(c)
	l.masks(c)
	if r != nil {
		l.leave(r)
	}
}

// furnish makes devices and links. The umask comes later and is not in the way.
func (l *list) furnish(c *Container) {
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

// given are all descriptors that the child has at first: those that are asked
// for, and trees that the caller has detached.
func (l *list) given() []File {
	files := append([]File(nil), l.spec.Files...)
	c := l.spec.Container
	if c == nil {
		return files
	}
	if c.Root != nil && c.Root.Tree > 0 {
		files = append(files, File{Child: l.rootFD(), FD: c.Root.Tree})
	}
	if c.Init > 0 {
		files = append(files, File{Child: l.initFD(), FD: c.Init})
	}
	for i := range c.Mounts {
		if t := c.Mounts[i].Tree; t > 0 {
			files = append(files, File{Child: l.treeFD(i), FD: t})
		}
	}
	return files
}

// The numbers of trees are above all that the program is to have, and above
// those of Landlock.
func (l *list) nullFD() int      { return l.topChild() + 10 }
func (l *list) rootFD() int      { return l.topChild() + 11 }
func (l *list) initFD() int      { return l.topChild() + 12 }
func (l *list) treeFD(i int) int { return l.topChild() + 13 + i }

func (l *list) topChild() int {
	top := 2
	for _, f := range l.spec.Files {
		top = max(top, f.Child)
	}
	return top
}

// trees takes what is bound, see open_tree(2).
func (l *list) trees(c *Container) {
	for i := range c.Mounts {
		m := &c.Mounts[i]
		if !m.Bind {
			continue
		}
		if m.Tree <= 0 {
			flags := unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
			if m.Recursive {
				flags |= unix.AT_RECURSIVE
			}
			l.add(Step{Verb: "bind", Object: m.Source, Call: "open_tree", Nr: unix.SYS_OPEN_TREE,
				Args: []any{unix.AT_FDCWD, m.Source, flags}, how: flagSave})
			l.moveKept("bind", m.Source, l.treeFD(i))
		}
		l.attributes(m, l.treeFD(i))
	}
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
	attr := []uint64{m.Set, m.Clear, propagation, 0}
	l.do("mount attributes", m.Target, "mount_setattr", unix.SYS_MOUNT_SETATTR, fd, "", flags, attr, 8*len(attr))
}

// lay mounts the root onto its own directory: a root must be a mount. The
// working directory then finds it without a way to it.
func (l *list) lay(r *Root) {
	switch {
	case r.Tree > 0:
		l.attach("root", r.Path, l.rootFD())
	case r.Overlay == nil:
		l.do("root", r.Path, "mount", unix.SYS_MOUNT, r.Path, r.Path, 0, unix.MS_BIND|unix.MS_REC, 0)
	}
	if o := r.Overlay; o != nil {
		l.overlay(r.Path, o)
	}
	l.do("root", r.Path, "chdir", unix.SYS_CHDIR, r.Path)
}

func (l *list) overlay(lower string, o *Overlay) {
	upper, work := o.Upper, o.Work
	if o.Scratch != "" {
		l.tmpfs("overlay", o.Scratch, unix.MS_NOSUID|unix.MS_NODEV, o.Data)
		upper, work = path.Join(o.Scratch, "upper"), path.Join(o.Scratch, "work")
		for _, dir := range []string{upper, work} {
			l.do("overlay", dir, "mkdirat", unix.SYS_MKDIRAT, unix.AT_FDCWD, dir, 0o755)
		}
	}
	data := "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work
	if o.User {
		data += ",userxattr" // trusted.* is not for a user namespace, see overlayfs in the kernel's documentation
	}
	l.do("overlay", lower, "mount", unix.SYS_MOUNT, "overlay", lower, "overlay", 0, data)
}

// pivot makes the mount on r.Path the root. Both arguments may be one
// directory, pivot_root(2): the old root is then mounted on top of the new
// one, where only the working directory finds it.
func (l *list) pivot(r *Root) {
	if r.Move {
		l.do("move root", r.Path, "mount", unix.SYS_MOUNT, ".", "/", 0, unix.MS_MOVE, 0)
		l.do("chroot", r.Path, "chroot", unix.SYS_CHROOT, ".")
		return
	}
	l.do("pivot_root", r.Path, "pivot_root", unix.SYS_PIVOT_ROOT, ".", ".")
}

// leave takes the old root away. What is mounted where is then settled, and
// what the caller mounts later does not come in.
func (l *list) leave(r *Root) {
	if !r.Move {
		l.do("leave old root", "", "umount2", unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	}
	l.do("root", r.Path, "chdir", unix.SYS_CHDIR, "/")
	if r.ReadOnly {
		attr := []uint64{unix.MOUNT_ATTR_RDONLY, 0, 0, 0}
		l.do("read only", "/", "mount_setattr", unix.SYS_MOUNT_SETATTR, unix.AT_FDCWD, "/", 0, attr, 8*len(attr))
	}
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

// moveFlags are those of move_mount(2) for a detached tree; a symbolic link at
// the mount point is followed, in the new root.
const moveFlags = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_SYMLINKS
