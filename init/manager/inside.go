package manager

import (
	"github.com/orderly-init/orderly/runtime/ready"
)

// What a readiness condition names is named as the component sees it: in a container that is another root, and perhaps another
// network.

// rootOf is the root of a running container, as we reach it; "" is our own.
func rootOf(u *unit) string {
	if u.def.Container == nil || u.main == nil {
		return ""
	}
	return "/proc/" + itoa(u.main.number()) + "/root"
}

// rootBefore is that of one that does not run.
func rootBefore(u *unit) string {
	if u.def.Container == nil {
		return ""
	}
	return u.def.Container.Rootfs
}

// network is the network namespace of a running container that has not that of the machine; "" is that.
func network(u *unit) string {
	if u.def.Container == nil || u.main == nil {
		return ""
	}
	return "/proc/" + itoa(u.main.number()) + "/ns/net"
}

// askInside opens, off the loop, what the sockets of a container are asked for with.
func (m *Manager) askInside(u *unit, ask func()) {
	run, namespace := u.run, network(u)
	m.work.Go(func() {
		s, err := ready.NewSocketsIn(namespace)
		m.loop.Post(func() {
			switch {
			case err == nil && u.run == run && u.main != nil:
				u.sockets = s
				ask()
			case err == nil:
				s.Close()
			case u.run == run && u.main != nil:
				m.complain(u, "ready.socket: "+err.Error())
			}
		})
	})
}

// leaveInside closes it again.
func (u *unit) leaveInside() {
	if u.sockets != nil {
		u.sockets.Close()
		u.sockets = nil
	}
}
