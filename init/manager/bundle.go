package manager

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
	"github.com/orderly-init/orderly/runtime/oci"
	"github.com/orderly-init/orderly/targets"
)

// bundled says whether a component is an OCI bundle.
func bundled(def *targets.Component) bool { return def.Container != nil && def.Container.Bundle != "" }

// bundleOf is the kind of a bundle. What the component does not say is left empty in the Spec, for the bundle to fill in.
func (m *Manager) bundleOf(f *furnishing, over container.Config) (runtime.Kind, error) {
	def := f.unit.def
	over.Bare = true
	if with := def.Container.Share.With; with != "" {
		if err := m.share(f, &over, with); err != nil {
			return nil, err
		}
	}
	if def.WorkingDirectory == "" {
		f.spec.Dir = ""
	}
	if !def.OwnUmask {
		f.spec.Umask = nil
	}
	f.spec.OOMScoreAdjust = def.Scheduling.OOMScoreAdjust
	k := &oci.Kind{
		Dir: def.Container.Bundle, Host: m.host, Machine: m.surveyed(), Over: over, Share: container.Kinds(def.Container.Share.Namespaces),
		Privileges: def.Security.NewPrivileges, Terminal: def.Terminal != "",
	}
	if zero := 0; m.shielded {
		k.OOMScore = &zero
	}
	return k, nil
}

// takeBundle keeps what has been read of a bundle while it runs, and complains of what is not carried out.
func (m *Manager) takeBundle(f *furnishing) {
	f.unit.bundle = nil
	k, ok := f.kind.(*oci.Kind)
	if !ok || f.err != nil {
		return
	}
	f.unit.bundle = k.Bundle
	for _, n := range k.Bundle.Notes {
		m.complain(f.unit, n.String())
	}
}

// kindsOf are the namespaces of a process that are not ours, but for those of time and of cgroups. A new manager knows no more of a
// bundle than that.
func kindsOf(pid int) (flags uint64) {
	for name, kind := range map[string]uint64{
		"ipc": unix.CLONE_NEWIPC, "mnt": unix.CLONE_NEWNS, "net": unix.CLONE_NEWNET, "pid": unix.CLONE_NEWPID, "user": unix.CLONE_NEWUSER,
		"uts": unix.CLONE_NEWUTS,
	} {
		theirs, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/" + name)
		ours, _ := os.Readlink("/proc/self/ns/" + name)
		if err == nil && theirs != ours {
			flags |= kind
		}
	}
	return flags
}

func (u *unit) limitedByBundle() bool { return u.bundle != nil && len(u.bundle.Resources) > 0 }

// limitBundle puts the limits of a bundle in force in the group; those of the component are written over them.
func (m *Manager) limitBundle(u *unit) error {
	if !u.limitedByBundle() {
		return nil
	}
	var missing string
	if m.tree == nil {
		return m.lacks(u, &missing, errNoGroups)
	}
	var settings []cgroups.Setting
	var controllers []string
	for _, s := range u.bundle.Resources {
		settings = append(settings, cgroups.Setting(s))
		controllers = append(controllers, settings[len(settings)-1].Controller())
	}
	slices.Sort(controllers)
	return m.lacks(u, &missing, errors.Join(m.enable(slices.Compact(controllers)), m.tree.Set(u.name, m.settable(settings))))
}
