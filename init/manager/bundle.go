package manager

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
	"github.com/orderly-init/orderly/runtime/oci"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// bundled says whether a component is an OCI bundle.
func bundled(def *targets.Component) bool { return def.Container != nil && def.Container.Bundle != "" }

// bundleOf is the kind of a bundle.
func (m *Manager) bundleOf(f *furnishing, over container.Config) (runtime.Kind, error) {
	def := f.unit.def
	if with := def.Container.Share.With; with != "" {
		if err := m.share(f, &over, with); err != nil {
			return nil, err
		}
	}
	k := m.overBundle(def, &f.spec)
	k.Over = over
	return k, nil
}

// overBundle is what a component says over its bundle. What it does not say is made empty in the Spec, for the bundle to fill in.
func (m *Manager) overBundle(def *targets.Component, s *runtime.Spec) *oci.Kind {
	if def.WorkingDirectory == "" {
		s.Dir = ""
	}
	if !def.OwnUmask {
		s.Umask = nil
	}
	s.OOMScoreAdjust = def.Scheduling.OOMScoreAdjust
	k := &oci.Kind{
		Dir: def.Container.Bundle, Host: m.host, Machine: m.surveyed(), Schema: m.bundleSchema(), Share: container.Kinds(def.Container.Share.Namespaces),
		Privileges: def.Security.NewPrivileges, Terminal: def.Terminal != "", PlainTCP: onlyPlainTCP(&def.Security),
	}
	if zero := 0; m.shielded {
		k.OOMScore = &zero
	}
	return k
}

// bundleSchema is that of all bundles.
func (m *Manager) bundleSchema() *oci.Schema {
	if m.schema == nil {
		m.schema = oci.NewSchema()
	}
	return m.schema
}

// asBundled gives a command of a container what its bundle says of the main process.
func (m *Manager) asBundled(u *unit, s *runtime.Spec) error {
	if !bundled(u.def) {
		return nil
	}
	if u.bundle == nil {
		return &stepError{"bundle", errors.New("what it was started with is not known")}
	}
	m.overBundle(u.def, s).Complete(s, u.bundle)
	return nil
}

// takeBundle keeps what has been read of a bundle while it runs, and complains of what is not carried out.
func (m *Manager) takeBundle(f *furnishing) {
	m.forgetBundle(f.unit)
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

// limited says whether somebody limits what its runs may use.
func (u *unit) limited() bool { return u.def.Resources.Written() || u.limitedByBundle() }

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

// forgetBundle lets go of what an earlier run was started with.
func (m *Manager) forgetBundle(u *unit) {
	if u.bundle != nil {
		m.drop(u.bundleTag, u.poststartTag())
		u.bundle = nil
	}
}

// keepBundle has the keeper hold what a run was started with, for the manager after this one, and makes the gates of its hooks.
func (m *Manager) keepBundle(s *start) error {
	u := s.unit
	if u.bundle == nil {
		return nil
	}
	fd, err := keeper.Memfd("orderly-bundle", 0)
	if err != nil {
		return err
	}
	s.close = append(s.close, fd)
	if _, err := unix.Write(fd, append([]byte(u.bundle.Dir+"\x00"), u.bundle.Text...)); err != nil {
		return &stepError{"keep bundle", err}
	}
	u.bundle.Text = nil // it is there now
	u.bundleTag = keeper.Tag{Use: keeper.Bundle, Run: s.run, Name: u.hash}
	s.held.Tags, s.held.Files = append(s.held.Tags, u.bundleTag), append(s.held.Files, fd)
	if len(u.bundle.Hooks.Poststart) > 0 {
		s.held.Tags, s.held.Files = append(s.held.Tags, u.poststartTag()), append(s.held.Files, fd)
	}
	return m.gateFor(s)
}

// resumeBundle takes up what an earlier manager has started a run with, also where the component has another bundle by now, or none, or
// is to be removed: the hooks are those of the run.
func (m *Manager) resumeBundle(u *unit, held heldFiles) {
	tag := u.tag(keeper.Bundle)
	fd, ok := held[tag]
	if !ok {
		return
	}
	delete(held, tag)
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return
	}
	text := make([]byte, st.Size)
	n, _ := unix.Pread(fd, text, 0)
	dir, config, _ := strings.Cut(string(text[:n]), "\x00")
	own := oci.Own{Command: true, Terminal: true, PlainTCP: onlyPlainTCP(&u.def.Security)}
	if u.bundle, _ = m.bundleSchema().Parse(dir, []byte(config), own); u.bundle != nil {
		u.bundle.Text, u.bundleTag = nil, tag
		m.resumePoststart(u, held)
	}
}

// abandon ends the start of a dead manager whose child stops for hooks, or may: nobody will let it go on. It reports whether it has.
func (m *Manager) abandon(u *unit, p *process) bool {
	if state, _ := m.machine.StateOf(u.number); state == supervisor.Ready { // it has executed, and said so
		return false
	}
	if u.bundle == nil || p.slot.Ended() || !u.bundle.Hooks.BeforePivot() && !u.bundle.Hooks.BeforeExec() {
		return false
	}
	m.complain(u, "its start waited for hooks when the manager died: it is started anew")
	m.endStart(p.slot)
	m.killGroup(u)
	m.awaitEmpty(u)
	run := u.run
	lost := func() { m.post(supervisor.Lost{Component: u.number, Run: run}) }
	if !m.afterEnd(u, lost) {
		lost()
	}
	return true
}

// insideBundle says of a container by what its bundle says. What a command of a person has of capabilities is what the main process may
// have.
func insideBundle(i *control.Inside, u *unit, s *runtime.Spec) {
	i.Namespaces = container.Names(kindsOf(u.mainPID()))
	if c := s.Credential; c != nil && accountOf(u.def) == nil {
		i.User, i.Group, i.UserGroups, i.Groups = itoa(int(c.UID)), itoa(int(c.GID)), false, []string{}
		for _, g := range c.Groups {
			i.Groups = append(i.Groups, itoa(int(g)))
		}
	}
	if s.Sets != nil {
		i.Capabilities, i.AllCapabilities = slices.Concat([]int{}, s.Sets.Permitted), false
	}
}
