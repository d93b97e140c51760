package runtime

import (
	"strings"

	"golang.org/x/sys/unix"
)

// masks hides and protects. Whether a path is a directory was found out
// before; if it is not so any more the kernel refuses. A path is looked for
// from the mount that it is in, as the working directory: who shares the root
// could make /proc a link to somewhere else meanwhile, and what is not there is
// fine.
func (l *list) masks(c *Container) {
	at := l.from(c)
	blank := 0
	for _, m := range c.Masked {
		below := at(m.Path)
		if m.Directory {
			l.add(Step{Verb: "mask", Object: m.Path, Call: "mount", Nr: unix.SYS_MOUNT, Fine: unix.ENOENT,
				Args: []any{"tmpfs", below, "tmpfs", unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "mode=0555"}})
			continue
		}
		l.present("mask", below, 1)
		l.add(Step{Verb: "mask", Object: m.Path, Call: "move_mount", Nr: unix.SYS_MOVE_MOUNT, Fine: unix.ENOENT,
			Args: []any{l.maskFD(blank), "", unix.AT_FDCWD, below, moveFlags}})
		blank++
	}
	for _, m := range c.ReadOnly {
		below := at(m.Path)
		l.add(Step{Verb: "read only", Object: m.Path, Call: "mount", Nr: unix.SYS_MOUNT, Fine: unix.ENOENT,
			Args: []any{below, below, 0, unix.MS_BIND | unix.MS_REC, 0}, how: flagOmit, skip: 1})
		attr := []uint64{unix.MOUNT_ATTR_RDONLY, 0, 0, 0}
		l.do("read only", m.Path, "mount_setattr", unix.SYS_MOUNT_SETATTR, unix.AT_FDCWD, below, unix.AT_RECURSIVE, attr, 8*len(attr))
	}
	if blank > 0 {
		l.do("masks", "", "close_range", unix.SYS_CLOSE_RANGE, l.maskFD(0), l.maskFD(blank-1), 0)
	}
}

// present leaves out the next operations where a path is not there. A tree that
// was made in vain is expensive: the kernel waits for all processors before it
// takes it apart.
func (l *list) present(verb, name string, next int) {
	l.add(Step{Verb: verb, Object: name, Call: "faccessat", Nr: unix.SYS_FACCESSAT, Fine: unix.ENOENT,
		Args: []any{unix.AT_FDCWD, name, unix.F_OK}, how: flagOmit, skip: next})
}

// from makes the mount that a path is in the working directory, unless it is
// so already, and says what the path is from there.
func (l *list) from(c *Container) func(path string) (below string) {
	present := unix.AT_FDCWD
	return func(path string) string {
		dir, below := l.enclosing(c, path)
		switch {
		case dir == present:
		case dir == unix.AT_FDCWD:
			l.do("chdir", "/", "chdir", unix.SYS_CHDIR, "/")
		default:
			l.do("chdir", path, "fchdir", unix.SYS_FCHDIR, dir)
		}
		present = dir
		return below
	}
}

// blanks takes what files are masked by, while it can be reached: the caller's
// /dev/null, not one that the new root has. It is read-only, for who is root
// could change its mode for the whole machine.
func (l *list) blanks(c *Container) {
	n := 0
	for _, m := range c.Masked {
		if m.Directory {
			continue
		}
		if strings.HasPrefix(m.Path, "/proc/") || strings.HasPrefix(m.Path, "/sys/") { // of the same kernel
			l.present("mask", m.Path, 4)
		}
		l.tree("mask", "/dev/null", 0, l.maskFD(n))
		attr := []uint64{unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, 0, unix.MS_PRIVATE, 0}
		l.do("mask", m.Path, "mount_setattr", unix.SYS_MOUNT_SETATTR, l.maskFD(n), "", unix.AT_EMPTY_PATH, attr, 8*len(attr))
		n++
	}
}
