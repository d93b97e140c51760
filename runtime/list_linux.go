package runtime

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// list is a spawn list in the making.
type list struct {
	spec  *Spec
	host  *Host
	steps []Step
}

// Steps is all that the child does, in order. The first is its own clone,
// unless it enters namespaces: its parent does that for it.
//
// The order is not free. The table of descriptors is the child's own, and
// small, before anything is opened. Everything that needs privilege or writes
// to /proc/self comes before the ids, and before Landlock, to which no mount is
// made and no file opened any more; the working directory after them and the
// capabilities, since it may be where only the user has access. Limits
// come when nothing more is opened, and before the scheduling, which some of
// them permit. Signals are unblocked last, and the filter of system calls is in
// force for the exec alone.
func (s *Spec) Steps(h Host) []Step {
	l := &list{spec: s, host: &h, steps: make([]Step, 0, s.expect())}
	l.enter()
	l.time()
	l.clone()
	l.ownTable()
	l.cgroup()
	l.files()
	l.session()
	l.standard()
	if !s.scoreFirst() {
		l.oomScore()
	}
	l.labels()
	l.container()
	l.input()
	l.noNewPrivileges()
	l.landlock()
	l.limits()
	l.scheduling()
	l.as(ASLRPart, l.aslr)
	l.domain()
	l.umask()
	l.as(FilterPart, l.earlyFilter)
	l.bounding()
	l.credential()
	l.capabilities()
	l.directory()
	l.lastGate()
	l.hold()
	l.signals()
	l.as(FilterPart, l.filter)
	l.exec()
	l.soften()
	return l.steps
}

func (l *list) add(s Step) { l.steps = append(l.steps, s) }

// do adds a system call that must succeed.
func (l *list) do(verb, object, call string, nr uintptr, args ...any) {
	l.add(Step{Verb: verb, Object: object, Call: call, Nr: nr, Args: args})
}

// write adds open, write, close: text into a file of the kernel's.
func (l *list) write(verb, object string, dir int, file, text string) {
	l.add(Step{Verb: verb, Object: object, Call: "openat", Nr: unix.SYS_OPENAT,
		Args: []any{dir, file, unix.O_WRONLY | unix.O_CLOEXEC}, how: flagSave})
	l.add(Step{Verb: verb, Object: object, Call: "write", Nr: unix.SYS_WRITE,
		Args: []any{kept, text, len(text)}, how: flagUse})
	l.closeKept(verb, object)
}

func (l *list) closeKept(verb, object string) {
	l.add(Step{Verb: verb, Object: object, Call: "close", Nr: unix.SYS_CLOSE, Args: []any{kept}, how: flagUse})
}

// cgroup moves the child where clone cannot place it. "0" is the writer, see
// cgroups(7).
func (l *list) cgroup() {
	if l.host.Flavour != Cow || l.spec.Cgroup <= 0 {
		return
	}
	l.write("enter cgroup", "", l.spec.Cgroup, "cgroup.procs", "0")
}

func (l *list) session() {
	if !l.spec.Attached {
		l.do("new session", "", "setsid", unix.SYS_SETSID)
	}
}

func (l *list) limits() {
	given := false
	for _, r := range l.spec.Limits {
		l.as(LimitsPart, func() { l.limit(r) })
		given = given || r.Resource == unix.RLIMIT_NOFILE
	}
	if !given && l.host.OpenFiles.Hard != 0 {
		l.limit(l.host.OpenFiles)
	}
}

func (l *list) limit(r Limit) {
	l.do("limit", resource(r.Resource), "prlimit64", unix.SYS_PRLIMIT64,
		0, r.Resource, []uint64{r.Soft, r.Hard}, 0)
}

// resource is the name of a resource limit, as in the numbers of getrlimit(2).
func resource(n int) string {
	names := [...]string{"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock",
		"as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"}
	if n < 0 || n >= len(names) {
		return strconv.Itoa(n)
	}
	return names[n]
}

// oomScore is safe in a vfork child only: else the kernel gives the value to
// every process that shares the memory, the caller too.
func (l *list) oomScore() {
	if n := l.spec.OOMScoreAdjust; n != nil {
		text := strconv.Itoa(*n)
		l.as(OOMScorePart, func() { l.write("oom score", text, unix.AT_FDCWD, "/proc/self/oom_score_adj", text) })
	}
}

func (l *list) umask() {
	mask := 0o022
	if l.spec.Umask != nil {
		mask = *l.spec.Umask
	}
	l.do("umask", "0"+strconv.FormatInt(int64(mask), 8), "umask", unix.SYS_UMASK, mask)
}

// credential sets the groups first: without the user's privileges it could not.
func (l *list) credential() {
	c := l.spec.Credential
	if c == nil {
		return
	}
	uid, gid := uintptr(c.UID), uintptr(c.GID)
	l.keepCapabilities()
	l.do("set groups", "", "setgroups", sysSetgroups, len(c.Groups), c.Groups)
	l.do("set group", strconv.FormatUint(uint64(c.GID), 10), "setresgid", sysSetresgid, gid, gid, gid)
	l.do("set user", strconv.FormatUint(uint64(c.UID), 10), "setresuid", sysSetresuid, uid, uid, uid)
}

func (l *list) directory() {
	if d := l.spec.Dir; d != "" {
		l.do("chdir", d, "chdir", unix.SYS_CHDIR, d)
	}
}

// signals sets what is ignored to its default. A copy of the caller (cow)
// still has Go's handlers, which must not run once signals are unblocked. They
// stay blocked for a container's init: it waits for them, and the kernel drops
// what the first process of a namespace has no handler for.
func (l *list) signals() {
	reset := l.host.Ignored
	if l.host.Flavour == Cow {
		reset = catchable()
	}
	if len(reset) > 0 {
		l.add(Step{Verb: "default signals", Call: "rt_sigaction", Nr: unix.SYS_RT_SIGACTION, Each: reset,
			Args: []any{make([]uint64, sigactionWords), 0, sigsetSize}})
	}
	verb, blocked := "unblock signals", uint64(0)
	if l.spec.Container != nil && l.spec.Container.Init > 0 {
		verb, blocked = "block signals", ^blocked
	}
	l.do(verb, "", "rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, []uint64{blocked}, 0, sigsetSize)
}

// hold comes before the filter of system calls, which need not allow it.
func (l *list) hold() {
	if !l.spec.Hold {
		return
	}
	l.add(Step{Verb: "hold", Call: "getpid", Nr: unix.SYS_GETPID, how: flagSave})
	l.add(Step{Verb: "hold", Call: "kill", Nr: unix.SYS_KILL, Args: []any{kept, int(unix.SIGSTOP)}, how: flagUse})
}

func catchable() []int {
	var all []int
	for sig := 1; sig <= signals; sig++ {
		if sig != int(unix.SIGKILL) && sig != int(unix.SIGSTOP) {
			all = append(all, sig)
		}
	}
	return all
}

// exec ends the list: with the program, or with the actions and a good end.
func (l *list) exec() {
	s := l.spec
	if len(s.Actions) > 0 {
		l.actions()
		return
	}
	if s.Container != nil && s.Container.Init > 0 {
		l.execInit()
		return
	}
	l.do("exec", s.Path, "execve", unix.SYS_EXECVE, s.Path, s.args(), s.Env)
}

// expect is about how many steps there will be, rather more than fewer: the
// list is some kilobytes, and would be copied.
func (s *Spec) expect() int {
	n := 32
	if s.Capabilities != nil {
		n += 36
	}
	c := s.Container
	if c == nil {
		return n
	}
	return n + 24 + 3*len(c.Mounts) + len(c.Nodes) + len(c.Links) + 4*len(c.Masked) + 2*len(c.ReadOnly)
}
