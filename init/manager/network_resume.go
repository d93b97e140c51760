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
	m.networks = &networks{
		directory: filepath.Join(filepath.Dir(m.Control), "networks"),
		complain:  func(why string) { m.loop.Post(func() { m.system(targets.Warning, why) }) },
		hold: func(network string, sockets []int) {
			m.hold(keeper.Message{Tags: socketTags(network, len(sockets)), Files: sockets})
		},
		drop:   func(network string) { m.drop(socketTags(network, maxSockets)...) },
		wanted: map[string]wanted{}, open: map[string]*netns.Network{}, handed: map[string]*netns.Network{}, held: map[string][]*os.File{},
	}
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
func (m *Manager) takeSockets(held heldFiles) {
	for i := range m.config.Networks {
		name := m.config.Networks[i].Name
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
	m.takeSockets(held)
	var running, unused []joining
	used := map[string]bool{}
	for _, u := range m.units {
		if !u.def.Container.Joined() {
			continue
		}
		switch state, run := m.machine.StateOf(u.number); {
		case state == supervisor.Starting, state == supervisor.Ready, state == supervisor.Stopping, m.machine.LetGo(u.number):
			m.networks.want(u.name, wanted{run, u.def.Container.Network})
			if state == supervisor.Down { // others find it by its name, as long as it lives on by itself
				m.networks.release(u.name)
			}
			running = append(running, m.joiningOf(u.def, run))
			used[u.def.Container.Network] = true
		default:
			unused = append(unused, m.joiningOf(u.def, run))
		}
	}
	if len(running)+len(unused)+len(m.networks.held) == 0 {
		return
	}
	unused = slices.DeleteFunc(unused, func(j joining) bool { return used[j.definition.Name] })
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
