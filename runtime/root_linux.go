package runtime

import (
	"golang.org/x/sys/unix"
)

// outside takes what comes into the new root from the caller's side, as
// detached trees, and the root itself: in a user namespace the child is nobody
// soon, who cannot reach every path of the caller's.
func (l *list) outside(c *Container) {
	if c.Root == nil && len(c.Mounts) == 0 {
		return
	}
	l.do("mount namespace", "", "mount", unix.SYS_MOUNT, 0, "/", 0, unix.MS_REC|unix.MS_SLAVE, 0)
	l.trees(c)
	l.blanks(c)
	switch r := c.Root; {
	case r == nil:
	case r.Overlay != nil:
		l.layers(r)
	case r.Tree <= 0:
		l.tree("root", r.Path, unix.AT_RECURSIVE, l.rootFD())
	}
	if c.gated() {
		l.keepDirectory(c.Root.Path, l.nextRootFD())
	}
}

// gated says whether the root is mounted in its own place at first.
func (c *Container) gated() bool { return c.Root != nil && c.Gate != nil && c.Gate.BeforePivot }

// inside makes the root the root, and mounts what is in it when the old one is
// gone: before, a symbolic link to ".." at a mount point would lead to it, since
// pivot_root(2) leaves it mounted on top of the new one. What is mounted is made
// before that: the kernel lets a user namespace make a new /proc only where one
// is seen whole.
func (l *list) inside(c *Container) {
	r := c.Root
	if r == nil && len(c.Mounts) == 0 {
		return
	}
	if r != nil && r.Overlay != nil {
		l.overlay(r)
	}
	l.systems(c)
	switch {
	case c.gated(): // who enters the namespace meanwhile sees the old root, and the new one in its place
		l.place(r, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, l.nextRootFD(), "")
		l.confined(c, func() { l.mountAll(c) })
		l.pivot(r, r.Path)
	case r != nil:
		l.place(r, moveFlags, unix.AT_FDCWD, "/")
		l.pivot(r, "/")
		l.mountAll(c)
	default:
		l.mountAll(c)
	}
	l.masks(c)
	l.settle(c)
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
	if g := c.Gate; g != nil {
		files = append(files, File{Child: l.hereFD(), FD: g.Here}, File{Child: l.goFD(), FD: g.Go})
	}
	return files
}

// The numbers of trees are above all that the program is to have, and above
// those of Landlock; then come those of a gate, then masks.
func (l *list) rootFD() int      { return l.topChild() + 11 }
func (l *list) initFD() int      { return l.topChild() + 12 }
func (l *list) lowerFD() int     { return l.topChild() + 13 }
func (l *list) upperFD() int     { return l.topChild() + 14 }
func (l *list) treeFD(i int) int { return l.topChild() + 15 + i }

func (l *list) topChild() int {
	top := 2
	for _, f := range l.spec.Files {
		top = max(top, f.Child)
	}
	return top
}

// place mounts the tree that is to be the root: as a rule over the old one,
// where only the working directory finds it.
func (l *list) place(r *Root, flags, dir int, at string) {
	if r.Overlay == nil {
		attr := []uint64{r.Set, 0, unix.MS_PRIVATE, 0}
		l.do("root", r.Path, "mount_setattr", unix.SYS_MOUNT_SETATTR, l.rootFD(), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, attr, 8*len(attr))
	}
	l.do("root", r.Path, "move_mount", unix.SYS_MOVE_MOUNT, l.rootFD(), "", dir, at, flags)
	l.do("root", r.Path, "fchdir", unix.SYS_FCHDIR, l.rootFD())
	l.do("root", r.Path, "close", unix.SYS_CLOSE, l.rootFD())
}

// pivot makes the working directory the root. Both arguments of pivot_root(2)
// may be one directory: the old root is then mounted on top of the new one, and
// nothing may be looked up until it is gone.
func (l *list) pivot(r *Root, at string) {
	if r.Move && at != "/" {
		l.do("move root", r.Path, "mount", unix.SYS_MOUNT, ".", "/", 0, unix.MS_MOVE, 0)
	}
	if r.Move {
		l.do("chroot", r.Path, "chroot", unix.SYS_CHROOT, ".")
	} else {
		l.do("pivot_root", r.Path, "pivot_root", unix.SYS_PIVOT_ROOT, ".", ".")
		l.do("leave old root", "", "umount2", unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	}
	l.do("root", r.Path, "chdir", unix.SYS_CHDIR, "/")
}

// settle lets go of what was needed to mount. What is mounted where is settled
// then, and what the caller mounts later does not come in.
func (l *list) settle(c *Container) {
	if n := len(c.Mounts); n > 0 {
		l.do("mounts", "", "close_range", unix.SYS_CLOSE_RANGE, l.treeFD(0), l.treeFD(n-1), 0)
	}
	r := c.Root
	if r == nil {
		return
	}
	l.do("root", r.Path, "chdir", unix.SYS_CHDIR, "/")
	if r.Propagation != 0 {
		l.do("propagation", "/", "mount", unix.SYS_MOUNT, 0, "/", 0, r.Propagation, 0)
	}
	if r.ReadOnly {
		attr := []uint64{unix.MOUNT_ATTR_RDONLY, 0, 0, 0}
		l.do("read only", "/", "mount_setattr", unix.SYS_MOUNT_SETATTR, unix.AT_FDCWD, "/", 0, attr, 8*len(attr))
	}
}
