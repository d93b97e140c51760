package netns

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/dns/dnsmessage"
)

// lookUp resolves a name inside a namespace as programs do: by the name server of the member's resolv.conf.
func (l *lab) lookUp(g guest, server int, network, name string) string {
	l.Helper()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (c net.Conn, err error) {
		err = Inside(g.ns, func() (err error) {
			c, err = (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(cars().Subnets[server].Gateway.String(), "53"))
			return err
		})
		return c, err
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // then it would ask once more (resolv.conf(5), timeout)
	defer cancel()
	all, err := r.LookupNetIP(ctx, "ip4", name)
	if err != nil {
		return err.(*net.DNSError).Err
	}
	return fmt.Sprint(all)
}

func TestMembersFindEachOtherByName(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	g := l.join(n, Member{Name: "camera"}, Member{Name: "storage", Aliases: []string{"db"}})
	want := fmt.Sprint(g[1].Addresses[:1])
	for server := range 2 {
		for _, network := range []string{"udp", "tcp"} {
			for _, name := range []string{"storage.", "db.", "Storage.cars."} {
				if got := l.lookUp(g[0], server, network, name); got != want {
					t.Errorf("%s by %s at %d: %s, want %s", name, network, server, got, want)
				}
			}
			if got := l.lookUp(g[0], server, network, "nobody."); got != "no such host" {
				t.Error(got)
			}
		}
	}
	if err := n.Leave("storage"); err != nil {
		t.Fatal(err)
	}
	if got := l.lookUp(g[0], 0, "udp", "storage."); got != "no such host" {
		t.Error("one that has left:", got)
	}
}

// TestOthersAreAsked: what is not on the network is asked of the Host's name servers, of which the first is silent
// and the second tells lies before it tells the truth.
func TestOthersAreAsked(t *testing.T) {
	l := newLab(t)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	text := "nameserver 10.20.0.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n" // the first is the network itself
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	l.upstream("192.0.2.2:53")
	n, _, err := Open(Options{Host: l.host, Definition: cars(), ResolvConf: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	camera := l.join(n, Member{Name: "camera"})[0]
	for _, network := range []string{"udp", "tcp"} {
		if got := l.lookUp(camera, 0, network, "www.example.com."); got != "[198.51.100.7]" {
			t.Errorf("%s: %s", network, got)
		}
	}
}

// upstream is a name server outside that knows one address for everything.
func (l *lab) upstream(at string) {
	l.Helper()
	var packets net.PacketConn
	var streams net.Listener
	err := Inside(l.outside, func() (err error) {
		if packets, err = net.ListenPacket("udp", at); err == nil {
			streams, err = net.Listen("tcp", at)
		}
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { packets.Close(); streams.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			size, from, err := packets.ReadFrom(buf)
			if err != nil {
				return
			}
			truth := l.answerTo(buf[:size])
			lie := append([]byte(nil), truth...)
			lie[len(lie)-1]++ // another address
			binary.BigEndian.PutUint16(lie, binary.BigEndian.Uint16(lie)+1)
			_, _ = packets.WriteTo(lie, from)
			_, _ = packets.WriteTo([]byte("nonsense"), from)
			_, _ = packets.WriteTo(truth, from)
		}
	}()
	go func() {
		for {
			c, err := streams.Accept()
			if err != nil {
				return
			}
			if b, err := readMessage(c, 4096); err == nil {
				_ = writeMessage(c, l.answerTo(b))
			}
			c.Close()
		}
	}()
}

func (l *lab) answerTo(b []byte) []byte {
	q, ok := parseQuery(b)
	if !ok {
		l.Error("the name server was not asked a question")
		return nil
	}
	return replyTo(q, dnsmessage.RCodeSuccess, records(q, []netip.Addr{netip.MustParseAddr("198.51.100.7")}))
}

// TestOnlyMembersAreAnswered: neither from outside nor under an address of somebody else.
func TestOnlyMembersAreAnswered(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	camera := l.join(n, Member{Name: "camera"})[0]
	const silence = 300 * time.Millisecond // that nothing comes can only be waited for
	ask := func(ns *os.File, from string, limit time.Duration) error {
		var c net.Conn
		err := Inside(ns, func() (err error) {
			d := net.Dialer{}
			if from != "" {
				d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
			}
			c, err = d.Dial("udp", "10.20.0.1:53")
			return err
		})
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write(question(t, "camera.", dnsmessage.TypeA)); err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(limit))
		_, err = c.Read(make([]byte, 512))
		return err
	}
	if err := ask(camera.ns, "", patience); err != nil {
		t.Errorf("a member: %v", err)
	}
	if err := ask(l.host.Namespace, "192.0.2.1", silence); err == nil {
		t.Error("the host was answered, on a link that is not the bridge")
	}
	// another address of the member's link, to which the Host would find its way
	foreign := netip.MustParsePrefix("10.99.0.1/32")
	err := Inside(camera.ns, func() error {
		return withLinks(func(k *netlink.Handle) error {
			link, err := k.LinkByName(memberEnd)
			if err != nil {
				return err
			}
			return address(k, link, foreign)
		})
	})
	if err == nil {
		err = l.host.links(func(k *netlink.Handle) error {
			bridge, err := k.LinkByName("cars0")
			if err != nil {
				return err
			}
			return k.RouteAdd(&netlink.Route{LinkIndex: bridge.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: ipNet(foreign)})
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(camera.ns, "10.99.0.1", silence); err == nil {
		t.Error("an address that is not of the network was answered")
	}
}

// TestTooManyAsking: the bound of what is asked of others at once holds, and members are answered all the same.
func TestTooManyAsking(t *testing.T) {
	t.Parallel()
	d := cars()
	hold, asked := make(chan struct{}), make(chan struct{}, 2*maxAsking)
	s := &server{subnets: d.Subnets, asking: make(chan struct{}, maxAsking)}
	s.names.Store(namesOf(&d, nil))
	s.ask = func([]byte, bool) []byte { asked <- struct{}{}; <-hold; return nil }
	q, _ := parseQuery(question(t, "www.example.com.", dnsmessage.TypeA))
	refused := 0
	answers := make(chan string, 2*maxAsking)
	for range maxAsking + 3 {
		s.elsewhere(q, nil, func(b []byte) { answers <- told(t, b) })
	}
	for len(answers) > 0 {
		if got := <-answers; !strings.HasPrefix(got, "ServerFailure") {
			t.Error(got)
		}
		refused++
	}
	if refused != 3 {
		t.Errorf("%d were refused", refused)
	}
	close(hold)
	s.running.Wait()
	if len(asked) != maxAsking {
		t.Errorf("%d were asked", len(asked))
	}
}
