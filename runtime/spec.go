package runtime

// Spec is one process as plain data. The descriptors in it are the caller's;
// they must stay open until the Slot of the start is done.
type Spec struct {
	// Path is the file to execute; see LookPath.
	Path string
	// Actions are what the process does instead of executing a file. It then
	// exits with 0; the first that fails is the step that failed.
	Actions []Action
	// Args are the arguments, the name first; none: Path alone.
	Args []string
	// Env is the whole environment, exactly as given.
	Env []string
	// Dir is the working directory; empty: the caller's.
	Dir string
	// Credential is who the process is; nil: who the caller is.
	Credential *Credential
	// Umask is the file mode creation mask; nil: 0022.
	Umask *int
	// Files are the descriptors that the process has. Of 0, 1 and 2 those that
	// are absent become Terminal, else /dev/null. All others are closed.
	Files []File
	// Terminal is the path of the terminal that controls the session; empty:
	// none. One that still belongs to another session is taken, if permitted.
	Terminal string
	// Limits are resource limits, see getrlimit(2). Without one for
	// RLIMIT_NOFILE the process gets what the caller was started with.
	Limits []Limit
	// OOMScoreAdjust is between -1000 and 1000, see proc_pid_oom_score_adj(5);
	// nil: the caller's.
	OOMScoreAdjust *int
	// Nice is between -20 and 19, see setpriority(2); nil: the caller's.
	Nice *int
	// Scheduler is the scheduling policy, see sched(7); nil: the caller's.
	Scheduler *Scheduler
	// Deadline is policy SCHED_DEADLINE, instead of Scheduler; nil: none.
	Deadline *Deadline
	// CPUs are the processors that the process may use, see
	// sched_setaffinity(2); none: the caller's. The kernel leaves out those
	// that it does not have, and refuses when none is left.
	CPUs []int
	// IO is the priority of reads and writes, see ioprio_set(2); nil: the
	// caller's.
	IO *IOPriority
	// Capabilities are those that the process and all that it executes can
	// have, by number: the bounding set, and what is permitted, effective and
	// inheritable until the exec. That leaves them to root; to others only what
	// is ambient. nil: as the caller's; empty: none.
	Capabilities []int
	// Sets are the capabilities set by set, instead of the one list; nil: not.
	Sets *CapabilitySets
	// Ambient are the capabilities that outlive the exec whoever the process
	// is, see capabilities(7). Without Capabilities the bounding set stays.
	Ambient []int
	// NoNewPrivileges makes set-user-ID programs and file capabilities give
	// nothing, see PR_SET_NO_NEW_PRIVS(2const).
	NoNewPrivileges bool
	// Securebits are those of capabilities(7) that hold after the exec; 0: the
	// caller's.
	Securebits uint32
	// NoASLR leaves the addresses of the program where they are, see
	// ADDR_NO_RANDOMIZE in personality(2).
	NoASLR bool
	// Domain is the execution domain, PER_* of personality(2); 0: the caller's.
	Domain uint32
	// Filter is what the kernel runs at each system call, words of struct
	// sock_filter as of seccomp(2); none: no filter. It must allow execve and
	// exit_group. Without CAP_SYS_ADMIN it brings NoNewPrivileges with it.
	Filter []uint64
	// FilterFlags are SECCOMP_FILTER_FLAG_*. FilterEarly puts the filter in
	// force before the ids are set, by the right to it that the process has
	// then, instead of NoNewPrivileges: it must allow the rest of the start.
	FilterFlags uintptr
	FilterEarly bool
	// AppArmor is the profile and SELinux the context that the program has;
	// empty: what the policy says. See aa_change_onexec(2), setexeccon(3).
	AppArmor, SELinux string
	// ReadOnly are paths that the process cannot change, with all below them.
	ReadOnly []string
	// PrivateTmp gives it a /tmp and /var/tmp of its own, PrivateDevices a /dev
	// that has no device of the machine's.
	PrivateTmp, PrivateDevices bool
	// Landlock restricts it further; nil: not.
	Landlock *Landlock
	// Container gives it namespaces and a root of its own; nil: it is a plain
	// process. ReadOnly, PrivateTmp and PrivateDevices are then not looked at.
	Container *Container
	// Optional is a set of bits 1<<Part: those may fail.
	Optional uint32
	// Attached leaves it in the caller's session and process group, with the
	// terminal that they have.
	Attached bool
	// NoInput keeps it, and all that it starts, from typing into that terminal.
	NoInput bool
	// Hold stops the process before it executes; SIGCONT lets it go on.
	Hold bool
	// Cgroup is the descriptor of the cgroup v2 directory that the process
	// starts in; 0 or less: the caller's cgroup.
	Cgroup int
}

// Credential is the user and the groups of a process. Groups are all of the
// supplementary ones; empty: none.
type Credential struct {
	UID, GID uint32
	Groups   []uint32
}

// CapabilitySets are those of capabilities(7) before the exec, by number.
type CapabilitySets struct {
	Bounding, Permitted, Effective, Inheritable []int
}

// File is a descriptor of the process: Child is its number there, FD the
// caller's number of the same open file.
type File struct {
	Child, FD int
}

// Limit is one resource limit, see getrlimit(2). Unlimited is Infinity.
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// Scheduler is a policy, SCHED_OTHER and so on, and its static priority: 1 to
// 99 for SCHED_FIFO and SCHED_RR, 0 for the others.
type Scheduler struct {
	Policy, Priority int
}

// IOPriority is a class of the kernel's and a level in it: realtime is 1 and
// best effort 2, from 0, the highest, to 7; idle is 3.
type IOPriority struct {
	Class, Level int
}

// Infinity is the value of a limit that does not limit, RLIM64_INFINITY.
const Infinity = ^uint64(0)

// args are the arguments that exec gets: the kernel warns about an empty list.
func (s *Spec) args() []string {
	if len(s.Args) == 0 {
		return []string{s.Path}
	}
	return s.Args
}

// subject is what the process is about, for errors.
func (s *Spec) subject() string {
	if len(s.Actions) > 0 {
		return s.Actions[0].verb()
	}
	return s.Path
}
