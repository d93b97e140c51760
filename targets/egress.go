package targets

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Egress is one thing that a container may open connections to.
type Egress struct {
	Place    string       // a component on the same network, EgressNetwork, EgressHost or EgressOutside; "" is Prefix
	Prefix   netip.Prefix // addresses
	Protocol string       // "tcp", "udp", "icmp"; "" is all
	Port     uint16       // 0 is all
}

// The places that are no components.
const (
	EgressNetwork = "network" // every member
	EgressHost    = "host"    // the machine
	EgressOutside = "outside" // what lies beyond it
)

// String is the rule as it is written.
func (e Egress) String() string {
	text := e.Place
	if text == "" {
		text = e.Prefix.String()
		if e.Prefix.IsSingleIP() {
			text = e.Prefix.Addr().String()
		}
		if e.Prefix.Addr().Is6() {
			text = "[" + text + "]"
		}
	}
	if e.Protocol != "" {
		text += ":" + e.Protocol
	}
	if e.Port != 0 {
		text += ":" + strconv.Itoa(int(e.Port))
	}
	return text
}

func (v value) egress(to *[]Egress) {
	list, fine := []Egress{}, true
	isList := v.each(`a list such as ["storage:tcp:80"]`, func(e value) {
		var one Egress
		fine = parsed(e, &one, parseEgress) && fine
		list = append(list, one)
	})
	if isList && fine {
		*to = list
	}
}

// parseEgress reads "PLACE", "PLACE:PROTOCOL" or "PLACE:PROTOCOL:PORT".
func parseEgress(text string) (e Egress, what, hint string) {
	const form = `write "PLACE", "PLACE:PROTOCOL" or "PLACE:PROTOCOL:PORT", such as "storage:tcp:80"`
	place, rest := text, ""
	if inner, ok := strings.CutPrefix(text, "["); ok {
		place, rest, _ = strings.Cut(inner, "]")
		if rest != "" && rest[0] != ':' {
			return e, strconv.Quote(text) + " is not something to talk to", form
		}
		rest = strings.TrimPrefix(rest, ":")
	} else {
		place, rest, _ = strings.Cut(text, ":")
	}
	words := strings.Split(rest, ":")
	if place == "" || len(words) > 2 {
		return e, strconv.Quote(text) + " is not something to talk to", ipv6Hint(text, form)
	}
	if what, hint = e.place(place); what != "" {
		return e, what, hint
	}
	if rest == "" {
		return e, "", ""
	}
	if !slices.Contains([]string{"tcp", "udp", "icmp"}, words[0]) {
		return e, strconv.Quote(words[0]) + " is not a protocol", ipv6Hint(text, hintOf(words[0], []string{"tcp", "udp", "icmp"}))
	}
	e.Protocol = words[0]
	if len(words) == 1 {
		return e, "", ""
	}
	if e.Protocol == "icmp" {
		return e, "icmp has no ports", ""
	}
	e.Port, what, hint = parsePort(words[1])
	return e, what, hint
}

// place reads a name or addresses.
func (e *Egress) place(text string) (what, hint string) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		e.Prefix = netip.PrefixFrom(a, a.BitLen())
		return "", ""
	}
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() {
			return strconv.Quote(text) + " is not a range of addresses", `such are "192.0.2.0/24" and "[fd00::/8]"`
		}
		e.Prefix = p
		return "", ""
	}
	if !bareName(strings.Replace(text, "@", "-", 1)) {
		return strconv.Quote(text) + " is not a name", `a component, "network", "host", "outside" or addresses`
	}
	e.Place = text
	return "", ""
}

// ipv6Hint tells who writes IPv6 without brackets.
func ipv6Hint(text, otherwise string) string {
	if strings.Contains(text, "::") && !strings.HasPrefix(text, "[") {
		return `IPv6 stands in brackets: "[fd00::/8]:tcp:80"`
	}
	return otherwise
}

func parsePort(text string) (port uint16, what, hint string) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || text[0] == '0' {
		return 0, strconv.Quote(text) + " is not a port", "ports are 1 to 65535"
	}
	return uint16(n), "", ""
}
