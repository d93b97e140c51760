package manager

import (
	"strconv"

	"github.com/orderly-init/orderly/targets"
)

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
	d.text("security.apparmor_label", s.AppArmorLabel)
	d.text("security.selinux_label", s.SELinuxLabel)
	d.list("security.read_only_paths", s.ReadOnlyPaths)
	d.flag("security.private_tmp", s.PrivateTmp)
	d.flag("security.private_devices", s.PrivateDevices)
	d.landlock(s.Landlock)
	d.flag("security.no_new_privileges", s.NoNewPrivileges)
	if s.NoASLR {
		d.add("security.aslr", "false")
	}
}

// landlock shows lists by what they allow; an empty one says so, since it is not the same as none written.
func (d *pairs) landlock(l *targets.Landlock) {
	if l == nil {
		return
	}
	d.orNone("security.landlock.read", l.Read)
	d.orNone("security.landlock.write", l.Write)
	d.orNone("security.landlock.execute", l.Execute)
	d.orNone("security.landlock.tcp_bind", numbers(l.TCPBind))
	d.orNone("security.landlock.tcp_connect", numbers(l.TCPConnect))
}

// numbers are nil where the list is.
func numbers(list []int) []string {
	if list == nil {
		return nil
	}
	texts := make([]string, 0, len(list))
	for _, n := range list {
		texts = append(texts, strconv.Itoa(n))
	}
	return texts
}

func (d *pairs) orNone(key string, list []string) {
	d.list(key, list)
	if list != nil && len(list) == 0 {
		d.add(key, "(none)")
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
