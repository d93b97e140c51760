package manager

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// enterCall says how to get into a container. The caller does it, with its own privileges and its own terminal.
func (m *Manager) enterCall(_ context.Context, c control.Call) (any, error) {
	var p control.NameParam
	if err := c.Bind(&p); err != nil {
		return nil, err
	}
	if !samePIDs(c.Peer.PID) {
		return nil, elsewhere()
	}
	return inLoop(m, func() (any, error) {
		u, err := m.component(p.Name)
		if err != nil {
			return nil, err
		}
		inside, err := m.inside(u)
		return control.EnterReply{Inside: inside}, err
	})
}

// samePIDs says whether a number of a process means the same to a caller as to us. Who is in no namespace below ours has the number 0
// (pid_namespaces(7)).
func samePIDs(caller int) bool {
	ours, err := os.Readlink("/proc/self/ns/pid")
	theirs, gone := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", caller))
	return caller != 0 && (err != nil || gone != nil || ours == theirs)
}

func elsewhere() error {
	return control.Refused(nil, "who asks is in another PID namespace, where processes have other numbers")
}

// inside is what a process of the container has.
func (m *Manager) inside(u *unit) (control.Inside, error) {
	switch state, _ := m.machine.StateOf(u.number); {
	case u.def.Container == nil && u.def.RootDirectory == "":
		return control.Inside{}, control.Refused(nil, "%s is not a container", u.name)
	case u.mainPID() == 0 || state == supervisor.Stopping:
		return control.Inside{}, control.Refused(nil, "%s has no process; orderly start %s", u.name, u.name)
	}
	s := runtime.Spec{}
	if err := m.attributes(u, &s); err != nil {
		return control.Inside{}, control.Failed("%v", err)
	}
	var err error
	if s.Env, err = m.environment(u.def, u.run); err != nil {
		return control.Inside{}, control.Failed("%v", err)
	}
	s.Args = []string{""}
	if err := m.asBundled(u, &s); err != nil {
		return control.Inside{}, control.Failed("%v", err)
	}
	i := control.Inside{
		PID: u.mainPID(), Namespaces: enterable(u.def), User: u.def.User, Group: u.def.Group, Env: s.Env,
		Groups: slices.Concat([]string{}, u.def.SupplementaryGroups), UserGroups: u.def.SupplementaryGroups == nil,
		Capabilities: slices.Concat([]int{}, s.Capabilities), AllCapabilities: s.Capabilities == nil,
		Ambient: slices.Concat([]int{}, s.Ambient), NoNewPrivileges: s.NoNewPrivileges, Filter: []int64{},
	}
	if bundled(u.def) {
		insideBundle(&i, u, &s)
	}
	if m.tree != nil {
		i.Cgroup = filepath.Join(m.tree.Path, u.name)
	}
	for _, w := range s.Filter {
		i.Filter = append(i.Filter, int64(w))
	}
	return i, nil
}

// enterable are the namespaces that a later process of a container enters. Not its time namespace, which can be entered only with
// a copy of the memory, nor its cgroup namespace, out of which nothing may be put into its cgroup.
func enterable(def *targets.Component) []string {
	names := []string{"mount"}
	if c := def.Container; c != nil {
		names = slices.Concat(c.Namespaces, c.Share.Namespaces)
	}
	return slices.DeleteFunc(names, func(kind string) bool { return kind == "time" || kind == "cgroup" })
}
