package targets

import (
	"strconv"
	"strings"
)

// httpURL reads http://HOST[:PORT][/PATH] into a Ready.
func (v value) httpURL(to *Ready) {
	text, ok := v.string()
	if !ok {
		return
	}
	address, path, what, hint := parseHTTP(text)
	if what != "" {
		v.fault(what, hint)
		return
	}
	to.Address, to.Path = address, path
}

// parseHTTP splits a URL into HOST:PORT and a path. A host is numeric or localhost, as everywhere; there is no TLS.
func parseHTTP(text string) (address, path, what, hint string) {
	const form = `write "http://HOST:PORT/PATH"`
	rest, ok := strings.CutPrefix(text, "http://")
	switch {
	case strings.HasPrefix(text, "https://"):
		return "", "", "https is not available", form + " of a port without TLS, or a command"
	case !ok:
		return "", "", strconv.Quote(text) + " is not a web address", form
	}
	address, path = rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		address, path = rest[:i], rest[i:]
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
		return "", "", strconv.Quote(path) + " is not a path of a web address", "write what is no letter or digit as %20"
	}
	if !strings.Contains(address[strings.LastIndexByte(address, ']')+1:], ":") {
		address += ":80"
	}
	if what, hint = inetAddress(address); what != "" {
		return "", "", what, hint
	}
	return address, path, "", ""
}
