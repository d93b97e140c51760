package netns

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
)

// Definition is what a network is to be. Two that are equal need the same of the kernel.
type Definition struct {
	Name    string
	Bridge  string // name of the link, at most 15 bytes
	Subnets []Subnet
	MTU     int // of the bridge and of members; 0 is the kernel's own
	NAT     bool
	Routed  bool // members go out with their own addresses, and may be reached there
	DNS     bool // names are answered on the gateways, port 53

	// Filtered networks see every packet between members: needed as soon as one of them has Egress.
	Filtered bool
}

// Subnet is one range of addresses and the Host's own in it.
type Subnet struct {
	Prefix  netip.Prefix
	Gateway netip.Addr
}

// Member is one that joins a network.
type Member struct {
	Name      string
	Aliases   []string     // more names for the others to find it by
	Addresses []netip.Addr // wanted ones; for a subnet without one an address is chosen
	Ports     []Port       // of the Host, forwarded to it
	Egress    []Rule       // what it may talk to; nil is everything, empty nothing
	Receive   Rate         // what it may be sent
	Send      Rate         // what it may send
}

// Port is a port of the Host that is forwarded to a member.
type Port struct {
	Protocol string         // "tcp" or "udp"
	Host     netip.AddrPort // without an address: every one of the Host; an unspecified one: all of its version of IP
	Member   uint16
}

// String is the port as it is configured: PROTOCOL:HOST:MEMBER.
func (p Port) String() string {
	host := fmt.Sprint(p.Host.Port())
	if p.Host.Addr().IsValid() {
		host = p.Host.String()
	}
	return fmt.Sprintf("%s:%s:%d", p.Protocol, host, p.Member)
}

// Rate is bytes per second; 0 is no limit.
type Rate uint64

// Rule allows connections to something.
type Rule struct {
	To       To
	Member   string       // ToMember: whom
	Prefix   netip.Prefix // ToPrefix
	Protocol string       // "tcp", "udp", "icmp"; "" is every protocol
	Port     uint16       // of tcp and udp; 0 is every port
}

// To is the kind of place that a Rule opens.
type To uint8

// The places.
const (
	ToMember  To = iota // another member, by its name
	ToNetwork           // every member of the network
	ToHost              // the Host itself, on whatever address
	ToOutside           // everything beyond the Host
	ToPrefix            // addresses
)

// Equal reports whether two definitions are the same.
func (d *Definition) Equal(e *Definition) bool {
	return d.Name == e.Name && d.Bridge == e.Bridge && slices.Equal(d.Subnets, e.Subnets) && d.MTU == e.MTU &&
		d.NAT == e.NAT && d.Routed == e.Routed && d.DNS == e.DNS && d.Filtered == e.Filtered
}

// subnetOf is the subnet that an address lies in.
func (d *Definition) subnetOf(a netip.Addr) (Subnet, bool) {
	for _, s := range d.Subnets {
		if s.Prefix.Contains(a) {
			return s, true
		}
	}
	return Subnet{}, false
}

// has says whether the network has addresses of a family.
func (d *Definition) has(is4 bool) bool {
	return slices.ContainsFunc(d.Subnets, func(s Subnet) bool { return s.Prefix.Addr().Is4() == is4 })
}

// mark is the group of every link made here (ip-link(8), "group"): "ordy". It tells them from those of others, and
// the firewall knows a bridge of another network by it.
const mark = 0x6f726479

// table is the name of the network's tables in nf_tables.
func (d *Definition) table() string { return "orderly-" + d.Name }

// hash is spread over 64 bits and the same on every machine.
func hash(words ...string) uint64 {
	h := fnv.New64a()
	for _, w := range words {
		_, _ = h.Write([]byte(w)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	x := h.Sum64() // its high bits depend little on the last bytes: mixed as in MurmurHash3's end
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// hostEnd is the name of the host's end of a member's pair: links have at most 15 bytes (IFNAMSIZ), names of members
// more. Of 1,000 members two share one with a chance of one in 500 million.
func hostEnd(network, member string) string {
	return fmt.Sprintf("ve-%012x", hash("link", network, member)>>16)
}

// memberEnd is the name of the member's end.
const memberEnd = "eth0"

// hardware is a locally administered address, the same at every start (IEEE 802, 8.4).
func hardware(network, member string) net.HardwareAddr {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], hash("hardware", network, member))
	b[0] = b[0]&^0x01 | 0x02 // unicast, local
	return b[:6]
}
