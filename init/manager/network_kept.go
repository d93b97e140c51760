package manager

import (
	"encoding/json"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/netns"
	"github.com/orderly-init/orderly/supervisor"
)

// kept is what the keeper holds of a member while it is on a network: an apply may take both from the configuration before its run is over.
type kept struct {
	Definition netns.Definition
	Member     netns.Member
}

// keptTag is of one member of one network.
func keptTag(member, network string) keeper.Tag {
	return keeper.Tag{Use: keeper.Member, Run: uint32(supervisor.NameHash(network)), Name: supervisor.NameHash(member)}
}

// keepMember has the keeper hold what a run joins.
func (m *Manager) keepMember(j *joining) error {
	b, err := json.Marshal(kept{j.definition, j.member})
	if err != nil {
		return err
	}
	fd, err := keeper.Sealed("orderly-member", b)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m.hold(keeper.Message{Tags: []keeper.Tag{keptTag(j.member.Name, j.definition.Name)}, Files: []int{fd}})
	return nil
}

// takeMembers reads what is held of those that were on a network.
func (m *Manager) takeMembers(held heldFiles) (list []joining) {
	for tag, fd := range held {
		if tag.Use != keeper.Member {
			continue
		}
		delete(held, tag)
		var k kept
		if b, err := entrusted(fd); err != nil || json.Unmarshal(b, &k) != nil {
			m.drop(tag)
			continue
		}
		list = append(list, joining{definition: k.Definition, member: k.Member})
	}
	return list
}

// joinings are those that earlier managers have made: of runs that are there, and of networks that nobody may be on any more.
func (m *Manager) joinings(held heldFiles) (running, unused []joining) {
	past, present := map[string]joining{}, map[string]bool{} // by component: on a network that it is not to be on any more, on that which it is
	for _, j := range m.takeMembers(held) {
		name := j.member.Name
		if u := m.byName[name]; u != nil && u.def.Container.Joined() && u.def.Container.Network == j.definition.Name {
			present[name] = true
			continue
		}
		unused = append(unused, j)
		past[name] = j
	}
	for _, u := range m.units {
		state, run := m.machine.StateOf(u.number)
		j, old := past[u.name]
		switch {
		case old && !present[u.name]:
			j.run = run
		case u.def.Container.Joined():
			j = m.joiningOf(u.def, run)
		default:
			continue
		}
		switch state {
		case supervisor.Starting, supervisor.Ready, supervisor.Stopping:
		default:
			if !m.machine.LetGo(u.number) {
				unused = append(unused, j)
				continue
			}
		}
		m.networks.want(u.name, wanted{run, j.definition.Name})
		if state == supervisor.Down { // others find it by its name, as long as it lives on by itself
			m.networks.release(u.name)
		}
		running = append(running, j)
	}
	return running, unused
}
