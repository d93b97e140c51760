package manager

import (
	"net/netip"
	"path/filepath"

	"github.com/orderly-init/orderly/netns"
	"github.com/orderly-init/orderly/targets"
)

// joining is all that a join needs: nothing of it changes.
type joining struct {
	run        uint32
	lasting    string // the directory where leases outlast a boot; "" is none
	definition netns.Definition
	member     netns.Member
	hostname   string
	promised   map[string][]netip.Addr
	needed     map[string]bool
}

// joiningOf makes it of a configuration.
func (m *Manager) joiningOf(def *targets.Component, run uint32) joining {
	c, t := m.config, def.Container
	j := joining{
		run: run, definition: definitionOf(&t.Joins), member: memberOf(def), hostname: t.Hostname,
		promised: map[string][]netip.Addr{}, needed: map[string]bool{},
	}
	if j.hostname == "" {
		j.hostname = def.Name
	}
	if m.keepsState(c) {
		j.lasting = filepath.Join(c.StateDirectory, "networks")
	}
	for i := range c.Components {
		x := &c.Components[i]
		if x.Container.Joined() && x.Container.Network == t.Network {
			j.needed[x.Name] = true
			if x.Container.Addresses != nil {
				j.promised[x.Name] = x.Container.Addresses
			}
		}
	}
	return j
}

func definitionOf(n *targets.Network) netns.Definition {
	d := netns.Definition{
		Name: n.Name, Bridge: n.Bridge, MTU: n.MTU, NAT: n.NAT, Routed: n.Routed, DNS: !n.NoNames, Filtered: n.Filtered,
	}
	for i, p := range n.Subnets {
		d.Subnets = append(d.Subnets, netns.Subnet{Prefix: p, Gateway: n.Gateways[i]})
	}
	return d
}

func memberOf(def *targets.Component) netns.Member {
	t := def.Container
	m := netns.Member{
		Name: def.Name, Aliases: t.Aliases, Addresses: t.Addresses,
		Send: netns.Rate(t.Bandwidth.Egress / 8), Receive: netns.Rate(t.Bandwidth.Ingress / 8),
	}
	for _, p := range t.Ports {
		m.Ports = append(m.Ports, netns.Port{Protocol: p.Protocol, Host: netip.AddrPortFrom(p.Address, p.Host), Member: p.Container})
	}
	if t.Egress != nil {
		m.Egress = []netns.Rule{}
	}
	places := map[string]netns.To{
		"": netns.ToPrefix, targets.EgressNetwork: netns.ToNetwork, targets.EgressHost: netns.ToHost, targets.EgressOutside: netns.ToOutside,
	}
	for _, e := range t.Egress {
		r := netns.Rule{To: places[e.Place], Prefix: e.Prefix, Protocol: e.Protocol, Port: e.Port} // another place is a member
		if r.To == netns.ToMember {
			r.Member = e.Place
		}
		m.Egress = append(m.Egress, r)
	}
	return m
}
