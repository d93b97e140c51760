package inspect

import (
	"strings"

	"github.com/orderly-init/orderly/targets"
)

// exposureCheck is one thing that can be open: its weight against the others, with the reason for it, and how open it is for a component, 0 to 1.
// A key that closes something must open nothing else: with it every check is as open as before, or less.
type exposureCheck struct {
	key    string
	weight float64
	open   func(*targets.Config, *targets.Component) float64
	what   string
	write  string
}

// path is the key's; [control] is no table of a component.
func (x *exposureCheck) path(c *targets.Component) string {
	if strings.HasPrefix(x.key, "control.") {
		return x.key
	}
	return c.Key(x.key)
}

func exposureChecks() []exposureCheck {
	of := func(open func(*targets.Component) float64) func(*targets.Config, *targets.Component) float64 {
		return func(_ *targets.Config, c *targets.Component) float64 { return open(c) }
	}
	is := func(open func(*targets.Component) bool) func(*targets.Config, *targets.Component) float64 {
		return of(func(c *targets.Component) float64 { return share(open(c)) })
	}
	return []exposureCheck{
		// root owns the files, devices and sockets of everybody, whatever else it lacks
		{"user", 20, is(isRoot), "runs as root", `user = "NAME" of an account of its own`},
		// most capabilities are a way to become root, or not to need it
		{"security.capabilities", 20, of(held), "has capabilities of root", `capabilities = [...] with the few that it needs, or []; ambient_capabilities for a user`},
		// the kernel's system calls are where an attacker leaves every other confinement
		{"security.seccomp", 15, of(func(c *targets.Component) float64 { return filtered(&c.Security) }), "may use more system calls than it needs",
			`seccomp = "default", or a [seccomp.NAME] that allows only what it uses`},
		// any set-user-ID program on the machine is one bug away from root
		{"security.no_new_privileges", 12, of(func(c *targets.Component) float64 {
			if c.Security.NoNewPrivileges {
				return 0
			}
			return 0.5 + 0.5*capabilityShare(c.Security.Capabilities)
		}), "set-user-ID programs give it privileges", "no_new_privileges = true"},
		// the only confinement to files and ports that needs no cooperation of root
		{"security.landlock", 10, of(unconfined), "reaches files and ports that it does not need",
			`landlock = { read = [...], write = [...], execute = ["/usr"], tcp_bind = [...], tcp_connect = [...] }`},
		// what is overwritten stays after the next boot
		{"security.read_only_paths", 8, of(writable), "may overwrite the system", `read_only_paths = ["/"], or ["/usr", "/etc"]`},
		// raw disks, memory and inputs undo what protects files
		{"security.private_devices", 6, of(func(c *targets.Component) float64 {
			return byUser(c, share(!c.Security.PrivateDevices && c.Container == nil))
		}),
			"sees the machine's devices", "private_devices = true"},
		// who commands Orderly starts and stops everything
		{"control.read_group", 6, commanding, "may use the control socket", `another user than root; read_group and mode in [control]`},
		// a policy of the whole machine catches what a single configuration forgets
		{"security.apparmor_label", 5, is(func(c *targets.Component) bool {
			return c.Security.AppArmorLabel == "" && c.Security.SELinuxLabel == ""
		}),
			"no profile of a security module confines it", `apparmor_label = "PROFILE" or selinux_label = "CONTEXT"`},
		// nothing breaks in, but everything else stands still
		{"limits", 4, of(unlimited), "may eat up memory and processes", `resources = { pids_max = 64, memory_max = "256MiB" }, or limits nproc and as`},
		// an attack that has to guess addresses is seldom one
		{"security.aslr", 4, is(func(c *targets.Component) bool { return c.Security.NoASLR }), "its addresses can be known", "leave aslr out"},
		// names in a directory that everybody writes to can be taken in advance
		{"security.private_tmp", 3, is(func(c *targets.Component) bool { return !c.Security.PrivateTmp && c.Container == nil }), "shares /tmp with all others", "private_tmp = true"},
		// a root that was given up comes back where the kernel still treats user 0 as special
		{"security.securebits", 2, is(func(c *targets.Component) bool { return c.Security.Securebits&3 != 3 }), "user 0 gives back capabilities",
			`securebits = ["noroot", "noroot_locked"]`},
		// input can be pushed into a terminal that is shared with a person (TIOCSTI)
		{"terminal", 2, is(func(c *targets.Component) bool { return c.Terminal != "" }), "holds a terminal", "leave terminal out"},
		// real time without end leaves no processor to those who would stop it
		{"scheduling.policy", 2, is(endless), "may keep a processor for ever", `limits = { rttime = "200000" }`},
		// what it writes could be replaced by anybody
		{"umask", 1, is(func(c *targets.Component) bool { return c.Umask&0o002 == 0 }), "its files may be written by everybody", `umask = "0027"`},
	}
}

// endless reports real time without a limit on it (getrlimit(2), RLIMIT_RTTIME).
func endless(c *targets.Component) bool {
	if c.Scheduling.Policy != "fifo" && c.Scheduling.Policy != "rr" {
		return false
	}
	for _, l := range c.Limits {
		if targets.LimitNames()[l.Resource] == "rttime" && l.Hard != targets.Unlimited {
			return false
		}
	}
	return true
}
