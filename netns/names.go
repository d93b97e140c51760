package netns

import (
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// nameTTL is how long an answer may be kept, in seconds: addresses are stable, but members come and go.
const nameTTL = 5

// label is a member's name as a host name: what stands for an instance, "@", may not be in one (RFC 952).
func label(name string) string { return strings.ReplaceAll(name, "@", "-") }

// names is who is on a network. It is not changed once it is in use.
type names struct {
	network string
	subnets []Subnet
	byName  map[string][]netip.Addr // lower case; NAME and NAME.NETWORK
	byAddr  map[netip.Addr]string
}

// namesOf collects the names of members. Of two that share one the first has it; its own name goes before an alias.
func namesOf(d *Definition, members []Member) *names {
	n := &names{network: strings.ToLower(d.Name), subnets: d.Subnets, byName: map[string][]netip.Addr{}, byAddr: map[netip.Addr]string{}}
	for _, m := range members {
		n.add(m.Name, m.Addresses)
		n.add(label(m.Name), m.Addresses)
		for _, a := range m.Addresses {
			n.byAddr[a] = strings.ToLower(label(m.Name)) + "." + n.network
		}
	}
	for _, m := range members {
		for _, alias := range m.Aliases {
			n.add(alias, m.Addresses)
		}
	}
	var gateways []netip.Addr
	for _, s := range d.Subnets {
		n.byAddr[s.Gateway] = "gateway." + n.network
		gateways = append(gateways, s.Gateway)
	}
	n.add("gateway", gateways)
	return n
}

func (n *names) add(name string, addresses []netip.Addr) {
	name = strings.ToLower(name)
	if _, taken := n.byName[name]; taken {
		return
	}
	n.byName[name] = append(n.byName[name], addresses...)
	n.byName[name+"."+n.network] = n.byName[name]
}

// query is a message of a client as far as it is of interest.
type query struct {
	header   dnsmessage.Header
	question dnsmessage.Question
}

// parseQuery reads a query with one question (RFC 1035, 4.1). Anything else has no answer.
func parseQuery(b []byte) (query, bool) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.Response || h.OpCode != 0 {
		return query{}, false
	}
	q, err := p.Question()
	if err != nil {
		return query{}, false
	}
	if _, err := p.Question(); err != dnsmessage.ErrSectionDone {
		return query{}, false
	}
	return query{h, q}, true
}

// answer is the reply to a query, nil where others must be asked: what is neither a member nor in the network.
func (n *names) answer(q query) []byte {
	name := strings.ToLower(strings.TrimSuffix(q.question.Name.String(), "."))
	if q.question.Class != dnsmessage.ClassINET {
		return replyTo(q, dnsmessage.RCodeNotImplemented, nil)
	}
	if a, reverse := reverseName(name); reverse {
		return n.pointer(q, a)
	}
	addresses, known := n.byName[name]
	switch {
	case known:
		return replyTo(q, dnsmessage.RCodeSuccess, records(q, addresses))
	case !strings.Contains(name, "."), strings.HasSuffix(name, "."+n.network):
		return replyTo(q, dnsmessage.RCodeNameError, nil)
	}
	return nil
}

// pointer answers for addresses of the network.
func (n *names) pointer(q query, a netip.Addr) []byte {
	for _, s := range n.subnets {
		if !s.Prefix.Contains(a) {
			continue
		}
		name, err := dnsmessage.NewName(n.byAddr[a] + ".")
		if n.byAddr[a] == "" || err != nil {
			return replyTo(q, dnsmessage.RCodeNameError, nil)
		}
		var answers []dnsmessage.ResourceBody
		if q.question.Type == dnsmessage.TypePTR || q.question.Type == dnsmessage.TypeALL {
			answers = append(answers, &dnsmessage.PTRResource{PTR: name})
		}
		return replyTo(q, dnsmessage.RCodeSuccess, answers)
	}
	return nil
}

func records(q query, addresses []netip.Addr) []dnsmessage.ResourceBody {
	var all []dnsmessage.ResourceBody
	for _, a := range addresses {
		any := q.question.Type == dnsmessage.TypeALL
		switch {
		case a.Is4() && (any || q.question.Type == dnsmessage.TypeA):
			all = append(all, &dnsmessage.AResource{A: a.As4()})
		case a.Is6() && (any || q.question.Type == dnsmessage.TypeAAAA):
			all = append(all, &dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	return all
}

// replyTo is a reply to a query with these answers.
func replyTo(q query, code dnsmessage.RCode, answers []dnsmessage.ResourceBody) []byte {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: q.header.ID, Response: true, Authoritative: true, RecursionDesired: q.header.RecursionDesired,
			RecursionAvailable: true, RCode: code,
		},
		Questions: []dnsmessage.Question{q.question},
	}
	for _, body := range answers {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.question.Name, Class: dnsmessage.ClassINET, TTL: nameTTL}, Body: body,
		})
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// reverseName reads d.c.b.a.in-addr.arpa and its like of IPv6 (RFC 1035, 3.5; RFC 3596, 2.5).
func reverseName(name string) (a netip.Addr, ok bool) {
	if digits, v4 := strings.CutSuffix(name, ".in-addr.arpa"); v4 {
		var b [4]byte
		parts := strings.Split(digits, ".")
		for i, part := range parts {
			n, err := strconv.ParseUint(part, 10, 8)
			if err != nil || len(parts) != 4 {
				return netip.Addr{}, false
			}
			b[3-i] = byte(n)
		}
		return netip.AddrFrom4(b), true
	}
	digits, v6 := strings.CutSuffix(name, ".ip6.arpa")
	parts := strings.Split(digits, ".")
	if !v6 || len(parts) != 32 {
		return netip.Addr{}, false
	}
	var b [16]byte
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 16, 4)
		if err != nil || len(part) != 1 {
			return netip.Addr{}, false
		}
		b[15-i/2] |= byte(n) << (4 * (i % 2))
	}
	return netip.AddrFrom16(b), true
}

// sameQuestion says whether two messages ask the same.
func sameQuestion(a, b []byte) bool {
	qa, okA := firstQuestion(a)
	qb, okB := firstQuestion(b)
	return okA && okB && qa.Type == qb.Type && qa.Class == qb.Class && strings.EqualFold(qa.Name.String(), qb.Name.String())
}

func firstQuestion(b []byte) (dnsmessage.Question, bool) {
	var p dnsmessage.Parser
	if _, err := p.Start(b); err != nil {
		return dnsmessage.Question{}, false
	}
	q, err := p.Question()
	return q, err == nil
}
