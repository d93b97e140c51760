package runtime

import (
	"errors"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// atClone are the namespaces that clone makes. A cgroup namespace has the
// cgroup of its maker as its root, which the child is only when it is there;
// a time namespace is for children of its maker.
const atClone = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWPID

func (s *Spec) namespaces() uint64 {
	if s.Container == nil {
		return 0
	}
	return s.Container.Namespaces & atClone
}

// check finds what the kernel would take for something else.
func (c *Container) check(hold bool) error {
	if hold && c.Namespaces&unix.CLONE_NEWPID != 0 {
		return errors.New("hold: the first process of a PID namespace cannot be stopped by itself, see pid_namespaces(7)")
	}
	return nil
}

// outer adds a step that the intermediate does before the clone: with the
// caller's descriptors, and on behalf of the child, which inherits it.
func (l *list) outer(s Step) {
	s.how |= flagOuter
	l.add(s)
}

// enter is done by the intermediate: entering a PID namespace is for children
// only, and all that the child makes is to belong to the user namespace.
func (l *list) enter() {
	c := l.spec.Container
	if c == nil {
		return
	}
	if l.spec.scoreFirst() {
		l.early(l.oomScore)
	}
	if c.joins() {
		l.early(l.hide)
	}
	for _, n := range c.Enter {
		l.outer(Step{Verb: "enter namespace", Object: n.Name, Call: "setns", Nr: unix.SYS_SETNS, Args: []any{n.FD, uintptr(n.Kinds)}})
	}
}

// joins says that the child is seen by processes that are there already, before
// it executes: they share its PID namespace.
func (c *Container) joins() bool {
	return slices.ContainsFunc(c.Enter, func(n Namespace) bool { return n.Kinds&unix.CLONE_NEWPID != 0 })
}

// hide keeps them off what it is until then, a copy of the caller: without it
// who is of the same user there, or its root, could read and change it by
// ptrace(2) or /proc/PID/mem. Exec ends it, see PR_SET_DUMPABLE(2const).
func (l *list) hide() {
	l.do("hide", "", "prctl", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// scoreFirst says that the score for the killer is written before namespaces
// are entered: the file of who is hidden is root's; and only who is privileged
// outside says how far down it may go later, and would leave that at the
// caller's (oom_score_adj_min in the kernel's fs/proc/base.c).
func (s *Spec) scoreFirst() bool {
	c := s.Container
	return c != nil && s.OOMScoreAdjust != nil && (c.joins() || c.Map)
}

// early has steps done by the intermediate, of which the child inherits.
func (l *list) early(add func()) {
	first := len(l.steps)
	add()
	for i := range l.steps[first:] {
		l.steps[first+i].how |= flagOuter
	}
}

// time makes a time namespace, which only a child of its maker is in, and only
// one that does not share its memory: see Spec.Apart.
func (l *list) time() {
	c := l.spec.Container
	if c == nil || c.Namespaces&unix.CLONE_NEWTIME == 0 {
		return
	}
	first := len(l.steps)
	l.unshare("time namespace", unix.CLONE_NEWTIME)
	for _, o := range c.Offsets {
		seconds, rest := o.By/1e9, o.By%1e9
		if rest < 0 { // the kernel counts those from the second below
			seconds, rest = seconds-1, rest+1e9
		}
		text := o.Clock + " " + strconv.FormatInt(seconds, 10) + " " + strconv.FormatInt(rest, 10) + "\n"
		l.write("clock offset", o.Clock, unix.AT_FDCWD, "/proc/self/timens_offsets", text)
	}
	for i := range l.steps[first:] {
		l.steps[first+i].how |= flagOuter
	}
}

// Apart says that the process cannot be started but with memory of its own: it
// takes the Cow flavour. A debugger that attaches to a held one must not find
// the caller's memory, nor must a process of a container that it enters; a time
// namespace has a page of its own, and what is early must not reach the caller.
func (s *Spec) Apart() bool {
	c := s.Container
	return s.Hold || c != nil && (c.Namespaces&unix.CLONE_NEWTIME != 0 || c.joins() || s.scoreFirst())
}

// container is all that a container has over a process.
func (l *list) container() {
	c := l.spec.Container
	if c == nil {
		l.mounts()
		return
	}
	l.unshare("cgroup namespace", c.Namespaces&unix.CLONE_NEWCGROUP)
	l.names(c)
	if c.Loopback {
		l.loopback()
	}
	for _, s := range c.Settings {
		l.write("sysctl", s.Path, unix.AT_FDCWD, "/proc/sys/"+s.Path, s.Value)
	}
	l.outside(c)
	l.becomeRoot(c)
	l.keyring()
	l.inside(c)
}

// keyring leaves the caller's session keyring, which would be the container's
// too: no namespace parts it, see session-keyring(7).
func (l *list) keyring() {
	if !l.host.NoKeyrings {
		l.do("session keyring", "", "keyctl", unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0)
	}
}

// noKeyrings asks whether the kernel has them, and lets us have them.
func noKeyrings() bool {
	const make = 0 // one that is not there
	_, _, e := unix.RawSyscall(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uintptr(2), make)
	return e == unix.ENOSYS || e == unix.EPERM
}

func (l *list) unshare(verb string, kind uint64) {
	if kind != 0 {
		l.do(verb, "", "unshare", unix.SYS_UNSHARE, uintptr(kind))
	}
}

// becomeRoot makes the child the root of its user namespace. Who it was could
// reach every path of the caller's, but is nobody there, and nobody can make a
// file.
func (l *list) becomeRoot(c *Container) {
	if !c.Map {
		return
	}
	l.do("root of the user namespace", "", "setresgid", sysSetresgid, 0, 0, 0)
	l.do("root of the user namespace", "", "setresuid", sysSetresuid, 0, 0, 0)
}

func (l *list) names(c *Container) {
	if c.Hostname != "" {
		l.do("hostname", c.Hostname, "sethostname", unix.SYS_SETHOSTNAME, c.Hostname, len(c.Hostname))
	}
	if c.Domain != "" {
		l.do("domain name", c.Domain, "setdomainname", unix.SYS_SETDOMAINNAME, c.Domain, len(c.Domain))
	}
}

// loopback sets IFF_UP of the interface, see netdevice(7).
func (l *list) loopback() {
	l.add(Step{Verb: "loopback", Call: "socket", Nr: unix.SYS_SOCKET,
		Args: []any{unix.AF_INET, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC, 0}, how: flagSave})
	l.add(Step{Verb: "loopback", Call: "ioctl", Nr: unix.SYS_IOCTL, Args: []any{kept, unix.SIOCSIFFLAGS, upRequest("lo")}, how: flagUse})
	l.closeKept("loopback", "")
}

// upRequest is a struct ifreq that sets the flags of an interface to IFF_UP.
func upRequest(name string) []uint64 {
	request := make([]uint64, 5) // 40 bytes; the kernel's is that or less
	b := unsafe.Slice((*byte)(unsafe.Pointer(&request[0])), 40)
	copy(b[:unix.IFNAMSIZ-1], name)
	*(*uint16)(unsafe.Pointer(&b[unix.IFNAMSIZ])) = unix.IFF_UP
	return request
}
