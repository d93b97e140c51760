package manager

import "github.com/orderly-init/orderly/targets"

func (d *pairs) security(s *targets.Security) {
	d.capabilities("security.capabilities", s.Capabilities)
	d.capabilities("security.ambient_capabilities", s.AmbientCapabilities)
	var bits []string
	for n, name := range targets.SecurebitNames() {
		if s.Securebits&(1<<n) != 0 {
			bits = append(bits, name)
		}
	}
	d.list("security.securebits", bits)
	d.text("security.seccomp", s.Seccomp)
	d.flag("security.no_new_privileges", s.NoNewPrivileges)
	if s.NoASLR {
		d.add("security.aslr", "false")
	}
}

func (d *pairs) flag(key string, set bool) {
	if set {
		d.add(key, "true")
	}
}

// capabilities shows a list by its names; an empty one says so, since it is not the same as none written.
func (d *pairs) capabilities(key string, numbers []int) {
	var names []string
	for _, n := range numbers {
		names = append(names, targets.CapabilityNames()[n])
	}
	d.list(key, names)
	if numbers != nil && names == nil {
		d.add(key, "(none)")
	}
}
