package targets

import (
	"net/netip"
	"strconv"
	"strings"
)

// Port is one forwarded port: of the machine, at an address or at all, to one of the container.
type Port struct {
	Protocol        string     // "tcp" or "udp"
	Address         netip.Addr // the zero Addr is all; an unspecified one all of its version of IP
	Host, Container uint16
}

// String is the port as it is written.
func (p Port) String() string {
	host := strconv.Itoa(int(p.Host))
	if p.Address.IsValid() {
		host = netip.AddrPortFrom(p.Address, p.Host).String()
	}
	return p.Protocol + ":" + host + ":" + strconv.Itoa(int(p.Container))
}

// clashes says whether two forward the same port at some address.
func (p Port) clashes(q Port) bool {
	if p.Protocol != q.Protocol || p.Host != q.Host {
		return false
	}
	if !p.Address.IsValid() || !q.Address.IsValid() {
		return true
	}
	return p.Address == q.Address || p.Address.Is4() == q.Address.Is4() && (p.Address.IsUnspecified() || q.Address.IsUnspecified())
}

func (v value) forwarded(to *[]Port) {
	list, fine := []Port{}, true
	isList := v.each(`a list such as ["tcp:8080:80"]`, func(e value) {
		var p Port
		fine = parsed(e, &p, parseForward) && fine
		list = append(list, p)
	})
	if isList && fine {
		*to = list
	}
}

// parseForward reads PROTOCOL:HOST:CONTAINER, where HOST is a port or ADDRESS:PORT.
func parseForward(text string) (p Port, what, hint string) {
	const form = `write "PROTOCOL:HOST:CONTAINER", such as "tcp:8080:80" or "tcp:[2001:db8::1]:8080:80"`
	protocol, rest, _ := strings.Cut(text, ":")
	i := strings.LastIndexByte(rest, ':')
	if i < 0 {
		return p, strconv.Quote(text) + " is not a port to forward", form
	}
	host, inside := rest[:i], rest[i+1:]
	if protocol != "tcp" && protocol != "udp" {
		return p, strconv.Quote(protocol) + " is not a protocol with ports", `"tcp" or "udp"`
	}
	p.Protocol = protocol
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if p.Address, what, hint = parseForwardAddress(host[:i]); what != "" {
			return p, what, hint
		}
		host = host[i+1:]
	}
	if p.Host, what, hint = parsePort(host); what != "" {
		return p, what, hint
	}
	p.Container, what, hint = parsePort(inside)
	return p, what, hint
}

func parseForwardAddress(text string) (a netip.Addr, what, hint string) {
	inner, bracketed := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	a, err := netip.ParseAddr(inner)
	switch {
	case err != nil || a.Zone() != "" || a.Is4In6() || bracketed != closed || bracketed != a.Is6():
		return a, strconv.Quote(text) + " is not an address", `write IPv4 as it is and IPv6 in brackets: "tcp:[2001:db8::1]:8080:80"`
	case a.Is6() && a.IsLoopback():
		return a, "the kernel forwards nothing from [::1]", `"127.0.0.1" can be forwarded`
	}
	return a, "", ""
}
