package runtime

import (
	"strings"

	"golang.org/x/sys/unix"
)

// systems makes the file systems of a container, as trees that are not attached
// yet, see fsopen(2).
func (l *list) systems(c *Container) {
	for i := range c.Mounts {
		if m := &c.Mounts[i]; !m.Bind {
			l.system(m, l.treeFD(i))
		}
	}
}

func (l *list) system(m *Mounting, fd int) {
	l.add(Step{Verb: "mount", Object: m.Target, Call: "fsopen", Nr: unix.SYS_FSOPEN, Args: []any{m.Type, unix.FSOPEN_CLOEXEC}, how: flagSave})
	l.moveKept("mount", m.Target, fd)
	set := func(command int, key any, value any) {
		l.do("mount", m.Target, "fsconfig", unix.SYS_FSCONFIG, fd, command, key, value, 0)
	}
	if m.Source != "" {
		set(setString, "source", m.Source)
	}
	for _, word := range superblockWords(m.Flags) {
		set(setFlag, word, 0)
	}
	for option := range strings.SplitSeq(m.Data, ",") {
		switch key, value, valued := strings.Cut(option, "="); {
		case option == "":
		case valued:
			set(setString, key, value)
		default:
			set(setFlag, key, 0)
		}
	}
	set(create, 0, 0)
	l.add(Step{Verb: "mount", Object: m.Target, Call: "fsmount", Nr: unix.SYS_FSMOUNT,
		Args: []any{fd, unix.FSMOUNT_CLOEXEC, uintptr(mountAttributes(m.Flags))}, how: flagSave})
	l.moveKept("mount", m.Target, fd)
}

// superblockWords are the flags of mount(2) that are of a file system, as
// fsconfig(2) has them.
func superblockWords(flags uintptr) []string {
	var words []string
	for _, f := range []struct {
		flag uintptr
		word string
	}{{unix.MS_RDONLY, "ro"}, {unix.MS_SYNCHRONOUS, "sync"}, {unix.MS_DIRSYNC, "dirsync"}, {unix.MS_LAZYTIME, "lazytime"}} {
		if flags&f.flag != 0 {
			words = append(words, f.word)
		}
	}
	return words
}

// mountAttributes are those that are of a mount, as fsmount(2) has them.
func mountAttributes(flags uintptr) (attributes uint64) {
	for _, f := range []struct {
		flag      uintptr
		attribute uint64
	}{
		{unix.MS_RDONLY, unix.MOUNT_ATTR_RDONLY}, {unix.MS_NOSUID, unix.MOUNT_ATTR_NOSUID}, {unix.MS_NODEV, unix.MOUNT_ATTR_NODEV},
		{unix.MS_NOEXEC, unix.MOUNT_ATTR_NOEXEC}, {unix.MS_NODIRATIME, unix.MOUNT_ATTR_NODIRATIME},
		{unix.MS_NOATIME, unix.MOUNT_ATTR_NOATIME}, {unix.MS_STRICTATIME, unix.MOUNT_ATTR_STRICTATIME},
		{unix.MS_NOSYMFOLLOW, unix.MOUNT_ATTR_NOSYMFOLLOW},
	} {
		if flags&f.flag != 0 {
			attributes |= f.attribute
		}
	}
	return attributes
}
