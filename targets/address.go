package targets

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxUnixPath is the longest path of a unix socket: sun_path less its final NUL (unix(7)).
const maxUnixPath = 107

// parseAddress splits tcp:HOST:PORT, udp:HOST:PORT, unix:/PATH, unix:@NAME and vsock:CID:PORT. A host is numeric or localhost:
// names need a resolver, and that is a component itself. IPv6 stands in brackets.
func parseAddress(text string) (network, address, what, hint string) {
	const form = `write "tcp:HOST:PORT", "udp:HOST:PORT", "unix:/PATH", "unix:@NAME" or "vsock:CID:PORT"`
	network, address, ok := strings.Cut(text, ":")
	if !ok {
		return "", "", strconv.Quote(text) + " is not a socket address", form
	}
	switch network {
	case "tcp", "udp":
		what, hint = inetAddress(address)
	case "unix":
		what, hint = unixAddress(address)
	case "vsock":
		what, hint = vsockAddress(address)
	default:
		what, hint = strconv.Quote(network)+" is not a kind of socket", form
	}
	return network, address, what, hint
}

func inetAddress(address string) (what, hint string) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return strconv.Quote(address) + " has no port", `write HOST:PORT, such as "127.0.0.1:80"`
	}
	host, port := address[:i], address[i+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return strconv.Quote(port) + " is not a port", "ports are 1 to 65535"
	}
	if host == "localhost" {
		return "", ""
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	addr, err := netip.ParseAddr(inner)
	switch {
	case err != nil && strings.Contains(host, ":") && !bracketed:
		return strconv.Quote(host) + " is not an address", `write IPv6 in brackets, such as "[::1]:80"`
	case err != nil:
		return strconv.Quote(host) + " is not an address", `write a numeric address or "localhost"; names need a resolver`
	case addr.Is4() && !bracketed && !closed, addr.Is6() && bracketed && closed:
		return "", ""
	}
	return strconv.Quote(host) + " is not an address", "IPv6, and only IPv6, stands in brackets: " + strconv.Quote("["+inner+"]:"+port)
}

func unixAddress(path string) (what, hint string) {
	if len(path) > maxUnixPath {
		return "the path of a unix socket has at most " + strconv.Itoa(maxUnixPath) + " bytes", ""
	}
	if len(path) < 2 || path[0] != '/' && path[0] != '@' {
		return strconv.Quote(path) + " is not the path of a unix socket", `write "unix:/PATH", or "unix:@NAME" for an abstract one`
	}
	return "", ""
}

// vsockAddress checks the CID and PORT of vsock(7): numbers of 32 bits, of which the highest means "any", for a port none.
func vsockAddress(address string) (what, hint string) {
	const most = 1<<32 - 2
	cid, port, ok := strings.Cut(address, ":")
	if !ok {
		return strconv.Quote(address) + " has no port", `write CID:PORT, such as "any:1024"`
	}
	if n, err := strconv.ParseUint(port, 10, 32); err != nil || n == 0 || n > most {
		return strconv.Quote(port) + " is not a port of vsock", "ports are 1 to 4294967294"
	}
	switch cid {
	case "any", "-1", "local", "host":
		return "", ""
	}
	if n, err := strconv.ParseUint(cid, 10, 32); err != nil || n == 0 || n > most {
		return strconv.Quote(cid) + " is not a context id", `write a number from 1 on, "local", "host" or "any"`
	}
	return "", ""
}
