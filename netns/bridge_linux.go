package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// makeBridge makes the bridge of a network, or brings the one that is there to what the network is now.
func (h Host) makeBridge(d *Definition) error {
	return h.links(func(k *netlink.Handle) error {
		link, err := bridge(k, d)
		if err == nil {
			err = unheard(d.Bridge)
		}
		if err == nil {
			err = k.LinkSetUp(link)
		}
		if err == nil {
			err = gateways(k, link, d)
		}
		return failed("bridge", d.Bridge, err, "bridge")
	})
}

// unheard spares a link the second in which IPv6 asks whether somebody has its address, and in which nobody can be
// found by it (RFC 4862, 5.4): the addresses of both ends are given out here.
func unheard(link string) error { return sysctl("net/ipv6/conf/"+link+"/accept_dad", "0") }

// bridge finds or makes the link. Its hardware address is given: else it would be that of a member, and change.
func bridge(k *netlink.Handle, d *Definition) (netlink.Link, error) {
	link, err := k.LinkByName(d.Bridge)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU, attrs.Group = d.Bridge, d.MTU, mark
		attrs.Alias, attrs.HardwareAddr = "orderly "+d.Name, hardware(d.Name, "")
		if err := k.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
			return nil, err
		}
		return k.LinkByName(d.Bridge)
	}
	if err != nil {
		return nil, err
	}
	if link.Type() != "bridge" || link.Attrs().Group != mark {
		return nil, errors.New("a link of that name is there and was not made for a network")
	}
	if d.MTU != 0 && link.Attrs().MTU != d.MTU {
		err = k.LinkSetMTU(link, d.MTU)
	}
	return link, err
}

// gateways gives the bridge the Host's addresses, and takes those that it should not have any more.
func gateways(k *netlink.Handle, link netlink.Link, d *Definition) error {
	for _, s := range d.Subnets {
		if err := address(k, link, netip.PrefixFrom(s.Gateway, s.Prefix.Bits())); err != nil {
			return err
		}
	}
	has, err := whole(func() ([]netlink.Addr, error) { return k.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return err
	}
	for _, a := range has {
		ip, _ := netip.AddrFromSlice(a.IP)
		wanted := slices.ContainsFunc(d.Subnets, func(s Subnet) bool { return s.Gateway == ip.Unmap() })
		if !wanted && !ip.IsLinkLocalUnicast() {
			if err := k.AddrDel(link, &a); err != nil {
				return err
			}
		}
	}
	return nil
}

// address gives a link an address, for use at once: that it is nobody else's is known (ip-address(8), "nodad").
func address(k *netlink.Handle, link netlink.Link, p netip.Prefix) error {
	err := k.AddrReplace(link, &netlink.Addr{IPNet: ipNet(p), Flags: unix.IFA_F_NODAD})
	if err != nil {
		return fmt.Errorf("address %s: %w", p, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// removeBridge removes the bridge of a network with the pairs that are still at it.
func (h Host) removeBridge(name string) error {
	return h.links(func(k *netlink.Handle) error {
		link, err := k.LinkByName(name)
		if err != nil || link.Attrs().Group != mark {
			return nil
		}
		links, err := whole(k.LinkList)
		for _, l := range links {
			if l.Attrs().MasterIndex == link.Attrs().Index && l.Attrs().Group == mark {
				err = errors.Join(err, gone(k.LinkDel(l)))
			}
		}
		return failed("bridge", name, errors.Join(err, gone(k.LinkDel(link))))
	})
}

// gone forgives that a link was removed already: its other end may have gone with its namespace.
func gone(err error) error {
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// Has says whether the bridge of a network is there, and ours.
func (h Host) Has(bridge string) bool {
	has := false
	_ = h.links(func(k *netlink.Handle) error {
		link, err := k.LinkByName(bridge)
		has = err == nil && link.Attrs().Group == mark
		return err
	})
	return has
}
