package netns

import (
	"net"
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// rule is what a packet must be, and what becomes of it: the expressions of nf_tables, in the order in which the
// kernel goes through them (nft(8)).
type rule []expr.Any

// when joins the parts of a rule.
func when(parts ...rule) rule {
	var all rule
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// register is the one that every comparison here goes through.
const register = 1

func equal(data []byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data}
}

func differs(data []byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpNeq, Register: register, Data: data}
}

func meta(key expr.MetaKey) expr.Any { return &expr.Meta{Key: key, Register: register} }

// linkName is a name as nf_tables compares it: with all the zeros behind it.
func linkName(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

func from(link string) rule    { return rule{meta(expr.MetaKeyIIFNAME), equal(linkName(link))} }
func to(link string) rule      { return rule{meta(expr.MetaKeyOIFNAME), equal(linkName(link))} }
func toOther(link string) rule { return rule{meta(expr.MetaKeyOIFNAME), differs(linkName(link))} }

// fromNetworks are packets that come from the bridge of any network.
func fromNetworks() rule {
	return rule{meta(expr.MetaKeyIIFGROUP), equal(binaryutil.NativeEndian.PutUint32(mark))}
}

// protocol is tcp, udp or icmp, which for IPv6 is ICMPv6.
func protocol(name string, is4 bool) rule {
	numbers := map[string]byte{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP, "icmp": unix.IPPROTO_ICMP}
	n := numbers[name]
	if name == "icmp" && !is4 {
		n = unix.IPPROTO_ICMPV6
	}
	return rule{meta(expr.MetaKeyL4PROTO), equal([]byte{n})}
}

// port is the destination port of tcp or udp.
func port(n uint16) rule {
	return rule{
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		equal(binaryutil.BigEndian.PutUint16(n)),
	}
}

// version is that of IP.
func version(is4 bool) rule {
	n := byte(unix.NFPROTO_IPV6)
	if is4 {
		n = unix.NFPROTO_IPV4
	}
	return rule{meta(expr.MetaKeyNFPROTO), equal([]byte{n})}
}

// Where the source and the destination lie in the headers of IP (RFC 791, 3.1; RFC 8200, 3).
func source(p netip.Prefix) rule {
	if p.Addr().Is4() {
		return within(p, 12)
	}
	return within(p, 8)
}

func destination(p netip.Prefix) rule {
	if p.Addr().Is4() {
		return within(p, 16)
	}
	return within(p, 24)
}

// within says that the address at an offset of the network header lies in a prefix. The version of IP is known to the rule.
func within(p netip.Prefix, offset uint32) rule {
	p = p.Masked()
	n := uint32(p.Addr().BitLen() / 8)
	r := rule{&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: n}}
	if !p.IsSingleIP() {
		r = append(r, &expr.Bitwise{
			SourceRegister: register, DestRegister: register, Len: n,
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()), Xor: make([]byte, n),
		})
	}
	return append(r, equal(p.Addr().AsSlice()))
}

// tracked says that a bit of the connection's state or status is set.
func tracked(key expr.CtKey, bits uint32) rule {
	return append(trackedBits(key, bits), differs(zeros4()))
}

func untracked(key expr.CtKey, bits uint32) rule {
	return append(trackedBits(key, bits), equal(zeros4()))
}

func trackedBits(key expr.CtKey, bits uint32) rule {
	return rule{
		&expr.Ct{Key: key, Register: register},
		&expr.Bitwise{
			SourceRegister: register, DestRegister: register, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: zeros4(),
		},
	}
}

func zeros4() []byte { return make([]byte, 4) }

// reply is what belongs to a connection that was let through.
func reply() rule {
	return tracked(expr.CtKeySTATE, expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED)
}

// ipsDstNAT is the status bit of a connection whose destination was changed (IPS_DST_NAT, nf_conntrack_common.h).
const ipsDstNAT = 1 << 5

func forwarded() rule    { return tracked(expr.CtKeySTATUS, ipsDstNAT) }
func notForwarded() rule { return untracked(expr.CtKeySTATUS, ipsDstNAT) }

// toHost says that the destination is an address of the Host.
func toHost() rule {
	return rule{
		&expr.Fib{Register: register, FlagDADDR: true, ResultADDRTYPE: true},
		equal(binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)),
	}
}

func verdict(kind expr.VerdictKind) rule { return rule{&expr.Verdict{Kind: kind}} }
func pass() rule                         { return verdict(expr.VerdictReturn) }
func drop() rule                         { return verdict(expr.VerdictDrop) }

func jump(chain string) rule { return rule{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}} }

// leap is a jump that does not come back to this chain, but to where that was jumped to from.
func leap(chain string) rule { return rule{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}} }

// reset and unreachable tell the sender that it may not, so it need not wait. A connect(2) takes note of the second
// only where it is not just being made, so TCP gets the first.
func reset() rule { return rule{&expr.Reject{Type: unix.NFT_REJECT_TCP_RST}} }

func unreachable() rule {
	return rule{&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}}
}

// redirect changes the destination.
func redirect(a netip.Addr, port uint16) rule {
	family := uint32(unix.NFPROTO_IPV6)
	if a.Is4() {
		family = unix.NFPROTO_IPV4
	}
	return rule{
		&expr.Immediate{Register: register, Data: a.AsSlice()},
		&expr.Immediate{Register: register + 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.NAT{
			Type: expr.NATTypeDestNAT, Family: family, RegAddrMin: register, RegProtoMin: register + 1, Specified: true,
		},
	}
}

// masquerade gives a packet the address of the link that it leaves by.
func masquerade() rule { return rule{&expr.Masq{}} }
