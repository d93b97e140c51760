package targets

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Landlock is the landlock table: what a process may do to files and with TCP (landlock(7)). Of what is nil nothing
// is restricted; of Read, Write and Execute all are, or none.
type Landlock struct {
	Read, Write, Execute []string // absolute paths, with all below them
	TCPBind, TCPConnect  []int    // ports
}

// RestrictsTCP reports whether it forbids some of TCP; nil does not.
func (l *Landlock) RestrictsTCP() bool { return l != nil && (l.TCPBind != nil || l.TCPConnect != nil) }

func landlockFields() []field[Landlock] {
	return []field[Landlock]{
		{"read", func(v value, l *Landlock) { v.paths(&l.Read) }},
		{"write", func(v value, l *Landlock) { v.paths(&l.Write) }},
		{"execute", func(v value, l *Landlock) { v.paths(&l.Execute) }},
		{"tcp_bind", func(v value, l *Landlock) { v.ports(&l.TCPBind) }},
		{"tcp_connect", func(v value, l *Landlock) { v.ports(&l.TCPConnect) }},
	}
}

func sandboxFields() []field[Security] {
	return []field[Security]{
		{"landlock", readLandlock},
		{"apparmor_label", func(v value, s *Security) { v.label(&s.AppArmorLabel) }},
		{"selinux_label", func(v value, s *Security) { v.label(&s.SELinuxLabel) }},
		{"read_only_paths", func(v value, s *Security) { v.paths(&s.ReadOnlyPaths) }},
		{"private_tmp", func(v value, s *Security) { v.bool(&s.PrivateTmp) }},
		{"private_devices", func(v value, s *Security) { v.bool(&s.PrivateDevices) }},
	}
}

// readLandlock reads the table over its default; an empty one would restrict nothing.
func readLandlock(v value, s *Security) {
	rules := Landlock{}
	if s.Landlock != nil {
		rules = *s.Landlock
	}
	own := readTable(v, landlockFields(), &rules)
	if own != nil && len(own) == 0 && s.Landlock == nil {
		v.fault("restricts nothing", `write what is allowed, such as execute = ["/usr"]`)
	}
	s.Landlock = &rules
}

// paths reads a list of absolute paths without detours, each once.
func (v value) paths(to *[]string) {
	seen := map[string]bool{}
	v.list(to, func(e value, to *string) bool {
		if !e.absolute(to) {
			return false
		}
		if clean := path.Clean(*to); clean != *to {
			e.fault(strconv.Quote(*to)+" is not the shortest form", "write "+strconv.Quote(clean))
			return false
		}
		if seen[*to] {
			e.fault(strconv.Quote(*to)+" is listed twice", "")
			return false
		}
		seen[*to] = true
		return true
	})
}

func (v value) ports(to *[]int) {
	list, fine := []int{}, true
	isList := v.each("a list of ports", func(e value) {
		n, ok := e.integer(1, 65535)
		if ok && slices.Contains(list, int(n)) {
			e.fault(strconv.FormatInt(n, 10)+" is listed twice", "")
			ok = false
		}
		list, fine = append(list, int(n)), fine && ok
	})
	if isList && fine {
		slices.Sort(list)
		*to = list
	}
}

// label reads what a security module knows a process by. Its writers end at the first white space.
func (v value) label(to *string) {
	text, ok := v.string()
	switch {
	case !ok:
	case text == "":
		v.fault("is empty", "")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		v.fault(strconv.Quote(text)+" is not a label", "without spaces")
	default:
		*to = text
	}
}

// checkSandbox finds what in the security of a component does not go together.
func (v value) checkSandbox(c *Component) {
	s, at := &c.Security, v.path()+".security"
	if s.AppArmorLabel != "" && s.SELinuxLabel != "" {
		v.l.fault(at+".selinux_label", atKey, "excludes apparmor_label", "a kernel has one of the two modules in force")
	}
	if l := s.Landlock; l != nil && c.Action == nil && (l.Read != nil || l.Write != nil) && len(l.Execute) == 0 {
		v.l.fault(at+".landlock", atKey, "does not allow the program itself", `add execute = ["/usr"], with its loader and libraries`)
	}
	for i, p := range s.ReadOnlyPaths {
		for _, hidden := range s.hidden() {
			if p == hidden || strings.HasPrefix(p, hidden+"/") {
				v.l.fault(element(at+".read_only_paths", i), atValue, strconv.Quote(p)+" is replaced", "by "+keyOfHidden(hidden))
			}
		}
	}
	if len(c.Action) > 0 && (c.Action[0] == "mount" || c.Action[0] == "unmount") && s.ownMounts() {
		v.l.fault(v.path()+".action", atValue, strconv.Quote(c.Action[0])+" would be seen by nobody",
			"read_only_paths, private_tmp and private_devices give it mounts of its own")
	}
}

// ownMounts reports whether the process has a mount namespace of its own.
func (s *Security) ownMounts() bool {
	return len(s.ReadOnlyPaths) > 0 || s.PrivateTmp || s.PrivateDevices
}

// hidden are the directories that the process has its own of.
func (s *Security) hidden() []string {
	var list []string
	if s.PrivateTmp {
		list = append(list, "/tmp", "/var/tmp")
	}
	if s.PrivateDevices {
		list = append(list, "/dev")
	}
	return list
}

func keyOfHidden(directory string) string {
	if directory == "/dev" {
		return "private_devices"
	}
	return "private_tmp"
}
