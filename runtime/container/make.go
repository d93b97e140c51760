package container

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// Make completes a Spec: what it has as its Path is the command by its name, as its Container nothing.
func (k *kind) Make(s *runtime.Spec) (open []int, err error) {
	m := &making{kind: k, spec: s, c: &runtime.Container{
		Namespaces: k.Kinds &^ unix.CLONE_NEWUSER, Enter: k.Enter, Hostname: k.Hostname, Domain: k.Domain, Settings: k.Settings,
		Links: k.Links, Loopback: k.Kinds&unix.CLONE_NEWNET != 0,
	}}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if m.root, err = openRoot(k.Root); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	defer m.root.close()
	for _, step := range []func() error{m.who, m.first, m.offsets, m.join, m.user, m.lay, m.mounts, m.devices, m.masks} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.Container = m.c
	return m.open, nil
}

// making is one Make under way.
type making struct {
	*kind
	spec *runtime.Spec
	c    *runtime.Container
	root *root
	held runtime.Held
	open []int
}

func (m *making) close() {
	for _, fd := range m.open {
		unix.Close(fd)
	}
}

// who finds the program and the user in the root.
func (m *making) who() (err error) {
	if m.spec.Path, err = program(m.spec.Path, lookup(m.spec.Env, "PATH"), m.stat); err != nil {
		return fmt.Errorf("exec %s: %w", m.spec.Args[0], err)
	}
	if m.Account == nil {
		return nil
	}
	c, err := m.root.account(*m.Account)
	if err != nil {
		return err
	}
	m.spec.Credential = &c
	return nil
}

// stat is what a path will be in the container: of the root, or of what is bound into it.
func (m *making) stat(name string) (unix.Stat_t, error) {
	for _, v := range slices.Backward(m.Volumes) {
		below, is := strings.CutPrefix(name, v.Target)
		if !is || !path.IsAbs(v.Source) || below != "" && below[0] != '/' {
			continue
		}
		r, err := openRoot(v.Source)
		if err != nil {
			continue // a file, or nothing
		}
		defer r.close()
		return r.stat("." + below)
	}
	return m.root.stat(name)
}

func lookup(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// first makes the init, where one is asked for.
func (m *making) first() (err error) {
	if !m.Init {
		return nil
	}
	if m.c.Init, err = runtime.Stub(); err == nil {
		m.open = append(m.open, m.c.Init)
	}
	return err
}

func (m *making) offsets() error {
	if m.Monotonic != 0 {
		m.c.Offsets = append(m.c.Offsets, runtime.Offset{Clock: "monotonic", By: int64(m.Monotonic)})
	}
	if m.Boottime != 0 {
		m.c.Offsets = append(m.c.Offsets, runtime.Offset{Clock: "boottime", By: int64(m.Boottime)})
	}
	return nil
}

// user makes the user namespace, and with it the network namespace: that is to belong to it.
func (m *making) user() error {
	if m.Kinds&unix.CLONE_NEWUSER == 0 {
		return nil
	}
	net := m.Kinds&unix.CLONE_NEWNET != 0
	held, err := runtime.Hold(m.machine.host, m.UIDs, m.GIDs, net)
	if err != nil {
		return err
	}
	m.held, m.open = held, append(m.open, held.User)
	m.c.Enter = append(m.c.Enter, runtime.Namespace{Name: "user", FD: held.User, Kinds: unix.CLONE_NEWUSER})
	m.c.Map = true
	if net { // which is the user namespace's own
		m.open = append(m.open, held.Net)
		m.c.Enter = append(m.c.Enter, runtime.Namespace{Name: "net", FD: held.Net, Kinds: unix.CLONE_NEWNET})
		m.c.Namespaces &^= unix.CLONE_NEWNET
	}
	return nil
}
