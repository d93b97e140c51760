package runtime

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Action is a piece of work that needs no program: some system calls, made by
// a process of its own with all the attributes of the Spec.
type Action interface {
	verb() string
	add(l *list)
}

// Owner is who a file is to belong to; nil where it is left alone.
type Owner struct{ UID, GID uint32 }

// Nothing is there already.
type Nothing struct{}

// MakeDirectory makes a directory and those above it that are missing. Mode
// and Owner are those of the last one, also when it was there; a Mode below 0
// is left to the umask.
type MakeDirectory struct {
	Path  string
	Mode  int
	Owner *Owner
}

// Symlink makes Link point to Target, in one instant when Link is there
// already. What is there must not be a directory.
type Symlink struct{ Target, Link string }

// Write puts text into a file that must be there, as the kernel's are: see
// proc(5) and sysfs(5).
type Write struct{ Path, Text string }

// Hostname names the machine, see sethostname(2).
type Hostname struct{ Name string }

// ChangeOwner gives files to somebody, see chown(2). A symbolic link is
// followed.
type ChangeOwner struct {
	Paths []string
	Owner Owner
}

// ChangeMode sets the permission bits of files, see chmod(2).
type ChangeMode struct {
	Paths []string
	Mode  int
}

// Remove removes files, links and empty directories. One that is not there is
// fine.
type Remove struct{ Paths []string }

// LoadModules gives files to the kernel, in that order, see finit_module(2).
// One that is loaded already is fine.
type LoadModules struct{ Files []ModuleFile }

// ModuleFile is a kernel module. The kernel unpacks a Packed one, and one that
// is Optional may be refused.
type ModuleFile struct {
	Path, Options    string
	Packed, Optional bool
}

// Mount mounts, see mount(2). Flags are of the first call; those of a bind
// mount take a second one (Again), and how it is shared a third.
type Mount struct {
	Source, Target, Type, Data string
	Flags, Again, Share        uintptr
	Point                      bool // make the directory to mount on
}

// Unmount takes a mount away, see umount2(2). Where nothing is mounted that is
// fine.
type Unmount struct {
	Target string
	Lazy   bool // as soon as nobody uses it any more
}

func (l *list) actions() {
	for _, a := range l.spec.Actions {
		a.add(l)
	}
	l.do("exit", "", "exit_group", unix.SYS_EXIT_GROUP, 0)
}

// unless is do with an error that is none.
func (l *list) unless(fine unix.Errno, verb, object, call string, nr uintptr, args ...any) {
	l.add(Step{Verb: verb, Object: object, Call: call, Nr: nr, Args: args, Fine: fine})
}

func (Nothing) verb() string       { return "nothing" }
func (MakeDirectory) verb() string { return "mkdir" }
func (Symlink) verb() string       { return "symlink" }
func (Write) verb() string         { return "write" }
func (Hostname) verb() string      { return "hostname" }
func (ChangeOwner) verb() string   { return "chown" }
func (ChangeMode) verb() string    { return "chmod" }
func (Remove) verb() string        { return "remove" }
func (LoadModules) verb() string   { return "modprobe" }
func (Mount) verb() string         { return "mount" }
func (Unmount) verb() string       { return "unmount" }

func (Nothing) add(*list) {}

func (a MakeDirectory) add(l *list) {
	l.directories("mkdir", a.Path)
	// mkdir(2) says EEXIST of any file
	l.add(Step{Verb: "mkdir", Object: a.Path, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, a.Path, unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC}, how: flagSave})
	l.closeKept("mkdir", a.Path)
	if a.Mode >= 0 {
		l.chmod("mkdir", a.Path, a.Mode)
	}
	if a.Owner != nil {
		l.chown("mkdir", a.Path, *a.Owner)
	}
}

// directories makes a directory with all above it, as far as they are missing.
func (l *list) directories(verb, path string) {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' || path[i-1] == '/' {
			continue
		}
		l.unless(unix.EEXIST, verb, path[:i], "mkdirat", unix.SYS_MKDIRAT, unix.AT_FDCWD, path[:i], 0o777)
	}
}

func (l *list) chmod(verb, path string, mode int) {
	l.do(verb, path, "fchmodat", unix.SYS_FCHMODAT, unix.AT_FDCWD, path, mode)
}

func (l *list) chown(verb, path string, o Owner) {
	l.do(verb, path, "fchownat", unix.SYS_FCHOWNAT, unix.AT_FDCWD, path, uintptr(o.UID), uintptr(o.GID), 0)
}

// add makes the link beside and moves it: rename(2) replaces in one instant.
func (a Symlink) add(l *list) {
	beside := a.Link + ".new"
	l.unless(unix.ENOENT, "symlink", a.Link, "unlinkat", unix.SYS_UNLINKAT, unix.AT_FDCWD, beside, 0)
	l.do("symlink", a.Link, "symlinkat", unix.SYS_SYMLINKAT, a.Target, unix.AT_FDCWD, beside)
	l.do("symlink", a.Link, "renameat2", unix.SYS_RENAMEAT2, unix.AT_FDCWD, beside, unix.AT_FDCWD, a.Link, 0)
}

func (a Write) add(l *list) {
	l.add(Step{Verb: "write", Object: a.Path, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, a.Path, unix.O_WRONLY | unix.O_TRUNC | unix.O_CLOEXEC | unix.O_NOCTTY}, how: flagSave})
	l.add(Step{Verb: "write", Object: a.Path, Call: "write", Nr: unix.SYS_WRITE,
		Args: []any{kept, a.Text, len(a.Text)}, how: flagUse})
	l.closeKept("write", a.Path)
}

func (a Hostname) add(l *list) {
	l.do("hostname", a.Name, "sethostname", unix.SYS_SETHOSTNAME, a.Name, len(a.Name))
}

func (a ChangeOwner) add(l *list) {
	for _, path := range a.Paths {
		l.chown("chown", path, a.Owner)
	}
}

func (a ChangeMode) add(l *list) {
	for _, path := range a.Paths {
		l.chmod("chmod", path, a.Mode)
	}
}

// add tries to remove a directory, and then what is not one: after the first
// has succeeded there is nothing.
func (a Remove) add(l *list) {
	for _, path := range a.Paths {
		l.add(Step{Verb: "remove", Object: path, Call: "unlinkat", Nr: unix.SYS_UNLINKAT,
			Args: []any{unix.AT_FDCWD, path, unix.AT_REMOVEDIR}, how: flagTry})
		l.unless(unix.ENOENT, "remove", path, "unlinkat", unix.SYS_UNLINKAT, unix.AT_FDCWD, path, 0)
	}
}

func (a LoadModules) add(l *list) {
	for _, f := range a.Files {
		l.module(f)
	}
}

func (l *list) module(f ModuleFile) {
	flags, how := 0, flagUse
	if f.Packed {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	if f.Optional {
		how |= flagTry
	}
	l.add(Step{Verb: "modprobe", Object: f.Path, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{unix.AT_FDCWD, f.Path, unix.O_RDONLY | unix.O_CLOEXEC}, how: flagSave})
	l.add(Step{Verb: "modprobe", Object: f.Path, Call: "finit_module", Nr: unix.SYS_FINIT_MODULE,
		Args: []any{kept, f.Options, flags}, how: how, Fine: unix.EEXIST})
	l.closeKept("modprobe", f.Path)
}

func (a Mount) add(l *list) {
	object := strings.TrimSpace(a.Source + " on " + a.Target)
	if a.Point {
		l.directories("mount point", a.Target)
	}
	l.do("mount", object, "mount", unix.SYS_MOUNT, a.Source, a.Target, a.Type, a.Flags, a.Data)
	if a.Again != 0 {
		l.do("mount flags", object, "mount", unix.SYS_MOUNT, "", a.Target, "", a.Again, "")
	}
	if a.Share != 0 {
		l.do("mount sharing", object, "mount", unix.SYS_MOUNT, "", a.Target, "", a.Share, "")
	}
}

func (a Unmount) add(l *list) {
	flags := unix.UMOUNT_NOFOLLOW
	if a.Lazy {
		flags |= unix.MNT_DETACH
	}
	l.unless(unix.EINVAL, "unmount", a.Target, "umount2", unix.SYS_UMOUNT2, a.Target, flags)
}
