package targets

import (
	"slices"
	"strconv"
	"strings"
)

// SecurebitNames are the names of capabilities(7) by the kernel's bit, without SECBIT_ and in lower case.
func SecurebitNames() []string {
	return strings.Fields("noroot noroot_locked no_setuid_fixup no_setuid_fixup_locked keep_caps keep_caps_locked " +
		"no_cap_ambient_raise no_cap_ambient_raise_locked")
}

const (
	securebitNoRoot   = 0
	securebitKeepCaps = 4
)

// securebits reads a list of names into a mask, as a capability list is read.
func (v value) securebits(to *uint32) {
	var mask uint32
	fine := true
	isList := v.each("a list of securebits", func(e value) {
		n := 0
		if !parsed(e, &n, parseSecurebit) {
			fine = false
			return
		}
		if mask&(1<<n) != 0 {
			e.fault(strconv.Quote(SecurebitNames()[n])+" is listed twice", "")
			fine = false
		}
		mask |= 1 << n
	})
	if isList && fine {
		*to = mask
	}
}

// parseSecurebit reads a name in either case, with or without SECBIT_. keep_caps would be without effect: exec clears
// it, capabilities(7).
func parseSecurebit(text string) (n int, what, hint string) {
	name := strings.TrimPrefix(strings.ToLower(text), "secbit_")
	switch i := slices.Index(SecurebitNames(), name); i {
	case -1:
		return 0, strconv.Quote(text) + " is not a securebit", meant(name, SecurebitNames())
	case securebitKeepCaps:
		return 0, `"keep_caps" does not outlive the start of a program`, "use ambient_capabilities"
	default:
		return i, "", ""
	}
}
