package targets

import (
	"hash/fnv"
	"slices"
	"strconv"
)

// checkContainer finds what in a container does not go together, and fills in what follows from the rest.
func (v value) checkContainer(written map[string]any, c *Component) {
	if c.Container == nil {
		v.checkRootDirectory(c)
		return
	}
	own := *c.Container // it may be a template's
	c.Container = &own
	t, at := c.Container, v.path()+".container"
	table, _ := written["container"].(map[string]any)
	switch {
	case t.Rootfs == "" && t.Bundle == "" && table["rootfs"] == nil && table["bundle"] == nil:
		v.l.fault(at, atKey, "has no root", `add rootfs = "/PATH", or bundle = "/PATH"`)
	case t.Rootfs != "" && t.Bundle != "":
		v.l.fault(at+".bundle", atKey, "excludes rootfs", "a bundle names its own root")
	}
	for _, x := range []struct {
		written bool
		key     string
	}{
		{c.Action != nil, "action"}, {c.RootDirectory != "", "root_directory"}, {c.PIDFile != "", "pid_file"}, {c.Detached, "supervision"},
		{c.Security.PrivateTmp, "security.private_tmp"}, {c.Security.PrivateDevices, "security.private_devices"},
	} {
		if x.written {
			v.l.fault(v.path()+"."+x.key, atKey, "is not for a container", "it has a root, devices and processes of its own")
		}
	}
	v.checkNamespaces(t, at)
	v.checkBundle(t, at)
	if c.Kind == Oneshot && c.HasStopCommand() {
		v.l.fault(v.path()+".stop_command", atKey, "is not for a container that is a oneshot", "its namespaces are gone by then")
	}
	if t.Init && t.Namespaces != nil && !slices.Contains(t.Namespaces, "pid") {
		v.l.fault(at+".init", atKey, "needs a pid namespace", `add "pid" to namespaces`)
	}
	if t.OverlaySize != 0 && t.Overlay != "tmpfs" {
		v.l.fault(at+".overlay_size", atKey, "is for a tmpfs", `write overlay = "tmpfs"`)
	}
	if t.Overlay != "" && t.Overlay == t.Rootfs {
		v.l.fault(at+".overlay", atValue, "is the root itself", "")
	}
	v.containerDefaults(written, c)
	v.checkJoined(t, at)
}

// checkRootDirectory holds root_directory against what it does not go with.
func (v value) checkRootDirectory(c *Component) {
	if c.RootDirectory == "" {
		return
	}
	if c.Action != nil {
		v.l.fault(v.path()+".root_directory", atKey, "is for a program", "an action is done in the root of the machine")
	}
}

// checkNamespaces holds the list of namespaces against the keys that need one.
func (v value) checkNamespaces(t *Container, at string) {
	if (t.UIDMap == nil) != (t.GIDMap == nil) {
		v.l.fault(at, atKey, "has one of uid_map and gid_map", "write both, or none")
	}
	for _, n := range []struct {
		key, kind string
		used      bool
	}{
		{"uid_map", "user", t.UIDMap != nil}, {"hostname", "uts", t.Hostname != ""},
		{"monotonic_offset", "time", t.Monotonic != 0}, {"boottime_offset", "time", t.Boottime != 0},
		{"namespaces", "mount", true},
	} {
		if n.used && t.Namespaces != nil && !slices.Contains(t.Namespaces, n.kind) {
			v.l.fault(at+"."+n.key, atKey, "needs a "+n.kind+" namespace", `add "`+n.kind+`" to namespaces`)
		}
	}
	for _, kind := range t.Share.Namespaces {
		if t.Namespaces != nil && slices.Contains(t.Namespaces, kind) {
			v.l.fault(at+".share.namespaces", atValue, strconv.Quote(kind)+" is shared, and in namespaces too", "")
		}
	}
}

// containerDefaults are what a container has where nothing else is written: the namespaces, and the privileges that
// container engines leave to their containers.
func (v value) containerDefaults(written map[string]any, c *Component) {
	t := c.Container
	if t.Namespaces == nil && t.Bundle == "" {
		t.Namespaces = slices.DeleteFunc([]string{"cgroup", "ipc", "mount", "net", "pid", "time", "user", "uts"}, func(kind string) bool {
			switch kind {
			case "user":
				return t.UIDMap == nil
			case "time":
				return t.Monotonic == 0 && t.Boottime == 0
			case "net":
				return t.Network == "host" || slices.Contains(t.Share.Namespaces, kind)
			}
			return slices.Contains(t.Share.Namespaces, kind)
		})
	}
	if t.Share.With != "" && written["on_dependency_failure"] == nil && c.OnDependencyFailure == Leave {
		c.OnDependencyFailure = RestartIt
	}
	if t.Bundle != "" {
		return // it says what it has
	}
	v.checkSettings(t, v.path()+".container")
	s := &c.Security
	if s.Capabilities == nil {
		s.Capabilities = ContainerCapabilities()
	}
	if s.Seccomp == "" {
		s.Seccomp = seccompDefault
	}
	if !s.NewPrivileges {
		s.NoNewPrivileges = true
	}
}

// ContainerCapabilities are those that container engines give to root in a container, by number.
func ContainerCapabilities() []int {
	var list []int
	for _, name := range []string{"chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service",
		"net_raw", "sys_chroot", "mknod", "audit_write", "setfcap"} {
		list = append(list, slices.Index(CapabilityNames(), name))
	}
	slices.Sort(list)
	return list
}

// checkShares finds containers that share with a component which they could outlive.
func (l *loader) checkShares(c *Config) {
	var names []string
	for i := range c.Components {
		names = append(names, c.Components[i].Name)
	}
	for i := range c.Components {
		x := &c.Components[i]
		if x.Container == nil || x.Container.Share.With == "" {
			continue
		}
		with, at := x.Container.Share.With, x.path()+".container.share.with"
		switch _, known := c.Component(with); {
		case !known:
			l.fault(at, atValue, "no component is named "+strconv.Quote(with), meant(with, names))
		case !slices.Contains(x.DependsOn, with):
			l.fault(at, atValue, strconv.Quote(with)+" is not in depends_on", "its namespaces are entered, so it has to be there")
		}
	}
}

// The ids that are picked for user namespaces are those that container managers keep for it, in ranges of 65536.
const (
	firstRange = 0x80000
	lastRange  = 0x6fff0000
	rangeSize  = 0x10000
)

// pickMaps gives every container with a user namespace and no map a range of ids of its own: by its name, and where
// two names fall together the next one, in name order. So it is the same at each boot.
func pickMaps(components []Component) {
	taken := map[uint32]bool{}
	for i := range components {
		t := components[i].Container
		if t == nil || t.UIDMap != nil || !slices.Contains(t.Namespaces, "user") {
			continue
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(components[i].Name)) // a hash never fails
		const ranges = (lastRange-firstRange)/rangeSize + 1
		n := h.Sum32() % ranges
		for taken[n] {
			n = (n + 1) % ranges
		}
		taken[n] = true
		picked := []IDMap{{0, firstRange + n*rangeSize, rangeSize}}
		t.UIDMap, t.GIDMap = picked, picked
	}
}
