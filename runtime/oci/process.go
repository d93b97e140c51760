package oci

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

func (r *reader) process(p *specs.Process) {
	s := &r.b.Process
	s.Args, s.Env, s.Dir = p.Args, p.Env, p.Cwd
	s.NoNewPrivileges, s.OOMScoreAdjust = p.NoNewPrivileges, p.OOMScoreAdj
	s.AppArmor, s.SELinux = p.ApparmorProfile, p.SelinuxLabel
	if len(p.Args) == 0 && !r.own.Command || len(p.Args) > 0 && p.Args[0] == "" {
		r.wrong("is needed: what is to be executed", "process", "args")
	}
	if p.Terminal && !r.own.Terminal {
		r.wrong(`needs to know which one: write terminal = "/dev/..." for the component, or false here`, "process", "terminal")
	}
	if c := p.ConsoleSize; c != nil && p.Terminal && c.Height|c.Width != 0 {
		r.wrong("is not supported: the size is the terminal's", "process", "consoleSize")
	}
	r.absolute(p.Cwd, "process", "cwd")
	for i, e := range p.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			r.wrong(fmt.Sprintf("%q is not NAME=value", e), "process", "env", i)
		}
	}
	if n := p.OOMScoreAdj; n != nil && (*n < -1000 || *n > 1000) {
		r.wrong(fmt.Sprintf("%d is not between -1000 and 1000", *n), "process", "oomScoreAdj")
	}
	r.user(&p.User)
	r.capabilities(p.Capabilities)
	r.limits(p.Rlimits)
	r.scheduler(p.Scheduler)
	r.ioPriority(p.IOPriority)
}

func (r *reader) user(u *specs.User) {
	c := &runtime.Credential{UID: u.UID, GID: u.GID, Groups: u.AdditionalGids}
	for _, id := range []struct {
		name string
		id   uint32
	}{{"uid", u.UID}, {"gid", u.GID}} {
		if id.id == ^uint32(0) {
			r.wrong("is no id: the kernel takes it for any", "process", "user", id.name)
		}
	}
	umask := 0o022
	if u.Umask != nil {
		umask = int(*u.Umask)
		if umask&^0o777 != 0 {
			r.wrong(fmt.Sprintf("%#o is not a mask of permissions", umask), "process", "user", "umask")
		}
	}
	r.b.Process.Credential, r.b.Process.Umask = c, &umask
}

// capabilities are none where the bundle says nothing of them, as in runc.
func (r *reader) capabilities(c *specs.LinuxCapabilities) {
	sets := &runtime.CapabilitySets{}
	r.b.Process.Sets = sets
	if c == nil {
		return
	}
	sets.Bounding = r.capabilitySet("bounding", c.Bounding)
	sets.Permitted = r.capabilitySet("permitted", c.Permitted)
	sets.Inheritable = r.capabilitySet("inheritable", c.Inheritable)
	sets.Effective = r.capabilitySet("effective", c.Effective, sets.Permitted)
	r.b.Process.Ambient = r.capabilitySet("ambient", c.Ambient, sets.Permitted, sets.Inheritable)
}

// capabilitySet are the numbers of names. One that cannot be granted the spec has left out with a warning: that of no kernel, and what
// is not in the other sets that it must be in, see capabilities(7).
func (r *reader) capabilitySet(set string, names []string, within ...[]int) []int {
	list := []int{}
	for i, name := range names {
		n, ok := runtime.CapabilityOf(strings.TrimPrefix(name, "CAP_"))
		lacks := func(of []int) bool { return !slices.Contains(of, n) }
		switch {
		case !ok || !strings.HasPrefix(name, "CAP_"):
			r.unused(fmt.Sprintf("%q is not a capability: left out", name), "process", "capabilities", set, i)
		case slices.ContainsFunc(within, lacks):
			r.unused(fmt.Sprintf("%s is not in the sets that it must be in too: left out", name), "process", "capabilities", set, i)
		case !slices.Contains(list, n):
			list = append(list, n)
		}
	}
	return list
}

// limitNames are those of getrlimit(2), in the order of their numbers.
func limitNames() []string {
	return strings.Fields("CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME")
}

func (r *reader) limits(list []specs.POSIXRlimit) {
	seen := map[int]bool{}
	for i, l := range list {
		n := slices.Index(limitNames(), strings.TrimPrefix(l.Type, "RLIMIT_"))
		switch {
		case n < 0 || !strings.HasPrefix(l.Type, "RLIMIT_"):
			r.wrong(fmt.Sprintf("%q is not a limit of getrlimit(2)", l.Type), "process", "rlimits", i, "type")
		case seen[n]:
			r.wrong(l.Type+" is there twice", "process", "rlimits", i, "type")
		case l.Soft > l.Hard:
			r.wrong(fmt.Sprintf("%d is above hard", l.Soft), "process", "rlimits", i, "soft")
		}
		seen[n] = true
		r.b.Process.Limits = append(r.b.Process.Limits, runtime.Limit{Resource: n, Soft: l.Soft, Hard: l.Hard})
	}
}

func (r *reader) scheduler(c *specs.Scheduler) {
	if c == nil {
		return
	}
	s := &r.b.Process
	at := []any{"process", "scheduler"}
	realtime, deadline := false, false
	switch c.Policy {
	case specs.SchedOther, specs.SchedBatch, specs.SchedIdle:
		numbers := map[specs.LinuxSchedulerPolicy]int{specs.SchedOther: unix.SCHED_NORMAL, specs.SchedBatch: unix.SCHED_BATCH, specs.SchedIdle: unix.SCHED_IDLE}
		nice := int(c.Nice)
		s.Scheduler, s.Nice = &runtime.Scheduler{Policy: numbers[c.Policy]}, &nice
	case specs.SchedFIFO, specs.SchedRR:
		realtime = true
		s.Scheduler = &runtime.Scheduler{Policy: unix.SCHED_FIFO, Priority: int(c.Priority)}
		if c.Policy == specs.SchedRR {
			s.Scheduler.Policy = unix.SCHED_RR
		}
	case specs.SchedDeadline:
		deadline = true
		s.Deadline = &runtime.Deadline{Runtime: time.Duration(c.Runtime), Deadline: time.Duration(c.Deadline), Period: time.Duration(c.Period)}
	default:
		r.wrong(fmt.Sprintf("%q is not a policy of Linux, see sched(7)", c.Policy), append(at, "policy")...)
		return
	}
	for _, x := range []struct {
		key   string
		wrong bool
		what  string
	}{
		{"nice", c.Nice < -20 || c.Nice > 19, "is not between -20 and 19"},
		{"nice", c.Nice != 0 && (realtime || deadline), "is not for this policy"},
		{"priority", realtime && (c.Priority < 1 || c.Priority > 99), "is not between 1 and 99"},
		{"priority", !realtime && c.Priority != 0, "is not for this policy"},
		{"runtime", deadline && (c.Runtime == 0 || c.Runtime > c.Deadline || c.Deadline > c.Period || c.Period >= 1<<63), "must be at most the deadline, and that the period"},
		{"runtime", !deadline && c.Runtime|c.Deadline|c.Period != 0, "is not for this policy"},
	} {
		if x.wrong {
			r.wrong(x.what, append(at, x.key)...)
		}
	}
	for i, flag := range c.Flags {
		if !deadline || flag != specs.SchedFlagResetOnFork {
			r.wrong(fmt.Sprintf("%q is not supported", flag), append(at, "flags", i)...)
		}
	}
}

func (r *reader) ioPriority(p *specs.LinuxIOPriority) {
	if p == nil {
		return
	}
	classes := []specs.IOPriorityClass{specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE}
	n := slices.Index(classes, p.Class)
	if n < 0 {
		r.wrong(fmt.Sprintf("%q is not a class of ioprio_set(2)", p.Class), "process", "ioPriority", "class")
	}
	if p.Priority < 0 || p.Priority > 7 {
		r.wrong("is not between 0 and 7", "process", "ioPriority", "priority")
	}
	r.b.Process.IO = &runtime.IOPriority{Class: n + 1, Level: p.Priority}
}
