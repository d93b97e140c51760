package targets

import (
	"slices"
	"strconv"
)

// step is a part of a start that optional_steps can name, by the key that it carries out.
type step struct {
	name string
	has  func(*Component) bool
}

func optionalSteps() []step {
	return []step{
		{"aslr", func(c *Component) bool { return c.Security.NoASLR }},
		{"apparmor_label", func(c *Component) bool { return c.Security.AppArmorLabel != "" }},
		{"cpus", func(c *Component) bool { return c.Scheduling.CPUs != nil }},
		{"io_class", func(c *Component) bool { return c.Scheduling.IOClass != "" }},
		{"landlock", func(c *Component) bool { return c.Security.Landlock != nil }},
		{"limits", func(c *Component) bool { return len(c.Limits) > 0 }},
		{"nice", func(c *Component) bool { return c.Scheduling.Nice != nil }},
		{"oom_score_adjust", func(c *Component) bool { return c.Scheduling.OOMScoreAdjust != nil }},
		{"policy", func(c *Component) bool { return c.Scheduling.Policy != "" }},
		{"private_devices", func(c *Component) bool { return c.Security.PrivateDevices }},
		{"private_tmp", func(c *Component) bool { return c.Security.PrivateTmp }},
		{"read_only_paths", func(c *Component) bool { return len(c.Security.ReadOnlyPaths) > 0 }},
		{"resources", func(c *Component) bool { return c.Resources.Written() }},
		{"seccomp", func(c *Component) bool { return c.Security.Seccomp != "" && c.Security.Seccomp != seccompNone }},
		{"securebits", func(c *Component) bool { return c.Security.Securebits != 0 }},
		{"selinux_label", func(c *Component) bool { return c.Security.SELinuxLabel != "" }},
	}
}

// OptionalStepNames are all that optional_steps takes. Ids, capabilities and no_new_privileges are not among them: a
// process that keeps what it was to lose is not degraded but wrong.
func OptionalStepNames() []string {
	var names []string
	for _, s := range optionalSteps() {
		names = append(names, s.name)
	}
	return names
}

// optionalSteps reads a list of names, sorted.
func (v value) optionalSteps(to *[]string) {
	names := OptionalStepNames()
	var list []string
	seen := map[string]bool{}
	v.list(&list, func(e value, to *string) bool {
		name, ok := e.string()
		switch {
		case !ok:
		case !slices.Contains(names, name):
			e.fault(strconv.Quote(name)+" is not a step that can be optional", meant(name, names))
			ok = false
		case seen[name]:
			e.fault(strconv.Quote(name)+" is listed twice", "")
			ok = false
		}
		*to, seen[name] = name, true
		return ok
	})
	if list != nil {
		slices.Sort(list)
		*to = list
	}
}

// checkOptional refuses names of steps that the component does not have; those of its defaults may be idle.
func (v value) checkOptional(own map[string]any, c *Component) {
	list, _ := own["optional_steps"].([]any)
	for _, s := range optionalSteps() {
		if slices.Contains(list, any(s.name)) && !s.has(c) {
			v.l.fault(v.path()+".optional_steps", atValue, strconv.Quote(s.name)+" is not a step of this component", "it does not set "+s.name)
		}
	}
}
