package manager

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/netns"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// startNetworks makes what keeps networks.
func (m *Manager) startNetworks() {
	n := newNetworks(filepath.Join(filepath.Dir(m.Control), "networks"))
	n.complain = func(why string) { m.loop.Post(func() { m.system(targets.Warning, why) }) }
	n.hold = func(network string, sockets []int) {
		m.hold(keeper.Message{Tags: socketTags(network, len(sockets)), Files: sockets})
	}
	n.drop = func(network string) { m.drop(socketTags(network, maxSockets)...) }
	n.keep = m.keepMember
	n.forget = func(member, network string) { m.drop(keptTag(member, network)) }
	m.networks = n
}

// maxSockets is how many a network has: two of each version of IP.
const maxSockets = 4

// socketTags are those of the sockets of a network, in their order.
func socketTags(network string, n int) []keeper.Tag {
	var tags []keeper.Tag
	for i := range n {
		tags = append(tags, keeper.Tag{Use: keeper.NameService, Run: uint32(i), Name: supervisor.NameHash(network)})
	}
	return tags
}

// takeSockets takes over the sockets that names are asked at: meanwhile the kernel has kept the questions.
func (m *Manager) takeSockets(held heldFiles, there []joining) {
	var names []string
	for i := range m.config.Networks {
		names = append(names, m.config.Networks[i].Name)
	}
	for i := range there {
		names = append(names, there[i].definition.Name)
	}
	for _, name := range names {
		for _, tag := range socketTags(name, maxSockets) {
			if fd, ok := held[tag]; ok {
				delete(held, tag)
				m.networks.held[name] = append(m.networks.held[name], os.NewFile(uintptr(fd), name))
			}
		}
	}
}

// resumeNetworks makes known who is on a network by the hand of an earlier manager.
func (m *Manager) resumeNetworks(held heldFiles) {
	running, unused := m.joinings(held)
	m.takeSockets(held, slices.Concat(running, unused))
	if len(running)+len(unused)+len(m.networks.held) == 0 {
		return
	}
	m.work.Go(func() {
		members, err := m.networks.resume(running, unused)
		if err != nil {
			m.networks.complain(err.Error())
		}
		m.loop.Post(func() { m.nameAddresses(members) })
	})
}

// nameAddresses notes the addresses of members, for people.
func (m *Manager) nameAddresses(members []netns.Member) {
	for i := range members {
		if u := m.byName[members[i].Name]; u != nil {
			u.addresses = addressText(&members[i])
		}
	}
}
