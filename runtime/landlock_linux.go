package runtime

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Landlock is what a process may do to files and with TCP, see landlock(7).
// Of what is nil nothing is restricted; Read, Write and Execute go together.
type Landlock struct {
	// Read is what may be read, Write read and changed, Execute read and
	// executed: files, or directories with all below them.
	Read, Write, Execute []string
	// TCPBind and TCPConnect are the ports.
	TCPBind, TCPConnect []int
}

// What is restricted, and of that what a file can have: a directory has all.
const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockFirst = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // all of the first version
	landlockFile  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// The types of rules, enum landlock_rule_type.
const (
	landlockPath = 1
	landlockPort = 2
)

// landlockFiles are all that a version of Landlock can restrict of files.
func landlockFiles(version int) uint64 {
	all := uint64(landlockFirst)
	if version >= 2 {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 5 {
		all |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return all
}

// landlockVersion asks for the version; 0: the kernel has none.
func landlockVersion() int {
	n, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(n)
}

// landlock opens the paths as the process will see them, in its own mounts, at
// two numbers above all that the list has used: interpreter and rules want to
// know them beforehand.
func (l *list) landlock() {
	if l.spec.Landlock == nil {
		return
	}
	l.as(LandlockPart, func() {
		top := 2
		for _, f := range l.spec.Files {
			top = max(top, f.Child)
		}
		l.ruleset(landlocked{Landlock: l.spec.Landlock, rules: top + 8, path: top + 9})
	})
}

// landlocked is a Landlock with the numbers of the descriptors that it takes.
type landlocked struct {
	*Landlock
	rules, path int
}

func (l *list) ruleset(s landlocked) {
	all := landlockFiles(l.host.Landlock)
	attr := []uint64{0}
	if s.Read != nil || s.Write != nil || s.Execute != nil {
		attr[0] = all
	}
	if s.TCPBind != nil || s.TCPConnect != nil { // unknown before version 4, and then refused: E2BIG
		attr = append(attr, s.net())
	}
	l.add(Step{Verb: "landlock", Call: "landlock_create_ruleset", Nr: unix.SYS_LANDLOCK_CREATE_RULESET,
		Args: []any{attr, 8 * len(attr), 0}, how: flagSave})
	l.moveKept("landlock", "", s.rules)
	const execute = unix.LANDLOCK_ACCESS_FS_EXECUTE
	l.beneath(s, "landlock read", s.Read, landlockRead)
	l.beneath(s, "landlock write", s.Write, all&^execute)
	l.beneath(s, "landlock execute", s.Execute, execute|landlockRead)
	l.ports(s, "landlock bind", s.TCPBind, unix.LANDLOCK_ACCESS_NET_BIND_TCP)
	l.ports(s, "landlock connect", s.TCPConnect, unix.LANDLOCK_ACCESS_NET_CONNECT_TCP)
	l.do("landlock", "", "landlock_restrict_self", unix.SYS_LANDLOCK_RESTRICT_SELF, s.rules, 0)
	l.do("landlock", "", "close_range", unix.SYS_CLOSE_RANGE, s.rules, s.path, 0)
}

func (s landlocked) net() uint64 {
	var net uint64
	if s.TCPBind != nil {
		net |= unix.LANDLOCK_ACCESS_NET_BIND_TCP
	}
	if s.TCPConnect != nil {
		net |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	return net
}

// beneath adds two rules for each path, which add up: what a file can have
// too, and the whole, which the kernel takes for a directory only (EINVAL).
func (l *list) beneath(s landlocked, verb string, paths []string, access uint64) {
	for _, p := range paths {
		l.add(Step{Verb: verb, Object: p, Call: "openat", Nr: unix.SYS_OPENAT,
			Args: []any{unix.AT_FDCWD, p, unix.O_PATH | unix.O_CLOEXEC}, how: flagSave})
		l.moveKept(verb, p, s.path)
		for _, part := range []uint64{access & landlockFile, access} {
			rule := []uint32{uint32(part), uint32(part >> 32), uint32(s.path)} // packed in the kernel's header
			step := Step{Verb: verb, Object: p, Call: "landlock_add_rule", Nr: unix.SYS_LANDLOCK_ADD_RULE,
				Args: []any{s.rules, landlockPath, rule, 0}}
			if part == access {
				step.Fine = unix.EINVAL
			}
			l.add(step)
		}
	}
}

func (l *list) ports(s landlocked, verb string, ports []int, access uint64) {
	for _, n := range ports {
		l.do(verb, strconv.Itoa(n), "landlock_add_rule", unix.SYS_LANDLOCK_ADD_RULE, s.rules, landlockPort, []uint64{access, uint64(n)}, 0)
	}
}

// moveKept gives what is kept another number.
func (l *list) moveKept(verb, object string, to int) {
	l.add(Step{Verb: verb, Object: object, Call: "dup3", Nr: unix.SYS_DUP3, Args: []any{kept, to, unix.O_CLOEXEC}, how: flagUse})
	l.closeKept(verb, object)
}
