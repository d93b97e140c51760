package netns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// FuzzResolvConf: whatever the host's resolv.conf holds, servers that are ours are not asked, there are not too many, and no
// loopback server goes to a member.
func FuzzResolvConf(f *testing.F) {
	f.Add("nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.com\n")
	f.Add("nameserver 10.20.0.1\n nameserver\t::1 x\nnameserver fe80::1%eth0\nnameserver ::ffff:127.0.0.1\n")
	f.Add("nameserver\nnameserver 1.2.3\n\n#\n")
	own := []netip.Addr{netip.MustParseAddr("10.20.0.1")}
	f.Fuzz(func(t *testing.T, text string) {
		all := resolvers(text, own)
		if len(all) > maxResolvers || slices.ContainsFunc(all, func(a netip.AddrPort) bool { return a.Addr() == own[0] }) {
			t.Errorf("%q: %v", text, all)
		}
		for line := range strings.Lines(ResolvConf(&Definition{}, text)) {
			words := strings.Fields(line)
			if a, err := netip.ParseAddr(at(words, 1)); at(words, 0) == "nameserver" && (err != nil || a.Unmap().IsLoopback()) {
				t.Errorf("%q goes to a member", line)
			}
		}
	})
}

// FuzzReply: what another server sends is an answer only when it is about what was asked.
func FuzzReply(f *testing.F) {
	sent := question(f, "www.example.com.", 1)
	good := append([]byte(nil), sent...)
	good[2] |= 0x80
	f.Add(good)
	f.Add(sent)
	f.Add(append(slices.Clone(good[:12]), 0xc0, 12, 0, 1, 0, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if answers(b, sent) && (len(b) < len(sent) || b[0] != sent[0] || b[1] != sent[1]) {
			t.Errorf("%x is taken for an answer", b)
		}
	})
}
