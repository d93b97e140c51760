package runtime

import (
	"strings"

	"golang.org/x/sys/unix"
)

// cloneArgs is the kernel's struct clone_args: 64-bit fields everywhere.
type cloneArgs struct {
	flags, pidFD, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// outerFlags make the intermediate, a child of the caller's parent unless that
// is no keeper. It shares
// the descriptors and does nothing to them but write to the eventfd.
func outerFlags(h *Host) uint64 {
	flags := uint64(unix.CLONE_FILES | unix.CLONE_PARENT_SETTID)
	if !h.Alone {
		flags |= unix.CLONE_PARENT
	}
	if h.Flavour == Cow {
		return flags
	}
	return flags | unix.CLONE_VM | unix.CLONE_CLEAR_SIGHAND
}

// innerFlags make the child. CLONE_VFORK here, and here only: the killer for
// want of memory sees a vfork where the parent shares the memory, which with
// CLONE_PARENT it does not.
func innerFlags(s *Spec, f Flavour) uint64 {
	flags := uint64(unix.CLONE_VFORK|unix.CLONE_PARENT_SETTID) | s.namespaces()
	if f == Cow {
		return flags
	}
	flags |= unix.CLONE_VM | unix.CLONE_FILES
	if s.Cgroup > 0 {
		flags |= unix.CLONE_INTO_CGROUP
	}
	return flags
}

// clone is what the intermediate does. Its arguments are completed by the
// Program, since they point into it and into the Slot.
func (l *list) clone() {
	flags := innerFlags(l.spec, l.host.Flavour)
	s := Step{Verb: "clone", Call: "clone3", Nr: unix.SYS_CLONE3, how: flagFork | flagOuter, clone: true, Args: []any{flagNames(flags)}}
	if flags&unix.CLONE_INTO_CGROUP != 0 {
		s.Object = "into cgroup"
	}
	if l.host.Flavour == Cow {
		s.Call, s.Nr = "clone", unix.SYS_CLONE
	}
	l.add(s)
}

func flagNames(flags uint64) []string {
	var names []string
	for _, f := range []struct {
		bit  uint64
		name string
	}{
		{unix.CLONE_VM, "VM"},
		{unix.CLONE_VFORK, "VFORK"},
		{unix.CLONE_FILES, "FILES"},
		{unix.CLONE_PARENT_SETTID, "PARENT_SETTID"},
		{unix.CLONE_INTO_CGROUP, "INTO_CGROUP"},
		{unix.CLONE_NEWUSER, "NEWUSER"},
		{unix.CLONE_NEWNS, "NEWNS"},
		{unix.CLONE_NEWUTS, "NEWUTS"},
		{unix.CLONE_NEWIPC, "NEWIPC"},
		{unix.CLONE_NEWNET, "NEWNET"},
		{unix.CLONE_NEWPID, "NEWPID"},
	} {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return []string{strings.Join(names, "|")}
}
