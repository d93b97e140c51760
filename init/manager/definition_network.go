package manager

import (
	"strconv"

	"github.com/orderly-init/orderly/targets"
)

// networked shows how a container is joined to others.
func (d *pairs) networked(t *targets.Container) {
	d.text("container.network", t.Network)
	for _, p := range t.Ports {
		d.add("container.ports", p.String())
	}
	for _, a := range t.Addresses {
		d.add("container.address", a.String())
	}
	d.list("container.aliases", t.Aliases)
	for _, e := range t.Egress {
		d.add("container.egress", e.String())
	}
	d.when("container.egress", "nothing", t.Egress != nil && len(t.Egress) == 0)
	d.rate("container.bandwidth.egress", t.Bandwidth.Egress)
	d.rate("container.bandwidth.ingress", t.Bandwidth.Ingress)
}

func (d *pairs) rate(key string, bits int64) {
	d.when(key, strconv.FormatInt(bits/1000, 10)+"kbit", bits != 0)
}

// onNetwork shows the addresses that a member has now.
func (u *unit) onNetwork() (d pairs) {
	d.text("addresses", u.addresses)
	return d
}
