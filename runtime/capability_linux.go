package runtime

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lastKnown is the highest capability that has a name here.
const lastKnown = unix.CAP_CHECKPOINT_RESTORE

// capabilityName is the name in capabilities(7), without CAP_ and in lower case.
func capabilityName(n int) string {
	names := capabilityNames()
	if n < 0 || n >= len(names) {
		return strconv.Itoa(n)
	}
	return names[n]
}

// CapabilityOf is the number of a name of capabilities(7), without CAP_ and in
// any case; false: there is none.
func CapabilityOf(name string) (int, bool) {
	names := capabilityNames()
	n := slices.Index(names[:], strings.ToLower(name))
	return n, n >= 0
}

func capabilityNames() []string {
	return []string{
		"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
		"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module",
		"sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
		"sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
		"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
	}
}

// lastCapability asks for the highest that the kernel has.
func lastCapability() int {
	n := -1
	for n < 62 {
		if _, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n+1), 0, 0, 0); err != nil {
			break
		}
		n++
	}
	return max(n, 0)
}

// bounding takes all but the kept ones out of the bounding set, which needs
// CAP_SETPCAP: before the ids. Nothing that is executed gets them back, see
// capabilities(7).
func (l *list) bounding() {
	keep := bits(l.spec.Capabilities)
	switch {
	case l.spec.Sets != nil:
		keep = bits(l.spec.Sets.Bounding)
	case l.spec.Capabilities == nil:
		return
	}
	for n := range l.host.lastCapability() + 1 {
		if keep&(1<<n) == 0 {
			l.do("drop capability", capabilityName(n), "prctl", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, n, 0, 0, 0)
		}
	}
}

// keepCapabilities lets the permitted ones outlive the change of the ids; exec
// takes the flag back.
func (l *list) keepCapabilities() {
	if len(l.spec.kept()) > 0 || l.spec.Securebits != 0 {
		l.do("keep capabilities", "", "prctl", unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
	}
}

// capabilities sets what is left, and lets none come from the caller's ambient
// set. All are inheritable, since only those can be made ambient.
func (l *list) capabilities() {
	s := l.spec
	if s.Sets != nil {
		l.sets(s.Sets)
		return
	}
	limited := s.Capabilities != nil || len(s.Ambient) > 0
	if !limited && (s.Securebits == 0 || s.Credential == nil) {
		l.as(SecurebitsPart, l.securebits)
		return
	}
	keep := bits(s.kept())
	if s.Securebits == 0 {
		l.capset("capabilities", keep, keep, keep)
	} else {
		l.capset("capabilities for securebits", keep|1<<unix.CAP_SETPCAP, keep|1<<unix.CAP_SETPCAP, keep)
	}
	l.ambient()
	if s.Securebits != 0 {
		l.as(SecurebitsPart, l.securebits)
		l.capset("capabilities", keep, keep, keep)
	}
}

// sets is capabilities where each set is given.
func (l *list) sets(c *CapabilitySets) {
	permitted, effective, inheritable := bits(c.Permitted), bits(c.Effective), bits(c.Inheritable)
	if l.spec.Securebits == 0 {
		l.capset("capabilities", permitted, effective, inheritable)
		l.ambient()
		return
	}
	const change = 1 << unix.CAP_SETPCAP
	l.capset("capabilities for securebits", permitted|change, effective|change, inheritable)
	l.ambient()
	l.as(SecurebitsPart, l.securebits)
	l.capset("capabilities", permitted, effective, inheritable)
}

func (l *list) ambient() {
	l.do("clear ambient capabilities", "", "prctl", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	for _, n := range l.spec.Ambient {
		l.do("ambient capability", capabilityName(n), "prctl", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, n, 0, 0)
	}
}

func (l *list) capset(verb string, have, effective, inherit uint64) {
	object := ""
	if have == inherit {
		object = capabilityList(l.spec.kept())
	}
	l.do(verb, object, "capset", unix.SYS_CAPSET, []uint32{unix.LINUX_CAPABILITY_VERSION_3, 0},
		[]uint32{uint32(effective), uint32(have), uint32(inherit), uint32(effective >> 32), uint32(have >> 32), uint32(inherit >> 32)})
}

// kept are the capabilities that the process has when it executes.
func (s *Spec) kept() []int {
	if s.Sets != nil {
		return s.Sets.Permitted
	}
	if s.Capabilities != nil {
		return s.Capabilities
	}
	return s.Ambient
}

// bits is a set of capabilities as the kernel writes it.
func bits(list []int) uint64 {
	var set uint64
	for _, n := range list {
		set |= 1 << n
	}
	return set
}

func capabilityList(list []int) string {
	names := make([]string, 0, len(list))
	for _, n := range list {
		names = append(names, capabilityName(n))
	}
	return strings.Join(names, " ")
}

// noNewPrivileges comes with a filter and with Landlock too where the process
// has not the right to them otherwise, see seccomp(2) and landlock(7).
func (l *list) noNewPrivileges() {
	s := l.spec
	if s.NoNewPrivileges || s.Filter != nil && !s.early() && !l.admin() || s.Landlock != nil && !l.host.Admin {
		l.do("no new privileges", "", "prctl", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
}
