package manager

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/netns"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// networked is a kind that is also joined to a network: its namespace is made before the start, since a container
// that runs has its addresses.
type networked struct {
	runtime.Kind
	networks *networks
	joining  joining
	joined   func(netns.Member) // is told, off the loop
}

// onNetwork makes a kind a member of its network, where it has one.
func (m *Manager) onNetwork(f *furnishing, kind runtime.Kind) runtime.Kind {
	u := f.unit
	if !u.def.Container.Joined() {
		return kind
	}
	if left := m.networks.want(u.name, wanted{f.run, u.def.Container.Network}); left != "" {
		m.leaveNetwork(u.name, left)
	}
	return &networked{Kind: kind, networks: m.networks, joining: m.joiningOf(u.def, f.run), joined: func(member netns.Member) {
		m.loop.Post(func() { u.addresses = addressText(&member) })
	}}
}

// Make completes a Spec, with a network namespace that is entered.
func (n *networked) Make(s *runtime.Spec) (open []int, err error) {
	defer func() {
		if err != nil {
			closeAll(open)
			open = nil
		}
	}()
	if open, err = n.Kind.Make(s); err != nil {
		return open, err
	}
	namespace, fd, err := n.namespace(s.Container)
	if err != nil {
		return open, err
	}
	defer namespace.Close()
	if fd >= 0 {
		open = append(open, fd)
	}
	member, err := n.networks.join(n.joining, namespace)
	if err != nil {
		return open, &stepError{"network " + n.joining.definition.Name, err}
	}
	n.joined(member)
	return open, n.bring(s.Container, &member)
}

// namespace is the network namespace of a container: the one that was made with its user namespace, else a new one,
// which is entered before a user namespace takes the right to. fd is -1 where nothing was made.
func (n *networked) namespace(c *runtime.Container) (f *os.File, fd int, err error) {
	for _, e := range c.Enter {
		if e.Kinds == unix.CLONE_NEWNET {
			f, err = duplicate(e.FD, e.Name)
			return f, -1, err
		}
	}
	if f, err = netns.New(); err != nil {
		return nil, -1, err
	}
	if fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		f.Close()
		return nil, -1, os.NewSyscallError("fcntl", err)
	}
	c.Enter = slices.Insert(slices.Clone(c.Enter), 0, runtime.Namespace{Name: "net", FD: fd, Kinds: unix.CLONE_NEWNET})
	c.Namespaces &^= unix.CLONE_NEWNET
	c.Loopback = false
	return f, fd, nil
}

// duplicate is a descriptor of the same namespace as a file of its own.
func duplicate(fd int, name string) (*os.File, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(copied), name), nil
}

// bring binds the files of a member into its /etc, where it has brought none of its own.
func (n *networked) bring(c *runtime.Container, m *netns.Member) error {
	places, err := n.networks.write(&n.joining, m)
	if err != nil {
		return fmt.Errorf("files of the network: %w", err)
	}
	for _, target := range slices.Sorted(maps.Keys(places)) {
		if slices.ContainsFunc(c.Mounts, func(x runtime.Mounting) bool { return x.Target == target }) {
			continue
		}
		c.Mounts = append(c.Mounts, runtime.Mounting{
			Source: places[target], Target: target, Bind: true, File: true, Set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV,
		})
	}
	return nil
}

// overOnNetwork takes a component whose run is over off its network.
func (m *Manager) overOnNetwork(e supervisor.Changed) {
	switch e.To {
	case supervisor.Down, supervisor.Failed, supervisor.Done:
	default:
		return
	}
	u := m.units[e.Component]
	if _, on := m.networks.is(u.name); !on {
		return
	}
	m.later(func() { // what else the same event brought has been done: that it was released
		w, was := m.networks.unwant(u.name)
		if !was {
			return
		}
		u.addresses = ""
		m.leaveNetwork(u.name, w.network)
	})
}

func (m *Manager) leaveNetwork(name, network string) {
	m.work.Go(func() {
		if err := m.networks.leave(name, network); err != nil {
			m.networks.complain(err.Error())
		}
	})
}
