package manager

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/runtime"
)

// allowDevices lets the group of a container use its devices, and no others: it may make device files, with CAP_MKNOD, but not open
// what they stand for. In a user namespace it can make none, so that there nothing is lost where the kernel refuses the filter.
func (m *Manager) allowDevices(u *unit, c *runtime.Container) error {
	if u.def.Container == nil || c == nil || c.Root == nil {
		return nil
	}
	err := errNoGroups
	if m.tree != nil {
		err = m.tree.AllowDevices(u.name, deviceRules(c.Devices))
	}
	if err == nil || c.Map && (errors.Is(err, errNoGroups) || errors.Is(err, unix.EPERM)) {
		return nil
	}
	return &stepError{"devices", err}
}

func deviceRules(list []runtime.DeviceAccess) []cgroups.DeviceRule {
	rules := make([]cgroups.DeviceRule, 0, len(list))
	for _, d := range list {
		rules = append(rules, cgroups.DeviceRule(d))
	}
	return rules
}
