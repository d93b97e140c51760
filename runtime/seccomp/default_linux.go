package seccomp

import (
	"fmt"

	profile "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Default is the profile that container engines give their containers, for a
// process that can have these capabilities (named as in capabilities(7), with
// CAP_) and for the running kernel.
func Default(capabilities []string) (Profile, error) {
	spec := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: capabilities}}}
	found, err := profile.GetDefaultProfile(spec)
	if err != nil {
		return Profile{}, fmt.Errorf("default seccomp profile: %w", err)
	}
	p := Profile{}
	if p.Default, err = actionOf(found.DefaultAction, found.DefaultErrnoRet); err != nil {
		return Profile{}, err
	}
	for i := range found.Syscalls {
		r, err := ruleOf(&found.Syscalls[i])
		if err != nil {
			return Profile{}, err
		}
		p.Rules = append(p.Rules, r)
	}
	return p, nil
}

func ruleOf(s *specs.LinuxSyscall) (Rule, error) {
	r := Rule{Names: s.Names}
	var err error
	if r.Action, err = actionOf(s.Action, s.ErrnoRet); err != nil {
		return r, err
	}
	for _, a := range s.Args {
		c := Condition{Index: int(a.Index), Value: a.Value}
		if c.Compare, err = compareOf(a.Op); err != nil {
			return r, err
		}
		if c.Compare == Masked { // "under the mask Value it is ValueTwo"
			c.Mask, c.Value = a.Value, a.ValueTwo
		}
		r.If = append(r.If, c)
	}
	return r, nil
}

func actionOf(a specs.LinuxSeccompAction, errno *uint) (Action, error) {
	switch a {
	case specs.ActAllow:
		return Allow, nil
	case specs.ActLog:
		return Log, nil
	case specs.ActKill, specs.ActKillProcess:
		return Kill, nil
	case specs.ActErrno:
		if errno != nil {
			return Errno(uint32(*errno)), nil
		}
		return Errno(uint32(unix.EPERM)), nil
	}
	return 0, fmt.Errorf("default seccomp profile: action %s: unknown", a)
}

func compareOf(op specs.LinuxSeccompOperator) (Compare, error) {
	switch op {
	case specs.OpEqualTo:
		return Equal, nil
	case specs.OpNotEqual:
		return NotEqual, nil
	case specs.OpLessThan:
		return Less, nil
	case specs.OpLessEqual:
		return LessOrEqual, nil
	case specs.OpGreaterThan:
		return Greater, nil
	case specs.OpGreaterEqual:
		return GreaterOrEqual, nil
	case specs.OpMaskedEqual:
		return Masked, nil
	}
	return 0, fmt.Errorf("default seccomp profile: comparison %s: unknown", op)
}
