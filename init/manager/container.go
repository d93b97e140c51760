package manager

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/boot"
	"github.com/orderly-init/orderly/runtime/container"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// furnished says whether a component is more than a process.
func furnished(def *targets.Component) bool {
	return def.Container != nil || def.RootDirectory != "" || def.Boot != nil
}

// mainWork is what the main process does.
func mainWork(u *unit, l supervisor.Launch) work {
	w := work{argv: u.def.Command, action: u.def.Action}
	if l.Debug {
		w.argv = slices.Concat(w.argv, u.def.DebugArguments)
	}
	return w
}

// kindOf is the kind of a component that is more than a process.
func (m *Manager) kindOf(f *furnishing) (runtime.Kind, error) {
	def := f.unit.def
	switch {
	case def.Boot != nil:
		b := def.Boot
		return boot.New(boot.Config{State: b.State, Slots: b.Slots, Argument: b.Argument, CommandLine: "/proc/cmdline", Try: b.Try, Tries: b.Tries}), nil
	case def.Container == nil:
		return container.Rooted(def.RootDirectory, accountOf(def), m.surveyed()), nil
	}
	c := m.containerConfig(def)
	if def.Container.Bundle != "" {
		return m.bundleOf(f, c)
	}
	if with := def.Container.Share.With; with != "" {
		if err := m.share(f, &c, with); err != nil {
			return nil, err
		}
	}
	return container.New(c, m.surveyed()), nil
}

// surveyed is what containers must know of the machine.
func (m *Manager) surveyed() *container.Machine {
	if m.survey == nil {
		m.survey = container.Survey(m.host)
	}
	return m.survey
}

// containerConfig is the container of a component, as its kind has it.
func (m *Manager) containerConfig(def *targets.Component) container.Config {
	t := def.Container
	c := container.Config{
		Root: t.Rootfs, ReadOnly: t.ReadOnly, Overlay: t.Overlay, OverlaySize: t.OverlaySize, Scratch: m.scratchPath(),
		Kinds: container.Kinds(t.Namespaces), Hostname: t.Hostname, Masked: t.Masked, ReadOnlies: nil,
		Monotonic: t.Monotonic, Boottime: t.Boottime, IDMapped: t.IDMapped && m.root, Init: t.Init, Account: accountOf(def),
	}
	if c.Hostname == "" && t.Bundle == "" && c.Kinds&unix.CLONE_NEWUTS != 0 {
		c.Hostname = def.Name
	}
	for _, v := range t.Mounts {
		c.Volumes = append(c.Volumes, container.Volume{Source: v.Source, Target: v.Target, Type: v.Type, Options: v.Options})
	}
	for _, d := range t.Devices {
		c.Devices = append(c.Devices, container.Device(d))
	}
	for _, s := range t.Sysctl {
		c.Settings = append(c.Settings, runtime.Setting{Path: strings.ReplaceAll(s.Key, ".", "/"), Value: s.Value})
	}
	c.UIDs, c.GIDs = m.idMaps(t.UIDMap, os.Geteuid()), m.idMaps(t.GIDMap, os.Getegid())
	return c
}

// idMaps are those of a user namespace. An ordinary user can give it no id but the own one, as its root.
func (m *Manager) idMaps(list []targets.IDMap, own int) []runtime.IDMap {
	if list != nil && !m.root {
		return []runtime.IDMap{{Inside: 0, Outside: uint32(own), Size: 1}}
	}
	return mapsOf(list)
}

func mapsOf(list []targets.IDMap) []runtime.IDMap {
	var all []runtime.IDMap
	for _, one := range list {
		all = append(all, runtime.IDMap(one))
	}
	return all
}

// scratchPath is a directory that containers mount over, each in its own namespace.
func (m *Manager) scratchPath() string { return filepath.Join(filepath.Dir(m.Control), "scratch") }

// accountOf is whom the root of a container is to be asked for; nil is its root.
func accountOf(def *targets.Component) *runtime.Account {
	if def.User == "" && def.Group == "" && def.SupplementaryGroups == nil {
		return nil
	}
	a := &runtime.Account{User: def.User, Group: def.Group, Supplementary: def.SupplementaryGroups}
	if a.User == "" {
		a.User = "0"
	}
	return a
}

// share lets a container enter namespaces of another component's main process.
func (m *Manager) share(f *furnishing, c *container.Config, with string) error {
	fd := pidfdOf(m.byName[with])
	if fd < 0 {
		return &stepError{"share namespaces of " + with, errors.New("it has no process")}
	}
	f.open = append(f.open, fd)
	c.Enter = append(c.Enter, runtime.Namespace{Name: "of " + with, FD: fd, Kinds: container.Kinds(f.unit.def.Container.Share.Namespaces)})
	return nil
}

// inContainer lets a command of a container run in it: in the namespaces of its main process, as the root sees it.
func (m *Manager) inContainer(u *unit, s *start) error {
	fd := pidfdOf(u)
	if fd < 0 {
		return &stepError{"enter the container", errors.New("its main process has ended")}
	}
	s.close = append(s.close, fd)
	e := container.Entry{PID: u.mainPID(), FD: fd, Kinds: m.ownKinds(u), Account: accountOf(u.def)}
	return e.Complete(&s.spec)
}

// ownKinds are the namespaces in which commands of a container run.
func (m *Manager) ownKinds(u *unit) uint64 {
	if bundled(u.def) {
		return kindsOf(u.mainPID())
	}
	return container.Kinds(enterable(u.def))
}

// notifyInside is where a component finds its notify socket: in a container in its /dev, which is always its own.
func (m *Manager) notifyInside(s *start) string {
	if s.unit.def.Container != nil {
		return "/dev/orderly/notify"
	}
	return m.notifyPath(s.unit)
}

// bringNotify binds the notify socket into a container.
func (m *Manager) bringNotify(s *start) {
	if c := s.spec.Container; s.unit.def.Container != nil && c.Root != nil {
		c.Mounts = append(c.Mounts, runtime.Mounting{Source: m.notifyPath(s.unit), Target: m.notifyInside(s), Bind: true, File: true})
	}
}

// hostIDs are who a process of a component is to the machine: in a user namespace ids are others.
func hostIDs(u *unit, c *runtime.Credential) (uid, gid int) {
	if c == nil {
		c = &runtime.Credential{}
	}
	uid, gid = int(c.UID), int(c.GID)
	switch t := u.def.Container; {
	case u.bundle != nil:
		uid, gid = mappedID(u.bundle.Config.UIDs, uid), mappedID(u.bundle.Config.GIDs, gid)
	case t != nil:
		uid, gid = mappedID(mapsOf(t.UIDMap), uid), mappedID(mapsOf(t.GIDMap), gid)
	}
	return uid, gid
}

func mappedID(maps []runtime.IDMap, id int) int {
	for _, m := range maps {
		if n := id - int(m.Inside); n >= 0 && n < int(m.Size) {
			return int(m.Outside) + n
		}
	}
	return id
}
