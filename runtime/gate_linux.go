package runtime

import "golang.org/x/sys/unix"

// The numbers of a gate are above those of all trees, and those of masks above.
func (l *list) hereFD() int      { return l.treeFD(len(l.spec.Container.Mounts)) }
func (l *list) goFD() int        { return l.hereFD() + 1 }
func (l *list) namespaceFD() int { return l.hereFD() + 2 }
func (l *list) nextRootFD() int  { return l.hereFD() + 3 }
func (l *list) maskFD(i int) int { return l.hereFD() + 4 + i }

// confined does what is to be done in the new root while that is not the root
// of the mount namespace yet: in it by chroot(2), out of which the namespace
// itself leads back, see setns(2). A descriptor of the old root would lead there
// too, but also a link to /proc/self/fd at a mount point. Who enters the namespace at the gate sees the caller's
// files, and in the place of the root all that is mounted in it.
func (l *list) confined(c *Container, do func()) {
	l.add(Step{Verb: "open", Object: "mount namespace", Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, "/proc/self/ns/mnt", unix.O_RDONLY | unix.O_CLOEXEC}, how: flagSave})
	l.moveKept("open", "mount namespace", l.namespaceFD())
	l.keepDirectory(".", l.nextRootFD())
	l.do("chroot", c.Root.Path, "chroot", unix.SYS_CHROOT, ".")
	do()
	l.gate("pivot_root")
	l.do("leave chroot", "", "setns", unix.SYS_SETNS, l.namespaceFD(), unix.CLONE_NEWNS)
	l.do("root", c.Root.Path, "fchdir", unix.SYS_FCHDIR, l.nextRootFD())
	for _, fd := range []int{l.namespaceFD(), l.nextRootFD()} {
		l.do("close", "", "close", unix.SYS_CLOSE, fd)
	}
	if !c.Gate.BeforeExec {
		l.leaveGate()
	}
}

func (l *list) keepDirectory(path string, to int) {
	l.add(Step{Verb: "open", Object: path, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, path, unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC}, how: flagSave})
	l.moveKept("open", path, to)
}

// gate waits.
func (l *list) gate(before string) {
	l.do("wait before", before, "write", unix.SYS_WRITE, l.hereFD(), []uint64{1}, 8)
	l.do("wait before", before, "read", unix.SYS_READ, l.goFD(), []uint64{0}, 8)
}

// lastGate is the one before the exec.
func (l *list) lastGate() {
	if c := l.spec.Container; c != nil && c.Gate != nil && c.Gate.BeforeExec {
		l.gate("exec")
		l.leaveGate()
	}
}

func (l *list) leaveGate() {
	l.do("close", "", "close", unix.SYS_CLOSE, l.hereFD())
	l.do("close", "", "close", unix.SYS_CLOSE, l.goFD())
}
