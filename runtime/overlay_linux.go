package runtime

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// What fsconfig(2) does.
const (
	setFlag   = 0 // FSCONFIG_SET_FLAG
	setString = 1 // FSCONFIG_SET_STRING
	create    = 6 // FSCONFIG_CMD_CREATE
)

// layers opens the directories of an overlay, by which the mount names them:
// whoever makes that need not be able to reach them. With ids of its own the
// lower one has to be a mount in its place first.
func (l *list) layers(r *Root) {
	o := r.Overlay
	if r.Tree > 0 {
		l.attach("root", r.Path, l.rootFD())
	}
	l.directoryFD("root", r.Path, l.lowerFD())
	if o.Scratch != "" {
		l.tmpfs("overlay", o.Scratch, unix.MS_NOSUID|unix.MS_NODEV, o.Data)
	}
	l.directoryFD("overlay", o.upper(), l.upperFD())
}

// upper is the directory of both upper layers.
func (o *Overlay) upper() string {
	if o.Scratch != "" {
		return o.Scratch
	}
	return o.Directory
}

func (l *list) directoryFD(verb, path string, fd int) {
	l.add(Step{Verb: verb, Object: path, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, path, unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC}, how: flagSave})
	l.moveKept(verb, path, fd)
}

// overlay mounts it, as a tree that is not attached yet, see fsopen(2).
func (l *list) overlay(r *Root) {
	upper := "/proc/self/fd/" + strconv.Itoa(l.upperFD())
	for _, dir := range []string{"upper", "work"} {
		l.unless(unix.EEXIST, "overlay", dir, "mkdirat", unix.SYS_MKDIRAT, l.upperFD(), dir, 0o755)
	}
	l.add(Step{Verb: "overlay", Object: r.Path, Call: "fsopen", Nr: unix.SYS_FSOPEN, Args: []any{"overlay", unix.FSOPEN_CLOEXEC}, how: flagSave})
	l.moveKept("overlay", r.Path, l.rootFD())
	for _, option := range [][2]string{
		{"lowerdir", "/proc/self/fd/" + strconv.Itoa(l.lowerFD())}, {"upperdir", upper + "/upper"}, {"workdir", upper + "/work"},
	} {
		l.do("overlay", r.Path, "fsconfig", unix.SYS_FSCONFIG, l.rootFD(), setString, option[0], option[1], 0)
	}
	if r.Overlay.User { // trusted.* is not for a user namespace, see overlayfs in the kernel's documentation
		l.do("overlay", r.Path, "fsconfig", unix.SYS_FSCONFIG, l.rootFD(), setFlag, "userxattr", 0, 0)
	}
	l.do("overlay", r.Path, "fsconfig", unix.SYS_FSCONFIG, l.rootFD(), create, 0, 0, 0)
	l.add(Step{Verb: "overlay", Object: r.Path, Call: "fsmount", Nr: unix.SYS_FSMOUNT, Args: []any{l.rootFD(), unix.FSMOUNT_CLOEXEC, uintptr(r.Set)}, how: flagSave})
	l.moveKept("overlay", r.Path, l.rootFD())
	l.do("overlay", r.Path, "close_range", unix.SYS_CLOSE_RANGE, l.lowerFD(), l.upperFD(), 0)
}
