package netns

import (
	"errors"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// plug joins a namespace to the bridge by a pair of links, and sets up the member's end. What is there is kept where
// it is as it should be. m has its addresses.
func (h Host) plug(d *Definition, m *Member, namespace *os.File) error {
	inside := &memberSide{d: d, m: m}
	err := Inside(namespace, func() error { return withLinks(inside.find) })
	if err != nil {
		return err
	}
	err = h.links(func(k *netlink.Handle) error {
		return failed("veth", hostEnd(d.Name, m.Name), hostSide(k, d, m, inside.there, namespace), "veth")
	})
	if err != nil {
		return err
	}
	if err := Inside(namespace, func() error { return withLinks(inside.set) }); err != nil {
		return err
	}
	return h.awaitLinks(d, m, namespace)
}

// hostSide makes the pair, unless it is there with both ends, and puts the host's end into the bridge.
func hostSide(k *netlink.Handle, d *Definition, m *Member, there bool, namespace *os.File) error {
	bridge, err := k.LinkByName(d.Bridge)
	if err != nil {
		return err
	}
	name := hostEnd(d.Name, m.Name)
	link, err := k.LinkByName(name)
	if err == nil && !there { // its other end is somewhere else: in a namespace that was given up
		if err := gone(k.LinkDel(link)); err != nil {
			return err
		}
	}
	if err != nil || !there {
		if err := k.LinkAdd(pair(d, m, namespace)); err != nil {
			return err
		}
		if link, err = k.LinkByName(name); err != nil {
			return err
		}
	}
	if link.Attrs().MasterIndex != bridge.Attrs().Index {
		if err := k.LinkSetMaster(link, bridge); err != nil {
			return err
		}
	}
	if err := sysctl("net/ipv6/conf/"+name+"/disable_ipv6", "1"); err != nil { // it is the bridge that has addresses
		return err
	}
	// where bridges call the firewall (br_netfilter), what a member sends to its own forwarded port turns round here
	if err := k.LinkSetHairpin(link, len(m.Ports) > 0); err != nil {
		return err
	}
	if d.Filtered {
		err = isolate(k, bridge, link, d, m)
	}
	return errors.Join(err, shape(k, link, m.Receive), k.LinkSetUp(link))
}

// pair describes both ends; the other one is made in the member's namespace.
func pair(d *Definition, m *Member, namespace *os.File) *netlink.Veth {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Group = hostEnd(d.Name, m.Name), d.MTU, mark
	attrs.Alias = "orderly " + d.Name + " " + m.Name
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerHardwareAddr = memberEnd, hardware(d.Name, m.Name)
	veth.PeerNamespace = netlink.NsFd(namespace.Fd())
	return veth
}

// isolate keeps a member from the others on the bridge, and from taking the place of one: what reaches whom is
// written down here and not learned from what members send.
func isolate(k *netlink.Handle, bridge, link netlink.Link, d *Definition, m *Member) error {
	if err := errors.Join(k.LinkSetIsolated(link, true), k.LinkSetLearning(link, false)); err != nil {
		return err
	}
	mac := hardware(d.Name, m.Name)
	entries := []netlink.Neigh{{
		LinkIndex: link.Attrs().Index, Family: unix.AF_BRIDGE, Flags: netlink.NTF_MASTER,
		State: netlink.NUD_NOARP, HardwareAddr: mac, // a static entry of the forwarding table (bridge(8))
	}}
	for _, a := range m.Addresses {
		entries = append(entries, netlink.Neigh{
			LinkIndex: bridge.Attrs().Index, Family: family(a), State: netlink.NUD_PERMANENT, IP: a.AsSlice(), HardwareAddr: mac,
		})
	}
	for i := range entries {
		if err := k.NeighSet(&entries[i]); err != nil {
			return err
		}
	}
	return nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

// unplug removes a member's pair.
func (h Host) unplug(d *Definition, m *Member) error {
	name := hostEnd(d.Name, m.Name)
	return h.links(func(k *netlink.Handle) error {
		if bridge, err := k.LinkByName(d.Bridge); err == nil && d.Filtered {
			for _, a := range m.Addresses {
				// may be gone already
				_ = k.NeighDel(&netlink.Neigh{LinkIndex: bridge.Attrs().Index, Family: family(a), IP: a.AsSlice()})
			}
		}
		link, err := k.LinkByName(name)
		if err != nil {
			return nil
		}
		return failed("veth", name, gone(k.LinkDel(link)))
	})
}

// memberSide is what is done in a member's namespace.
type memberSide struct {
	d     *Definition
	m     *Member
	there bool // the member's end of the right pair
}

// find looks for the member's end. Another link of its name is removed: it is of a pair that is not ours any more.
func (s *memberSide) find(k *netlink.Handle) error {
	link, err := k.LinkByName(memberEnd)
	if err != nil {
		return nil
	}
	if s.there = link.Type() == "veth" && link.Attrs().HardwareAddr.String() == hardware(s.d.Name, s.m.Name).String(); s.there {
		return nil
	}
	return failed("link", memberEnd, gone(k.LinkDel(link)))
}

// set gives the member's end its addresses and routes.
func (s *memberSide) set(k *netlink.Handle) error {
	link, err := k.LinkByName(memberEnd)
	if err != nil {
		return failed("link", memberEnd, err)
	}
	if err := s.settings(); err != nil {
		return err
	}
	if s.d.MTU != 0 && link.Attrs().MTU != s.d.MTU {
		if err := k.LinkSetMTU(link, s.d.MTU); err != nil {
			return failed("link", memberEnd, err)
		}
	}
	for _, a := range s.m.Addresses {
		if err := address(k, link, s.prefix(a)); err != nil {
			return failed("link", memberEnd, err)
		}
	}
	if err := errors.Join(s.takeOld(k, link), k.LinkSetUp(link), shape(k, link, s.m.Send)); err != nil {
		return failed("link", memberEnd, err)
	}
	for _, a := range s.m.Addresses {
		if err := s.routes(k, link, a); err != nil {
			return failed("route", memberEnd, err)
		}
	}
	return nil
}

// prefix is what a member sees beside itself on the link: its subnet, or in a filtered network nobody.
func (s *memberSide) prefix(a netip.Addr) netip.Prefix {
	subnet, _ := s.d.subnetOf(a)
	if s.d.Filtered {
		return netip.PrefixFrom(a, a.BitLen())
	}
	return netip.PrefixFrom(a, subnet.Prefix.Bits())
}

// settings of the member's namespace: routes come from here and from no neighbour.
func (s *memberSide) settings() error {
	disable := "1"
	if s.d.has(false) {
		disable = "0"
	}
	return sysctls(
		[2]string{"net/ipv6/conf/" + memberEnd + "/disable_ipv6", disable},
		[2]string{"net/ipv6/conf/" + memberEnd + "/accept_dad", "0"},
		[2]string{"net/ipv6/conf/" + memberEnd + "/accept_ra", "0"},
		[2]string{"net/ipv6/conf/" + memberEnd + "/accept_redirects", "0"},
		[2]string{"net/ipv4/conf/" + memberEnd + "/accept_redirects", "0"},
		[2]string{"net/ipv4/conf/all/accept_redirects", "0"},
	)
}

// takeOld takes addresses that the member had before.
func (s *memberSide) takeOld(k *netlink.Handle, link netlink.Link) error {
	has, err := whole(func() ([]netlink.Addr, error) { return k.AddrList(link, netlink.FAMILY_ALL) })
	for _, a := range has {
		ip, _ := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		has := netip.PrefixFrom(ip.Unmap(), bits)
		wanted := slices.ContainsFunc(s.m.Addresses, func(a netip.Addr) bool { return s.prefix(a) == has })
		if !wanted && !ip.IsLinkLocalUnicast() {
			err = errors.Join(err, k.AddrDel(link, &a))
		}
	}
	return err
}

// routes leads everything to the gateway of an address.
func (s *memberSide) routes(k *netlink.Handle, link netlink.Link, a netip.Addr) error {
	subnet, ok := s.d.subnetOf(a)
	if !ok {
		return nil
	}
	gateway := subnet.Gateway
	if s.d.Filtered {
		err := k.RouteReplace(&netlink.Route{
			LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: ipNet(netip.PrefixFrom(gateway, gateway.BitLen())),
		})
		if err != nil {
			return err
		}
	}
	anywhere := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if a.Is6() {
		anywhere = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return k.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(anywhere), Gw: gateway.AsSlice()})
}
