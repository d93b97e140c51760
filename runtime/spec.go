package runtime

// Spec is one process as plain data. The descriptors in it are the caller's;
// they must stay open until the Slot of the start is done.
type Spec struct {
	// Path is the file to execute; see LookPath.
	Path string
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

// Infinity is the value of a limit that does not limit, RLIM64_INFINITY.
const Infinity = ^uint64(0)

// args are the arguments that exec gets: the kernel warns about an empty list.
func (s *Spec) args() []string {
	if len(s.Args) == 0 {
		return []string{s.Path}
	}
	return s.Args
}
