package targets

import "fmt"

func (d *digest) container(c *Container) {
	d.flag(c != nil)
	if c == nil {
		return
	}
	d.texts([]string{c.Rootfs, c.Bundle, c.Hostname, c.Overlay, c.Share.With})
	d.texts(c.Namespaces)
	d.texts(c.Share.Namespaces)
	d.number(int64(len(c.Mounts)))
	for _, m := range c.Mounts {
		d.texts([]string{m.Source, m.Target, m.Type, m.Options})
	}
	for _, set := range []bool{c.ReadOnly, c.IDMapped, c.Init, c.Masked == nil} {
		d.flag(set)
	}
	for _, n := range []int64{c.OverlaySize, int64(c.Monotonic), int64(c.Boottime), int64(len(c.Devices)), int64(len(c.Sysctl))} {
		d.number(n)
	}
	d.idMaps(c.UIDMap)
	d.idMaps(c.GIDMap)
	for _, x := range c.Devices {
		d.texts([]string{x.Path, x.Access})
	}
	d.texts(c.Masked)
	for _, s := range c.Sysctl {
		d.texts([]string{s.Key, s.Value})
	}
	d.networked(c)
}

// networked covers the network too: what becomes another one, its members join anew.
func (d *digest) networked(c *Container) {
	n := &c.Joins
	d.texts([]string{c.Network, n.Bridge})
	d.number(int64(len(n.Subnets)))
	for i, p := range n.Subnets {
		d.texts([]string{p.String(), n.Gateways[i].String()})
	}
	for _, set := range []bool{n.NAT, n.Routed, n.NoNames, n.Filtered, c.Egress == nil} {
		d.flag(set)
	}
	d.number(int64(n.MTU))
	d.texts(printed(c.Ports))
	d.texts(printed(c.Addresses))
	d.texts(c.Aliases)
	d.texts(printed(c.Egress))
	d.number(c.Bandwidth.Egress)
	d.number(c.Bandwidth.Ingress)
}

func printed[T fmt.Stringer](list []T) []string {
	texts := make([]string, 0, len(list))
	for _, x := range list {
		texts = append(texts, x.String())
	}
	return texts
}

func (d *digest) idMaps(list []IDMap) {
	d.number(int64(len(list)))
	for _, m := range list {
		d.number(int64(m.Inside))
		d.number(int64(m.Outside))
		d.number(int64(m.Size))
	}
}
