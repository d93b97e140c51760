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

// filters are the filters of system calls of a configuration. Each is made once, since that takes longer than a
// start, and is shared by all that have the same: it is some kilobytes.
type filters struct {
	of   *targets.Config
	code map[filterKey][]uint64
}

// filterKey is what a filter is made from: what is written, for the default filter the capabilities too, and whether
// TCP is restricted.
type filterKey struct {
	seccomp, capabilities string
	tcp                   bool
}

// filter makes the filter of a component, nil where it has none.
func (m *Manager) filter(u *unit) ([]uint64, error) {
	s := &u.def.Security
	if s.Seccomp == "" && !s.Landlock.RestrictsTCP() {
		return nil, nil
	}
	if m.filters.of != m.config {
		m.filters = filters{m.config, map[filterKey][]uint64{}}
	}
	key := filterKey{seccomp: s.Seccomp, tcp: s.Landlock.RestrictsTCP()}
	if s.Seccomp != "" && s.Filter == nil {
		key.capabilities = strings.Join(allowedCapabilities(s), " ")
	}
	if code := m.filters.code[key]; code != nil {
		return code, nil
	}
	code, err := compile(s)
	if err == nil {
		m.filters.code[key] = code
	}
	return code, err
}

// onlyPlainTCP says whether a component has a filter for what Landlock needs, and for nothing else.
func onlyPlainTCP(s *targets.Security) bool { return s.Seccomp == "" && s.Landlock.RestrictsTCP() }

func compile(s *targets.Security) ([]uint64, error) {
	arch, ok := calls.Of(goruntime.GOARCH)
	if !ok {
		return nil, fmt.Errorf("no system calls are known of %s", goruntime.GOARCH)
	}
	p, err := profile(s)
	if err != nil {
		return nil, err
	}
	return seccomp.Compile(p, arch)
}

// profile is what the configuration says of system calls, in the words of the filter. What Landlock needs goes before
// what is written.
func profile(s *targets.Security) (seccomp.Profile, error) {
	p, err := ownProfile(s)
	if s.Landlock.RestrictsTCP() {
		p.Rules = slices.Concat(seccomp.PlainTCP(), p.Rules)
	}
	return p, err
}

func ownProfile(s *targets.Security) (seccomp.Profile, error) {
	f := s.Filter
	switch {
	case s.Seccomp == "":
		return seccomp.Profile{Default: seccomp.Allow}, nil
	case f == nil:
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
