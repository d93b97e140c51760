package netns

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
)

// maxLeases bounds what is remembered of a network, and maxLeaseBytes the file that it is read from.
const (
	maxLeases     = 1 << 16
	maxLeaseBytes = 8 << 20
)

// leases are the addresses that members of a network have been given. The address that a member is tried with first
// follows from its name, so most of them would be the same without being written down.
type leases struct {
	subnets []Subnet
	byName  map[string][]netip.Addr // at most one per subnet
	byAddr  map[netip.Addr]string
	fixed   map[netip.Addr]string // addresses that are promised by name, and given to nobody else
	changed bool                  // since they were read or written
}

// readLeases reads what leases.text has written. What does not fit the network any more, or was never written like
// that, is left out; faults says what.
func readLeases(text []byte, subnets []Subnet) (l *leases, faults []string) {
	l = &leases{subnets: subnets, byName: map[string][]netip.Addr{}, byAddr: map[netip.Addr]string{}, fixed: map[netip.Addr]string{}}
	if len(text) > maxLeaseBytes {
		return l, []string{fmt.Sprintf("%d bytes: more than %d", len(text), maxLeaseBytes)}
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		if why := l.readLine(lines.Text()); why != "" && len(faults) < 8 {
			faults = append(faults, fmt.Sprintf("line %d: %s", n, why))
		}
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, err.Error())
	}
	l.changed = false
	return l, faults
}

// readLine takes in one line, "NAME ADDRESS", or says what is wrong with it.
func (l *leases) readLine(line string) string {
	name, text, ok := strings.Cut(line, " ")
	if !ok || !plausible(name) {
		return "not a name and an address"
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return "not an address"
	}
	s := l.subnetOf(a)
	switch {
	case s < 0:
		return "" // of a subnet that is no more
	case !usable(l.subnets[s], a):
		return "an address that no member can have"
	case l.byAddr[a] != "":
		return "an address that another has"
	case l.of(name, s).IsValid():
		return "a second address of one name"
	case len(l.byName) >= maxLeases:
		return "too many"
	}
	l.give(name, a)
	return ""
}

// plausible is what the name of a member may be in a file.
func plausible(name string) bool {
	return name != "" && len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// text is the leases as readLeases takes them, sorted.
func (l *leases) text() []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(l.byName)) {
		for _, a := range l.byName[name] {
			fmt.Fprintln(&b, name, a)
		}
	}
	return b.Bytes()
}

func (l *leases) subnetOf(a netip.Addr) int {
	return slices.IndexFunc(l.subnets, func(s Subnet) bool { return s.Prefix.Contains(a) })
}

// of is the address of a name in a subnet; the zero Addr is none.
func (l *leases) of(name string, subnet int) netip.Addr {
	for _, a := range l.byName[name] {
		if l.subnets[subnet].Prefix.Contains(a) {
			return a
		}
	}
	return netip.Addr{}
}

func (l *leases) give(name string, a netip.Addr) {
	l.byName[name] = append(l.byName[name], a)
	l.byAddr[a] = name
	l.changed = true
}

func (l *leases) take(name string) {
	for _, a := range l.byName[name] {
		delete(l.byAddr, a)
	}
	delete(l.byName, name)
	l.changed = true
}

// promise keeps addresses for a name that wants just these.
func (l *leases) promise(name string, addresses []netip.Addr) {
	for _, a := range addresses {
		l.fixed[a] = name
		if other := l.byAddr[a]; other != "" && other != name {
			l.take(other)
		}
	}
}

// lease is the addresses of a name, one for every subnet, in their order. needed says whose leases must stay when
// there are too few.
func (l *leases) lease(name string, needed func(string) bool) ([]netip.Addr, error) {
	var all []netip.Addr
	for s := range l.subnets {
		a, err := l.leaseIn(name, s)
		if err != nil {
			l.forget(needed)
			a, err = l.leaseIn(name, s)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (l *leases) leaseIn(name string, subnet int) (netip.Addr, error) {
	prefix := l.subnets[subnet].Prefix
	for a, owner := range l.fixed {
		if owner == name && prefix.Contains(a) {
			return a, nil
		}
	}
	if a := l.of(name, subnet); a.IsValid() && l.fixed[a] == "" {
		return a, nil
	}
	pool := poolSize(prefix)
	start := hash("address", name) % pool
	for i := range pool {
		a := nth(prefix, (start+i)%pool)
		if usable(l.subnets[subnet], a) && l.byAddr[a] == "" && l.fixed[a] == "" {
			l.give(name, a)
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("subnet %s: no address is left", prefix)
}

// forget gives up the leases of those that are not needed.
func (l *leases) forget(needed func(string) bool) {
	for _, name := range slices.Sorted(maps.Keys(l.byName)) {
		if !needed(name) {
			l.take(name)
		}
	}
}

// poolSize is how many addresses of a prefix are tried: all of a small one.
func poolSize(p netip.Prefix) uint64 {
	return 1 << min(p.Addr().BitLen()-p.Bits(), bits.Len(maxLeases)-1)
}

// nth is an address of a prefix by its number.
func nth(p netip.Prefix, n uint64) netip.Addr {
	b := p.Masked().Addr().As16()
	low := binary.BigEndian.Uint64(b[8:])
	binary.BigEndian.PutUint64(b[8:], low|n)
	a := netip.AddrFrom16(b)
	if p.Addr().Is4() {
		return a.Unmap()
	}
	return a
}

// usable says whether a member can have an address: not the subnet's first, which means the network or any router,
// not its last one of IPv4, which means everybody, and not the gateway's (RFC 919, 7; RFC 4291, 2.6.1).
func usable(s Subnet, a netip.Addr) bool {
	if a == s.Gateway || a == s.Prefix.Masked().Addr() {
		return false
	}
	if a.Is4() {
		size := uint64(1) << (32 - s.Prefix.Bits())
		return a != nth(s.Prefix, size-1)
	}
	return true
}
