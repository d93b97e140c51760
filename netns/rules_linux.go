package netns

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// lookup tells the addresses of a member, whether it has joined or not.
type lookup func(name string) []netip.Addr

// rulesOf is what a network with these members needs of the firewall. Nothing here accepts: a chain of somebody
// else may refuse what these let pass.
//
//	prerouting ── forwarded ports ──► forward ──► leaving  (what comes from the bridge)
//	output ─────── the same ─────┘       └──────► entering (what goes to the bridge)
//	input ──► host (filtered networks)        postrouting ── masquerade
func rulesOf(d *Definition, members []Member, addresses lookup) *ruleset {
	r := &ruleset{}
	ports := slices.ContainsFunc(members, func(m Member) bool { return len(m.Ports) > 0 })
	if ports {
		r.inet = append(r.inet, loopbackGuard(d))
		r.inet = append(r.inet, portChains(d, members)...)
	}
	if d.NAT || ports {
		r.inet = append(r.inet, masquerading(d))
	}
	r.inet = append(r.inet, forwardChain(d), entering(d), leaving(d, members))
	if d.Filtered {
		r.inet = append(r.inet, filterChains(d, members, addresses)...)
	}
	for i := range members {
		if m := &members[i]; d.Filtered || m.Send != 0 {
			r.netdev = append(r.netdev, ingress(d, m))
		}
	}
	return r
}

// loopbackGuard drops what members send to the Host's loopback: the route for ports of 127.0.0.1 (route_localnet)
// would let it in. Answers to the Host come by here before their address is changed back.
func loopbackGuard(d *Definition) chain {
	c := chain{name: "guard", kind: nftables.ChainTypeFilter, hook: nftables.ChainHookPrerouting, priority: nftables.ChainPriorityRaw}
	c.add(from(d.Bridge), version(true), destination(loopback4()), drop())
	return c
}

func loopback4() netip.Prefix { return netip.MustParsePrefix("127.0.0.0/8") }

// portChains forward ports of the Host: what comes from outside or a member, and what the Host itself sends. Of its
// loopback only that of IPv4 can be: an answer for ::1 finds no way back from another link (rt6_need_strict in
// net/ipv6/route.c), and who tries that first should hear so at once.
func portChains(d *Definition, members []Member) []chain {
	in := chain{name: "ports", kind: nftables.ChainTypeNAT, hook: nftables.ChainHookPrerouting, priority: nftables.ChainPriorityNATDest}
	out := chain{name: "own-ports", kind: nftables.ChainTypeNAT, hook: nftables.ChainHookOutput, priority: nftables.ChainPriorityNATDest}
	out.add(version(false), destination(netip.MustParsePrefix("::1/128")), pass())
	for _, m := range members {
		for _, p := range m.Ports {
			for _, a := range m.Addresses {
				if host := p.Host.Addr(); host.IsValid() && host.Is4() != a.Is4() {
					continue
				}
				in.rules = append(in.rules, forwardPort(p, a))
				out.rules = append(out.rules, forwardPort(p, a))
			}
		}
	}
	return []chain{in, out}
}

func forwardPort(p Port, a netip.Addr) rule {
	at := toHost()
	if host := p.Host.Addr(); host.IsValid() && !host.IsUnspecified() {
		at = destination(netip.PrefixFrom(host, host.BitLen()))
	}
	return when(version(a.Is4()), protocol(p.Protocol, a.Is4()), port(p.Host.Port()), at, redirect(a, p.Member))
}

// masquerading hides members behind the Host's address outside. Where a port is forwarded to a member that the
// sender could reach itself, and where the Host speaks from its loopback, the answer must come back by the Host.
func masquerading(d *Definition) chain {
	c := chain{name: "masquerade", kind: nftables.ChainTypeNAT, hook: nftables.ChainHookPostrouting, priority: nftables.ChainPriorityNATSource}
	for _, s := range d.Subnets {
		is4 := s.Prefix.Addr().Is4()
		if d.NAT {
			c.add(toOther(d.Bridge), version(is4), source(s.Prefix), masquerade())
		}
		c.add(to(d.Bridge), version(is4), source(s.Prefix), forwarded(), masquerade())
		if is4 {
			c.add(to(d.Bridge), version(is4), source(loopback4()), masquerade())
		}
	}
	return c
}

func forwardChain(d *Definition) chain {
	c := chain{name: "forward", kind: nftables.ChainTypeFilter, hook: nftables.ChainHookForward, priority: nftables.ChainPriorityFilter}
	c.add(from(d.Bridge), jump("leaving"))
	c.add(to(d.Bridge), jump("entering"))
	return c
}

// entering lets in what members asked for and what ports are forwarded for; other networks never get further.
func entering(d *Definition) chain {
	c := chain{name: "entering"}
	c.add(from(d.Bridge), pass())
	c.add(reply(), pass())
	c.add(forwarded(), pass())
	c.refuse(fromNetworks())
	if !d.Routed {
		c.add(drop())
	}
	return c
}

// leaving keeps members of a network of its own in it, and asks for the rules of each where there are some.
func leaving(d *Definition, members []Member) chain {
	c := chain{name: "leaving"}
	c.add(reply(), pass())
	if !d.NAT && !d.Routed {
		c.refuse(toOther(d.Bridge), notForwarded())
	}
	if d.Filtered {
		c.bySource(members, "to-")
	}
	return c
}

// bySource sends packets to the chain of the member that they are from. Without rules it may do everything; what is
// from nobody is refused.
func (c *chain) bySource(members []Member, prefix string) {
	for _, m := range members {
		then := leap(prefix + m.Name) // what it lets pass does not come back here
		if m.Egress == nil {
			then = pass()
		}
		for _, a := range m.Addresses {
			c.add(version(a.Is4()), source(netip.PrefixFrom(a, a.BitLen())), then)
		}
	}
	c.refuse()
}

// filterChains are those of members with rules, and the one for what members send to the Host.
func filterChains(d *Definition, members []Member, addresses lookup) []chain {
	input := chain{name: "input", kind: nftables.ChainTypeFilter, hook: nftables.ChainHookInput, priority: nftables.ChainPriorityFilter}
	input.add(from(d.Bridge), jump("host"))
	host := chain{name: "host"}
	host.add(reply(), pass())
	host.neighbours(d)
	host.nameService(d)
	host.bySource(members, "host-")
	chains := []chain{input, host}
	for i := range members {
		if m := &members[i]; m.Egress != nil {
			chains = append(chains, beyond(d, m, addresses), toTheHost(d, m))
		}
	}
	return chains
}

// neighbours lets pass what IPv6 finds its neighbours with, types 133 to 136 (RFC 4861, 4).
func (c *chain) neighbours(d *Definition) {
	if !d.has(false) {
		return
	}
	for kind := byte(133); kind <= 136; kind++ {
		c.add(version(false), protocol("icmp", false), rule{
			&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1}, equal([]byte{kind}),
		}, pass())
	}
}

// nameService is open to everybody where there is one.
func (c *chain) nameService(d *Definition) {
	if !d.DNS {
		return
	}
	for _, s := range d.Subnets {
		gateway := netip.PrefixFrom(s.Gateway, s.Gateway.BitLen())
		for _, p := range []string{"udp", "tcp"} {
			c.add(version(gateway.Addr().Is4()), destination(gateway), protocol(p, gateway.Addr().Is4()), port(53), pass())
		}
	}
}

// beyond is what a member may send to others, toTheHost what to the Host.
func beyond(d *Definition, m *Member, addresses lookup) chain {
	c := chain{name: "to-" + m.Name}
	for _, r := range m.Egress {
		switch r.To {
		case ToMember:
			for _, a := range addresses(r.Member) {
				c.open(r, a.Is4(), destination(netip.PrefixFrom(a, a.BitLen())))
			}
		case ToNetwork:
			c.open(r, true, to(d.Bridge))
			c.open(r, false, to(d.Bridge))
		case ToOutside:
			c.open(r, true, toOther(d.Bridge))
			c.open(r, false, toOther(d.Bridge))
		case ToPrefix:
			c.open(r, r.Prefix.Addr().Is4(), destination(r.Prefix))
		case ToHost:
		}
	}
	c.refuse()
	return c
}

func toTheHost(d *Definition, m *Member) chain {
	c := chain{name: "host-" + m.Name}
	for _, r := range m.Egress {
		switch r.To {
		case ToHost:
			c.open(r, true, nil)
			c.open(r, false, nil)
		case ToPrefix:
			c.open(r, r.Prefix.Addr().Is4(), destination(r.Prefix))
		case ToMember, ToNetwork, ToOutside:
		}
	}
	c.refuse()
	return c
}

// open lets one kind of traffic pass.
func (c *chain) open(r Rule, is4 bool, where rule) {
	parts := []rule{version(is4), where}
	if r.Protocol != "" {
		parts = append(parts, protocol(r.Protocol, is4))
	}
	if r.Port != 0 {
		parts = append(parts, port(r.Port))
	}
	c.add(append(parts, pass())...)
}

// ingress is what a member's packets meet first, on the host's end of its pair: that it sends too much, or under
// somebody else's address.
func ingress(d *Definition, m *Member) chain {
	link := hostEnd(d.Name, m.Name)
	c := chain{
		name: link, kind: nftables.ChainTypeFilter, hook: nftables.ChainHookIngress, priority: nftables.ChainPriorityFilter, device: link,
	}
	if m.Send != 0 {
		c.add(over(m.Send), drop())
	}
	if d.Filtered {
		c.honest(d, m)
	}
	return c
}

// over is what goes beyond a rate. The member's own queue keeps below it; this holds where the member can change that.
func over(rate Rate) rule {
	return rule{&expr.Limit{
		Type: expr.LimitTypePktBytes, Rate: uint64(rate) + uint64(rate)/8, Over: true, Unit: expr.LimitTimeSecond,
		Burst: clamp(uint64(rate)/5, 256<<10, 64<<20),
	}}
}

// honest drops what does not come from the member's own addresses. Frames that are neither IP nor ARP have no
// business here.
func (c *chain) honest(d *Definition, m *Member) {
	c.add(rule{
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6},
		differs(hardware(d.Name, m.Name)), &expr.Verdict{Kind: expr.VerdictDrop},
	})
	c.add(frame(unix.ETH_P_ARP), verdict(expr.VerdictAccept)) // whose address it claims is not listened to: see isolate
	for _, a := range m.Addresses {
		c.add(frameOf(a.Is4()), source(netip.PrefixFrom(a, a.BitLen())), verdict(expr.VerdictAccept))
	}
	if d.has(false) {
		for _, p := range []string{"fe80::/10", "::/128"} { // finding neighbours (RFC 4861, 4.3)
			c.add(frameOf(false), source(netip.MustParsePrefix(p)), verdict(expr.VerdictAccept))
		}
	}
	c.add(drop())
}

func frameOf(is4 bool) rule {
	if is4 {
		return frame(unix.ETH_P_IP)
	}
	return frame(unix.ETH_P_IPV6)
}

func frame(kind uint16) rule {
	return rule{meta(expr.MetaKeyPROTOCOL), equal([]byte{byte(kind >> 8), byte(kind)})}
}
