package oci

import (
	"fmt"
	goruntime "runtime"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime/calls"
	"github.com/orderly-init/orderly/runtime/seccomp"
)

// seccomp compiles the filter for the machine's own system calls.
func (r *reader) seccomp(s *specs.LinuxSeccomp) {
	if s == nil {
		return
	}
	before := len(r.problems)
	p := seccomp.Profile{Default: r.action(s.DefaultAction, s.DefaultErrnoRet, "linux", "seccomp", "defaultAction")}
	known := calls.Names()
	for i := range s.Syscalls {
		p.Rules = append(p.Rules, r.rules(i, &s.Syscalls[i], p.Default, known)...)
	}
	// one without conditions is for the call whatever others say of its arguments, as in libseccomp
	slices.SortStableFunc(p.Rules, func(a, b seccomp.Rule) int { return min(len(a.If), 1) - min(len(b.If), 1) })
	if r.own.PlainTCP {
		p.Rules = slices.Concat(seccomp.PlainTCP(), p.Rules)
	}
	r.architectures(s.Architectures)
	flags := r.filterFlags(s.Flags)
	if len(r.problems) > before {
		return
	}
	arch, ok := calls.Of(goruntime.GOARCH)
	if !ok {
		r.wrong("no system calls are known of "+goruntime.GOARCH, "linux", "seccomp")
		return
	}
	code, err := seccomp.Compile(p, arch)
	if err != nil {
		r.wrong(err.Error(), "linux", "seccomp")
	}
	r.b.Process.Filter, r.b.Process.FilterFlags, r.b.Process.FilterEarly = code, flags, true
}

// architectures tells which are listed and yet not filtered but killed.
func (r *reader) architectures(list []specs.Arch) {
	own := map[string]specs.Arch{"amd64": specs.ArchX86_64, "arm64": specs.ArchAARCH64, "arm": specs.ArchARM}[goruntime.GOARCH]
	for i, a := range list {
		if a != own {
			r.unused(string(a)+" is not allowed: a call of that ABI kills the process", "linux", "seccomp", "architectures", i)
		}
	}
}

func (r *reader) filterFlags(list []specs.LinuxSeccompFlag) (flags uintptr) {
	known := map[specs.LinuxSeccompFlag]uintptr{
		"SECCOMP_FILTER_FLAG_TSYNC": unix.SECCOMP_FILTER_FLAG_TSYNC, specs.LinuxSeccompFlagLog: unix.SECCOMP_FILTER_FLAG_LOG,
		specs.LinuxSeccompFlagSpecAllow: unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	}
	for i, f := range list {
		bit, ok := known[f]
		if !ok {
			r.wrong(fmt.Sprintf("%q is not supported", f), "linux", "seccomp", "flags", i)
		}
		flags |= bit
	}
	return flags
}

// rules are those of one entry. What says the same as the default says nothing, as in libseccomp.
func (r *reader) rules(i int, s *specs.LinuxSyscall, otherwise seccomp.Action, known []string) []seccomp.Rule {
	at := []any{"linux", "seccomp", "syscalls", i}
	action := r.action(s.Action, s.ErrnoRet, append(at, "action")...)
	if len(s.Names) == 0 {
		r.wrong("is needed", append(at, "names")...)
	}
	for n, name := range s.Names {
		if _, is := slices.BinarySearch(known, name); is || action == seccomp.Allow || action == seccomp.Log {
			continue // without it the filter is stricter
		}
		r.wrong(fmt.Sprintf("%q is not a system call: it would not be forbidden", name), append(at, "names", n)...)
	}
	if action == otherwise {
		return nil
	}
	conditions := make([]seccomp.Condition, 0, len(s.Args))
	for n := range s.Args {
		conditions = append(conditions, r.condition(i, n, &s.Args[n]))
	}
	return split(seccomp.Rule{Names: s.Names, Action: action, If: conditions})
}

// split makes a rule for each condition where two are on one argument: either of them is enough then.
func split(all seccomp.Rule) []seccomp.Rule {
	seen, twice := map[int]bool{}, false
	for _, c := range all.If {
		twice, seen[c.Index] = twice || seen[c.Index], true
	}
	if !twice {
		return []seccomp.Rule{all}
	}
	var list []seccomp.Rule
	for _, c := range all.If {
		list = append(list, seccomp.Rule{Names: all.Names, Action: all.Action, If: []seccomp.Condition{c}})
	}
	return list
}

func (r *reader) condition(i, n int, a *specs.LinuxSeccompArg) seccomp.Condition {
	at := []any{"linux", "seccomp", "syscalls", i, "args", n}
	if a.Index > 5 {
		r.wrong("a system call has the arguments 0 to 5", append(at, "index")...)
		return seccomp.Condition{}
	}
	c := seccomp.Condition{Index: int(a.Index), Value: a.Value}
	operators := map[specs.LinuxSeccompOperator]seccomp.Compare{
		specs.OpEqualTo: seccomp.Equal, specs.OpNotEqual: seccomp.NotEqual, specs.OpLessThan: seccomp.Less, specs.OpLessEqual: seccomp.LessOrEqual,
		specs.OpGreaterThan: seccomp.Greater, specs.OpGreaterEqual: seccomp.GreaterOrEqual, specs.OpMaskedEqual: seccomp.Masked,
	}
	op, ok := operators[a.Op]
	if !ok {
		r.wrong(fmt.Sprintf("%q is not a comparison", a.Op), append(at, "op")...)
	}
	c.Compare = op
	if op == seccomp.Masked { // "under the mask Value it is ValueTwo"
		c.Mask, c.Value = a.Value, a.ValueTwo
	}
	return c
}

// action is SECCOMP_RET_* with its data, see seccomp(2).
func (r *reader) action(a specs.LinuxSeccompAction, errno *uint, way ...any) seccomp.Action {
	number := uint32(unix.EPERM)
	if errno != nil {
		number = uint32(*errno)
	}
	if errno != nil && (*errno > 0xffff || a == specs.ActErrno && *errno > 4095) {
		r.wrong("has a number of an error that the kernel does not know", way...)
	}
	switch a {
	case specs.ActAllow:
		return seccomp.Allow
	case specs.ActLog:
		return seccomp.Log
	case specs.ActKill, specs.ActKillThread:
		return seccomp.KillThread
	case specs.ActKillProcess:
		return seccomp.Kill
	case specs.ActTrap:
		return seccomp.Trap
	case specs.ActErrno:
		return seccomp.Errno(number)
	case specs.ActTrace:
		return seccomp.Trace(number)
	}
	r.wrong(fmt.Sprintf("%q is not supported", a), way...)
	return seccomp.Kill
}
