package targets

import (
	"slices"
	"strconv"
	"strings"
)

// Security is the [component.NAME.security] table.
type Security struct {
	Capabilities        []int     // the kernel's numbers, sorted: all that is left to the process; nil: not written
	AmbientCapabilities []int     // sorted: those that a program without privileges of its own keeps over exec
	Securebits          uint32    // by the bits of SecurebitNames; 0 leaves them
	NoASLR              bool      // addresses are not randomized (personality(2))
	Seccomp             string    // "default" or the name of a Filter; "" is none
	Filter              *Filter   // the one of that name; nil where it is "" or "default"
	AppArmorLabel       string    // the profile that the program has; "" is what the policy says
	SELinuxLabel        string    // the context, likewise
	Landlock            *Landlock // nil restricts nothing
	ReadOnlyPaths       []string  // absolute; with all that is mounted below
	PrivateTmp          bool      // a /tmp and /var/tmp of its own
	PrivateDevices      bool      // a /dev without the machine's devices
	NoNewPrivileges     bool      // set-user-ID programs and file capabilities give nothing (PR_SET_NO_NEW_PRIVS(2const))
	NewPrivileges       bool      // no_new_privileges is written, as false: of interest where it is true by default
}

// CapabilityNames are the names of capabilities(7) by the kernel's number, without CAP_ and in lower case.
func CapabilityNames() []string {
	return strings.Fields("chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable " +
		"net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace " +
		"sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control " +
		"setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore")
}

func securityFields() []field[Security] {
	return append([]field[Security]{
		{"capabilities", func(v value, s *Security) { v.capabilities(&s.Capabilities) }},
		{"ambient_capabilities", func(v value, s *Security) { v.capabilities(&s.AmbientCapabilities) }},
		{"no_new_privileges", func(v value, s *Security) {
			v.bool(&s.NoNewPrivileges)
			s.NewPrivileges = !s.NoNewPrivileges
		}},
		{"securebits", func(v value, s *Security) { v.securebits(&s.Securebits) }},
		{"aslr", func(v value, s *Security) { v.negated(&s.NoASLR) }},
		{"seccomp", func(v value, s *Security) { v.nonEmpty(&s.Seccomp) }},
	}, sandboxFields()...)
}

// readSecurity reads the table over its defaults and holds its two lists against each other.
func readSecurity(v value, to *Security) {
	own := readTable(v, securityFields(), to)
	at := ""
	for _, key := range []string{"capabilities", "ambient_capabilities"} {
		if _, has := own[key]; has {
			at = key
		}
	}
	if at == "" || to.Capabilities == nil {
		return
	}
	for _, n := range to.AmbientCapabilities {
		if !slices.Contains(to.Capabilities, n) {
			name := strconv.Quote(CapabilityNames()[n])
			v.l.fault(v.path()+"."+at, atValue, name+" is ambient, but not in capabilities", "write it in both lists")
		}
	}
}

// capabilities reads a list of names into sorted numbers.
func (v value) capabilities(to *[]int) {
	list, fine := []int{}, true
	isList := v.each("a list of capabilities", func(e value) {
		n := 0
		if !parsed(e, &n, parseCapability) {
			fine = false
			return
		}
		if slices.Contains(list, n) {
			e.fault(strconv.Quote(CapabilityNames()[n])+" is listed twice", "")
			fine = false
		}
		list = append(list, n)
	})
	if isList && fine {
		slices.Sort(list)
		*to = list
	}
}

// parseCapability reads a name in either case, with or without CAP_.
func parseCapability(text string) (n int, what, hint string) {
	name := strings.TrimPrefix(strings.ToLower(text), "cap_")
	if i := slices.Index(CapabilityNames(), name); i >= 0 {
		return i, "", ""
	}
	return 0, strconv.Quote(text) + " is not a capability", meant(name, CapabilityNames())
}

// checkAmbient refuses ambient capabilities without a list for root: exec gives root all that it may have anyway.
func (v value) checkAmbient(c *Component) {
	s := &c.Security
	isRoot := c.User == "" || c.User == "root" || c.User == "0"
	isRoot = isRoot && s.Securebits&(1<<securebitNoRoot) == 0
	if isRoot && s.Capabilities == nil && len(s.AmbientCapabilities) > 0 {
		v.l.fault(v.path()+".security.ambient_capabilities", atKey, "root has every capability without it",
			`write user = "NAME", or capabilities too`)
	}
}
