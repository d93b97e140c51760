package manager

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/runtime/calls"
	"github.com/orderly-init/orderly/runtime/seccomp"
	"github.com/orderly-init/orderly/targets"
)

// filter is the filter of a component's system calls: made once for a definition, since that takes longer than a
// start.
type filter struct {
	of   *targets.Component
	code []uint64
}

// filter makes the filter of a component, nil where it has none.
func (m *Manager) filter(u *unit) ([]uint64, error) {
	if u.def.Security.Seccomp == "" {
		return nil, nil
	}
	if u.filter.of == u.def {
		return u.filter.code, nil
	}
	arch, ok := calls.Of(goruntime.GOARCH)
	if !ok {
		return nil, fmt.Errorf("no system calls are known of %s", goruntime.GOARCH)
	}
	p, err := profile(&u.def.Security)
	if err != nil {
		return nil, err
	}
	code, err := seccomp.Compile(p, arch)
	if err == nil {
		u.filter = filter{u.def, code}
	}
	return code, err
}

// profile is what the configuration says of system calls, in the words of the filter.
func profile(s *targets.Security) (seccomp.Profile, error) {
	f := s.Filter
	if f == nil {
		return seccomp.Default(allowedCapabilities(s))
	}
	fails := seccomp.Errno(uint32(f.Error))
	p := seccomp.Profile{Default: fails, Rules: []seccomp.Rule{
		{Names: f.Allow, Action: seccomp.Allow}, {Names: f.Errno, Action: fails}, {Names: f.Kill, Action: seccomp.Kill},
	}}
	switch f.Default {
	case "allow":
		p.Default = seccomp.Allow
	case "kill":
		p.Default = seccomp.Kill
	}
	return p, nil
}

// allowedCapabilities are those that the default filter leaves the system calls for: the ones that are written. A
// component that says nothing of capabilities is filtered as one that has none, like a container.
func allowedCapabilities(s *targets.Security) []string {
	var names []string
	for n, name := range targets.CapabilityNames() {
		if slices.Contains(s.Capabilities, n) || slices.Contains(s.AmbientCapabilities, n) {
			names = append(names, "CAP_"+strings.ToUpper(name))
		}
	}
	return names
}
