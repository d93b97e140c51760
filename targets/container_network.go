package targets

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// networkedFields are the keys of a container that say how it is joined to others.
func networkedFields() []field[Container] {
	return []field[Container]{
		{"network", func(v value, c *Container) { v.nonEmpty(&c.Network) }},
		{"ports", func(v value, c *Container) { v.forwarded(&c.Ports) }},
		{"address", func(v value, c *Container) { oneOrMore(v, &c.Addresses, parseHost) }},
		{"aliases", func(v value, c *Container) { v.list(&c.Aliases, value.alias) }},
		{"egress", func(v value, c *Container) { v.egress(&c.Egress) }},
		{"bandwidth", func(v value, c *Container) { readTable(v, bandwidthFields(), &c.Bandwidth) }},
	}
}

// alias reads a name by which others find a container.
func (v value) alias(to *string) bool {
	text, ok := v.string()
	if ok && !hostLabels(text) {
		v.fault(strconv.Quote(text)+" is not a host name", "letters, digits, - and dots, at most 63 between two dots")
		return false
	}
	*to = text
	return ok
}

// hostLabels says whether a text is a name that the name service can have (RFC 1035, 2.3.4); "_" is usual.
func hostLabels(text string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if !bareName(label) || len(label) > 63 {
			return false
		}
	}
	return len(text) <= 190 // with the name of a network behind it still no more than 253
}

// Joined says whether a container is on a network of this configuration.
func (c *Container) Joined() bool {
	return c != nil && c.Network != "" && c.Network != HostNetwork && c.Network != NoNetwork
}

// checkJoined holds the keys of a container's network against the rest of it.
func (v value) checkJoined(c *Container, at string) {
	own := slices.Contains(c.Namespaces, "net")
	switch {
	case slices.Contains(c.Share.Namespaces, "net") && c.Network != "":
		v.l.fault(at+".network", atKey, "excludes sharing the network of another", "it has the network of "+c.Share.With)
	case c.Network == HostNetwork && own:
		v.l.fault(at+".network", atValue, `"host" has no "net" namespace`, `take "net" out of namespaces`)
	case c.Network != "" && c.Network != HostNetwork && !own:
		v.l.fault(at+".network", atKey, "needs a net namespace", `add "net" to namespaces`)
	}
	if c.Joined() {
		return
	}
	for _, k := range []struct {
		key string
		set bool
	}{
		{"ports", c.Ports != nil}, {"address", c.Addresses != nil}, {"aliases", c.Aliases != nil}, {"egress", c.Egress != nil},
		{"bandwidth", c.Bandwidth != Bandwidth{}},
	} {
		if k.set {
			v.l.fault(at+"."+k.key, atKey, "needs a network", `add network = "NAME"`)
		}
	}
}

// checkNetworks holds networks against each other and against the containers on them.
func (l *loader) checkNetworks(c *Config) {
	l.checkApart(c)
	for i := range c.Components {
		t := c.Components[i].Container
		if !t.Joined() {
			continue
		}
		at := c.Components[i].path() + ".container"
		n, known := c.Network(t.Network)
		if !known {
			l.fault(at+".network", atValue, "no network is named "+strconv.Quote(t.Network), c.meantNetwork(t.Network))
			continue
		}
		if t.Egress == nil {
			t.Egress = n.Egress
		}
		n.Filtered = n.Filtered || t.Egress != nil
		l.checkAddresses(n, t, at)
	}
	l.checkRules(c)
	l.checkMembers(c)
	for i := range c.Components { // when all is known of them
		if t := c.Components[i].Container; t.Joined() {
			if n, known := c.Network(t.Network); known {
				t.Joins = *n
			}
		}
	}
}

func (c *Config) meantNetwork(name string) string {
	var names []string
	for i := range c.Networks {
		names = append(names, c.Networks[i].Name)
	}
	return hintOf(name, append(names, HostNetwork, NoNetwork))
}

// checkApart finds networks with one bridge, or with addresses that are in both.
func (l *loader) checkApart(c *Config) {
	for i := range c.Networks {
		n := &c.Networks[i]
		at := join("network", n.Name)
		for j := range c.Networks[:i] {
			o := &c.Networks[j]
			if n.Bridge == o.Bridge && n.Bridge != "" {
				l.fault(at+".bridge", atValue, strconv.Quote(n.Bridge)+" is the bridge of network "+strconv.Quote(o.Name), "")
			}
			for k, p := range n.Subnets {
				for _, q := range o.Subnets {
					if p.Overlaps(q) {
						l.fault(l.nth(at+".subnet", k), atValue, p.String()+" overlaps "+q.String()+" of network "+strconv.Quote(o.Name), "")
					}
				}
			}
		}
	}
}

// checkAddresses looks whether the wanted addresses are the network's to give.
func (l *loader) checkAddresses(n *Network, t *Container, at string) {
	seen := make([]bool, len(n.Subnets))
	for i, a := range t.Addresses {
		path := l.nth(at+".address", i)
		s := slices.IndexFunc(n.Subnets, func(p netip.Prefix) bool { return p.Contains(a) })
		switch {
		case s < 0:
			l.fault(path, atValue, a.String()+" is not in network "+strconv.Quote(n.Name), "")
		case seen[s]:
			l.fault(path, atValue, "a second address of one subnet", "")
		case a == n.Gateways[s]:
			l.fault(path, atValue, a.String()+" is the gateway", "")
		case !forMember(n.Subnets[s], a):
			l.fault(path, atValue, a.String()+" means the subnet, or all that are in it", "")
		default:
			seen[s] = true
		}
	}
}

// checkRules looks for whom rules name: they must be where the rule is.
func (l *loader) checkRules(c *Config) {
	for i := range c.Networks {
		n := &c.Networks[i]
		l.checkEgress(c, n.Name, n.Egress, join("network", n.Name)+".egress")
	}
	for i := range c.Components {
		x := &c.Components[i]
		if t := x.Container; t.Joined() && l.writtenSomewhere(x.path()+".container.egress") {
			l.checkEgress(c, t.Network, t.Egress, x.path()+".container.egress")
		}
	}
}

// writtenSomewhere says whether a key is written, in the table itself or where it has its defaults from.
func (l *loader) writtenSomewhere(path string) bool {
	return slices.ContainsFunc(l.homes(path), l.written)
}

func (l *loader) checkEgress(c *Config, network string, rules []Egress, at string) {
	if _, known := c.Network(network); !known {
		return
	}
	for i, r := range rules {
		switch r.Place {
		case "", EgressNetwork, EgressHost, EgressOutside:
			continue
		}
		x, known := c.Component(r.Place)
		switch {
		case !known:
			hint := c.meant(r.Place, append(c.membersOf(network), EgressNetwork, EgressHost, EgressOutside))
			l.fault(element(at, i), atValue, "no component is named "+strconv.Quote(r.Place), hint)
		case c.Components[x].Container == nil || c.Components[x].Container.Network != network:
			l.fault(element(at, i), atValue, strconv.Quote(r.Place)+" is not on network "+strconv.Quote(network), "")
		}
	}
}

func (c *Config) membersOf(network string) []string {
	var names []string
	for i := range c.Components {
		if t := c.Components[i].Container; t != nil && t.Network == network {
			names = append(names, c.Components[i].Name)
		}
	}
	return names
}

// checkMembers finds what two containers cannot both have: a port of the machine, an address, a name.
func (l *loader) checkMembers(c *Config) {
	addresses, names := map[netip.Addr]string{}, map[[2]string]string{}
	var members []*Component
	for i := range c.Components {
		x := &c.Components[i]
		if !x.Container.Joined() {
			continue
		}
		l.checkPorts(members, x)
		members = append(members, x)
		for k, a := range x.Container.Addresses {
			if other, taken := addresses[a]; taken {
				l.fault(l.nth(x.path()+".container.address", k), atValue, a.String()+" is the address of "+strconv.Quote(other), "")
			}
			addresses[a] = x.Name
		}
		l.checkLabel(c, x, names)
	}
}

func (l *loader) checkPorts(before []*Component, x *Component) {
	path := x.path() + ".container.ports"
	for i, p := range x.Container.Ports {
		for _, q := range x.Container.Ports[:i] {
			if p.clashes(q) {
				l.fault(element(path, i), atValue, strconv.Quote(p.String())+" and "+strconv.Quote(q.String())+" are the same port", "")
			}
		}
		for _, other := range before {
			for _, q := range other.Container.Ports {
				if p.clashes(q) {
					l.fault(element(path, i), atValue, strconv.Quote(p.String())+" is forwarded to "+strconv.Quote(other.Name)+" by "+strconv.Quote(q.String()), "")
				}
			}
		}
	}
}

// checkLabel finds names that the name service cannot tell apart, or not have at all.
func (l *loader) checkLabel(c *Config, x *Component, names map[[2]string]string) {
	n, known := c.Network(x.Container.Network)
	if !known || n.NoNames {
		return
	}
	label := strings.ToLower(strings.ReplaceAll(x.Name, "@", "-"))
	if len(label) > 63 {
		l.fault(x.path()+".container.network", atKey, "the name "+strconv.Quote(x.Name)+" is too long for the name service", "at most 63 letters")
	}
	key := [2]string{n.Name, label}
	if other, taken := names[key]; taken {
		l.fault(x.path()+".container.network", atKey, strconv.Quote(x.Name)+" and "+strconv.Quote(other)+" are one name to the name service", "")
	}
	names[key] = x.Name
}
