package targets

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
)

// Network is one [network.NAME] table: what containers are joined by.
type Network struct {
	Name     string
	Bridge   string         // the link on the machine; never empty in a checked configuration
	Subnets  []netip.Prefix // one of IPv4, one of IPv6, or both, in this order
	Gateways []netip.Addr   // the machine's address in each of the subnets
	NAT      bool           // members go out with the machine's address
	Routed   bool           // members go out with their own
	NoNames  bool           // nobody answers for the names of members
	MTU      int            // 0 is the kernel's own
	Egress   []Egress       // of members that have none of their own; nil is everything

	// Filtered says that some member may not do everything: then none reaches another but by the firewall.
	Filtered bool
}

// The names that are no networks: the machine's own, and none at all.
const (
	HostNetwork = "host"
	NoNetwork   = "none"
)

// maxLink is the longest name of a link: IFNAMSIZ less its final NUL (netdevice(7)).
const maxLink = 15

func networkFields() []field[Network] {
	return []field[Network]{
		{"bridge", func(v value, n *Network) { v.link(&n.Bridge) }},
		{"subnet", func(v value, n *Network) { oneOrMore(v, &n.Subnets, parseSubnet) }},
		{"gateway", func(v value, n *Network) { oneOrMore(v, &n.Gateways, parseHost) }},
		{"nat", func(v value, n *Network) { v.bool(&n.NAT) }},
		{"routed", func(v value, n *Network) { v.bool(&n.Routed) }},
		{"dns", func(v value, n *Network) { v.negated(&n.NoNames) }},
		{"mtu", func(v value, n *Network) { v.number(&n.MTU, 576, 65535) }},
		{"egress", func(v value, n *Network) { v.egress(&n.Egress) }},
	}
}

func readNetworks(v value, d *draft) {
	v.entries(func(e value, _ int) {
		n := Network{Name: e.name}
		own := readTable(e, networkFields(), &n)
		if own == nil {
			return
		}
		if n.Name == HostNetwork || n.Name == NoNetwork {
			e.faultAt(atTable, "is no name for a network", `a container with network = "`+n.Name+`" is in none`)
		}
		e.checkNetwork(own, &n)
		d.Networks = append(d.Networks, n)
	})
}

// link reads the name of a network interface (dev_valid_name in net/core/dev.c).
func (v value) link(to *string) {
	text, ok := v.string()
	if !ok {
		return
	}
	if !bareName(text) || len(text) > maxLink {
		v.fault(strconv.Quote(text)+" is not the name of a link", "letters, digits, - and _, at most "+strconv.Itoa(maxLink))
		return
	}
	*to = text
}

// oneOrMore reads a string, or a list of them.
func oneOrMore[T any](v value, to *[]T, parse func(string) (T, string, string)) {
	list, fine := []T{}, true
	read := func(e value) {
		var one T
		fine = parsed(e, &one, parse) && fine
		list = append(list, one)
	}
	if _, one := v.x.(string); one {
		read(v)
	} else if !v.each("a string or a list of strings", read) {
		return
	}
	if fine && len(list) == 0 {
		v.fault("is empty", "")
		return
	}
	if fine {
		*to = list
	}
}

func parseSubnet(text string) (p netip.Prefix, what, hint string) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, strconv.Quote(text) + " is not a subnet", `write an address and its bits, such as "10.20.0.0/24" or "fd00:20::/64"`
	case p.Addr().Is4In6():
		return p, strconv.Quote(text) + " is not a subnet", "write IPv4 as such"
	case p != p.Masked():
		return p, strconv.Quote(text) + " is an address in a subnet", "write " + strconv.Quote(p.Masked().String())
	case p.Addr().BitLen()-p.Bits() < 2:
		return p, strconv.Quote(text) + " has no room for a member", "at most /30, and of IPv6 /126"
	case p.Addr().IsMulticast() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() || p.Addr().IsUnspecified():
		return p, strconv.Quote(text) + " is no range for machines", `such are "10.20.0.0/24" and "fd00:20::/64"`
	}
	return p, "", ""
}

func parseHost(text string) (a netip.Addr, what, hint string) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return a, strconv.Quote(text) + " is not an address", `such are "10.20.0.5" and "fd00:20::5"`
	}
	return a, "", ""
}

// checkNetwork holds the keys of a network against each other, and fills in what follows from them.
func (v value) checkNetwork(own map[string]any, n *Network) {
	if n.Bridge == "" && own["bridge"] == nil {
		n.Bridge = "br-" + n.Name
		if len(n.Bridge) > maxLink {
			v.faultAt(atTable, "needs a bridge: its name is too long to make one of", `add bridge = "NAME", at most `+strconv.Itoa(maxLink)+" letters")
		}
	}
	if own["subnet"] == nil {
		v.faultAt(atTable, "has no subnet", `add subnet = "10.20.0.0/24"`)
	}
	if n.NAT && n.Routed {
		v.l.fault(v.path()+".routed", atKey, "excludes nat", "members go out with their own addresses, or with the machine's")
	}
	v.checkSubnets(n)
	v.checkGateways(n)
	if n.MTU != 0 && n.MTU < 1280 && slices.ContainsFunc(n.Subnets, func(p netip.Prefix) bool { return p.Addr().Is6() }) {
		v.l.fault(v.path()+".mtu", atValue, strconv.Itoa(n.MTU)+" is too small for IPv6", "at least 1280")
	}
}

// checkSubnets allows one subnet of each version of IP.
func (v value) checkSubnets(n *Network) {
	path := v.path() + ".subnet"
	for i, p := range n.Subnets {
		for _, q := range n.Subnets[:i] {
			if p.Addr().Is4() == q.Addr().Is4() {
				v.l.fault(v.l.nth(path, i), atValue, "a second subnet of the same version of IP", "one of IPv4, one of IPv6, or both")
			}
		}
	}
	slices.SortFunc(n.Subnets, func(a, b netip.Prefix) int { return cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen()) })
}

// checkGateways puts the gateways in the order of the subnets; the first address is that of a subnet without one.
func (v value) checkGateways(n *Network) {
	written, path := n.Gateways, v.path()+".gateway"
	n.Gateways = make([]netip.Addr, len(n.Subnets))
	for i, p := range n.Subnets {
		n.Gateways[i] = p.Addr().Next()
	}
	seen := make([]bool, len(n.Subnets))
	for i, a := range written {
		s := slices.IndexFunc(n.Subnets, func(p netip.Prefix) bool { return p.Contains(a) })
		switch {
		case s < 0 && len(n.Subnets) > 0:
			v.l.fault(v.l.nth(path, i), atValue, a.String()+" is not in the subnet", "")
		case s >= 0 && seen[s]:
			v.l.fault(v.l.nth(path, i), atValue, "a second gateway of one subnet", "")
		case s >= 0 && !forMember(n.Subnets[s], a):
			v.l.fault(v.l.nth(path, i), atValue, a.String()+" means the subnet, or all that are in it", "")
		case s >= 0:
			n.Gateways[s], seen[s] = a, true
		}
	}
}

// forMember says whether an address of a subnet can be that of one machine: its first is not, nor the last of IPv4
// (RFC 919, 7; RFC 4291, 2.6.1).
func forMember(p netip.Prefix, a netip.Addr) bool {
	return a != p.Addr() && (a.Is6() || p.Contains(a.Next()))
}

// nth is the path of an element of what may be a list or its only element.
func (l *loader) nth(path string, i int) string {
	if e := element(path, i); l.written(e) {
		return e
	}
	return path
}

// Network finds a network by its name.
func (c *Config) Network(name string) (*Network, bool) {
	i, ok := slices.BinarySearchFunc(c.Networks, name, func(n Network, name string) int { return cmp.Compare(n.Name, name) })
	if !ok {
		return nil, false
	}
	return &c.Networks[i], true
}
