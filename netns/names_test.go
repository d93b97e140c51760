package netns

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

func someNames() *names {
	d := cars()
	return namesOf(&d, []Member{
		{Name: "Camera", Addresses: []netip.Addr{netip.MustParseAddr("10.20.0.5"), netip.MustParseAddr("fd00:20::5")}},
		{Name: "lamp@left", Aliases: []string{"light", "camera"}, Addresses: []netip.Addr{netip.MustParseAddr("10.20.0.6")}},
	})
}

func question(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 4711, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// told is an answer in words: its code and what it holds.
func told(t *testing.T, b []byte) string {
	t.Helper()
	if b == nil {
		return "ask others"
	}
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	if m.ID != 4711 || !m.Response || len(m.Questions) != 1 {
		t.Errorf("header %+v", m.Header)
	}
	words := []string{strings.TrimPrefix(m.RCode.String(), "RCode")}
	for _, a := range m.Answers {
		switch body := a.Body.(type) {
		case *dnsmessage.AResource:
			words = append(words, netip.AddrFrom4(body.A).String())
		case *dnsmessage.AAAAResource:
			words = append(words, netip.AddrFrom16(body.AAAA).String())
		case *dnsmessage.PTRResource:
			words = append(words, body.PTR.String())
		}
	}
	return strings.Join(words, " ")
}

func TestNamesAreAnswered(t *testing.T) {
	t.Parallel()
	const a, aaaa, ptr = dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypePTR
	for _, tt := range []struct {
		name string
		kind dnsmessage.Type
		want string
	}{
		{"camera.", a, "Success 10.20.0.5"},
		{"CAMERA.cars.", a, "Success 10.20.0.5"},
		{"camera.", aaaa, "Success fd00:20::5"},
		{"camera.", dnsmessage.TypeALL, "Success 10.20.0.5 fd00:20::5"},
		{"camera.", dnsmessage.TypeMX, "Success"},
		{"lamp-left.", a, "Success 10.20.0.6"},
		{"lamp@left.cars.", a, "Success 10.20.0.6"},
		{"light.", a, "Success 10.20.0.6"},
		{"light.", aaaa, "Success"},
		{"gateway.", a, "Success 10.20.0.1"},
		{"gateway.cars.", aaaa, "Success fd00:20::1"},
		{"nobody.", a, "NameError"},
		{"nobody.cars.", a, "NameError"},
		{"www.example.com.", a, "ask others"},
		{".", dnsmessage.TypeNS, "NameError"},
		{"5.0.20.10.in-addr.arpa.", ptr, "Success camera.cars."},
		{"1.0.20.10.in-addr.arpa.", ptr, "Success gateway.cars."},
		{"5.0.20.10.in-addr.arpa.", a, "Success"},
		{"9.0.20.10.in-addr.arpa.", ptr, "NameError"},
		{"4.4.8.8.in-addr.arpa.", ptr, "ask others"},
		{"x.0.20.10.in-addr.arpa.", ptr, "ask others"},
		{"5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.0.d.f.ip6.arpa.", ptr, "Success camera.cars."},
	} {
		t.Run(tt.name+tt.kind.String(), func(t *testing.T) {
			t.Parallel()
			q, ok := parseQuery(question(t, tt.name, tt.kind))
			if !ok {
				t.Fatal("not a query")
			}
			if diff := cmp.Diff(tt.want, told(t, someNames().answer(q))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNoQueryHasNoAnswer(t *testing.T) {
	t.Parallel()
	good := question(t, "camera.", dnsmessage.TypeA)
	response := append([]byte(nil), good...)
	response[2] |= 0x80
	update := append([]byte(nil), good...)
	update[2] |= 5 << 3
	two := append(append([]byte(nil), good...), good[12:]...)
	two[5] = 2
	for name, b := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)-1], "response": response, "update": update, "two questions": two, "head only": good[:12],
	} {
		if q, ok := parseQuery(b); ok {
			t.Errorf("%s: %+v", name, q)
		}
	}
}

// FuzzAnswer: no query makes the service fall, and an answer is a sound message that is about the question.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"camera.", "5.0.20.10.in-addr.arpa.", "www.example.com.", "lamp@left.", "."} {
		f.Add(question(f, name, dnsmessage.TypeA))
		f.Add(question(f, name, dnsmessage.TypePTR))
	}
	f.Add([]byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1})
	n := someNames()
	f.Fuzz(func(t *testing.T, b []byte) {
		q, ok := parseQuery(b)
		if !ok {
			return
		}
		answer := n.answer(q)
		if answer == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(answer); err != nil {
			t.Fatal(err)
		}
		if !m.Response || m.ID != q.header.ID || len(m.Questions) != 1 || m.Questions[0] != q.question {
			t.Errorf("%+v is answered by %+v", q, m)
		}
		if !sameQuestion(b, answer) {
			t.Error("the answer would not be taken for one")
		}
	})
}

func TestTexts(t *testing.T) {
	t.Parallel()
	d := cars()
	m := Member{Name: "lamp@left", Addresses: []netip.Addr{netip.MustParseAddr("10.20.0.6"), netip.MustParseAddr("fd00:20::6")}}
	quiet := d
	quiet.DNS = false
	for _, tt := range []struct{ name, got, want string }{
		{"resolv.conf", ResolvConf(&d, ""), "nameserver 10.20.0.1\nnameserver fd00:20::1\n"},
		{
			"resolv.conf of the host", ResolvConf(&quiet, "# by hand\nsearch example.com\nnameserver 127.0.0.53\nnameserver 192.0.2.9\nnameserver\n"),
			"# by hand\nsearch example.com\nnameserver 192.0.2.9\n",
		},
		{
			"hosts", Hosts(&d, &m, "lamp"),
			"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.20.0.6 lamp lamp-left lamp-left.cars\nfd00:20::6 lamp lamp-left lamp-left.cars\n",
		},
		{"hostname", Hostname("lamp"), "lamp\n"},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
