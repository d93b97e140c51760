package runtime

import (
	"slices"

	"golang.org/x/sys/unix"
)

// filter installs the filter of system calls, last of all.
func (l *list) filter() {
	if !l.spec.early() {
		l.install()
	}
}

// earlyFilter installs it while the child has the right to, see seccomp(2).
func (l *list) earlyFilter() {
	if l.spec.early() {
		l.install()
	}
}

func (s *Spec) early() bool { return s.FilterEarly && !s.NoNewPrivileges }

func (l *list) install() {
	if f := l.spec.Filter; f != nil {
		l.do("seccomp", "", "seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, l.spec.FilterFlags, Code(f))
	}
}

// admin reports whether the child has CAP_SYS_ADMIN in effect when the ids and
// capabilities are set.
func (l *list) admin() bool {
	s := l.spec
	if s.Sets != nil {
		return l.host.Admin && slices.Contains(s.Sets.Effective, unix.CAP_SYS_ADMIN)
	}
	if s.Capabilities != nil || s.Credential != nil && s.Credential.UID != 0 {
		return l.host.Admin && slices.Contains(s.kept(), unix.CAP_SYS_ADMIN)
	}
	return l.host.Admin
}

// hasAdmin asks for the effective capabilities, see capget(2).
func hasAdmin() bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return false
	}
	return d[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}
