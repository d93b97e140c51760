package netns

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestMembersReachEachOther(t *testing.T) {
	l := newLab(t)
	own := inode(t, "/proc/self/ns/net")
	n := l.open(cars())
	g := l.join(n, Member{Name: "camera"}, Member{Name: "storage"})
	camera, storage := g[0], g[1]
	l.echo(storage.ns, "tcp4", ":80", "four")
	l.echo(storage.ns, "tcp6", ":81", "six")
	l.hears(camera.ns, storage.at(0, "80"), "four "+camera.Addresses[0].String())
	l.hears(camera.ns, storage.at(1, "81"), "six "+camera.Addresses[1].String())
	if inode(t, "/proc/self/ns/net") != own {
		t.Error("the process has moved to another network namespace")
	}
}

func TestMembersGoOutBehindTheHost(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	camera := l.join(n, Member{Name: "camera"})[0]
	l.echo(l.outside, "tcp4", ":80", "world")
	l.echo(l.outside, "tcp6", ":81", "world")
	l.hears(camera.ns, "192.0.2.2:80", "world 192.0.2.1")
	l.hears(camera.ns, "[2001:db8::2]:81", "world 2001:db8::1")
}

func TestMembersStayInside(t *testing.T) {
	l := newLab(t)
	d := cars()
	d.NAT = false
	camera := l.join(l.open(d), Member{Name: "camera"})[0]
	l.echo(l.outside, "tcp", ":80", "world")
	if err := forwarding(l.host, &Definition{NAT: true, Subnets: d.Subnets}, true); err != nil { // as somebody else may have it
		t.Fatal(err)
	}
	l.deaf(camera.ns, "192.0.2.2:80", true)
	l.deaf(camera.ns, "[2001:db8::2]:80", true)
}

func TestPortsAreForwarded(t *testing.T) {
	for _, tt := range []struct {
		name, call string
		network    Definition
	}{{"plain", "0", cars()}, {"filtered", "0", filtered()}, {"br_netfilter", "1", cars()}} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t)
			l.bridgesCallFirewall(tt.call)
			l.portsAreForwarded(tt.network)
		})
	}
}

func (l *lab) portsAreForwarded(d Definition) {
	n := l.open(d)
	g := l.join(n,
		Member{Name: "web", Ports: []Port{
			{"tcp", netip.AddrPortFrom(netip.Addr{}, 8080), 80},
			{"tcp", netip.MustParseAddrPort("192.0.2.1:8081"), 80},
			{"tcp", netip.MustParseAddrPort("[2001:db8::1]:8082"), 80},
			{"tcp", netip.MustParseAddrPort("127.0.0.1:8083"), 80},
			{"tcp", netip.MustParseAddrPort("0.0.0.0:8084"), 80},
		}},
		Member{Name: "other"})
	web, other := g[0], g[1]
	l.echo(web.ns, "tcp", ":80", "web")
	host := l.host.Namespace

	l.hears(l.outside, "192.0.2.1:8080", "web 192.0.2.2")
	l.hears(l.outside, "[2001:db8::1]:8080", "web 2001:db8::2")
	l.hears(l.outside, "192.0.2.1:8081", "web 192.0.2.2")
	l.hears(l.outside, "[2001:db8::1]:8082", "web 2001:db8::2")
	l.deaf(l.outside, "[2001:db8::1]:8081", true)
	l.deaf(l.outside, "192.0.2.1:8083", true)
	l.hears(l.outside, "192.0.2.1:8084", "web 192.0.2.2")
	l.deaf(l.outside, "[2001:db8::1]:8084", true)

	l.hears(host, "127.0.0.1:8080", "web 10.20.0.1")
	l.hears(host, "127.0.0.1:8083", "web 10.20.0.1")
	l.hears(host, "192.0.2.1:8080", "web 192.0.2.1")
	l.hears(host, "10.20.0.1:8080", "web 10.20.0.1")
	l.hears(host, "[2001:db8::1]:8080", "web 2001:db8::1")
	l.deaf(host, "127.0.0.1:8081", true)
	l.deaf(host, "[::1]:8080", true)

	l.hears(other.ns, "192.0.2.1:8080", "web 10.20.0.1")
	l.hears(other.ns, "[2001:db8::1]:8080", "web fd00:20::1")
	l.hears(web.ns, "192.0.2.1:8080", "web 10.20.0.1")
	l.hears(web.ns, "[2001:db8::1]:8080", "web fd00:20::1")

	// a member is only reached by what is forwarded
	l.deaf(l.outside, web.at(0, "80"), false)
}

// TestTheHostsLoopbackIsItsOwn: ports of 127.0.0.1 are forwarded, and yet a member that can change its routes does not
// reach what listens there.
func TestTheHostsLoopbackIsItsOwn(t *testing.T) {
	l := newLab(t)
	web := l.join(l.open(cars()), Member{Name: "web", Ports: []Port{{"tcp", netip.AddrPortFrom(netip.Addr{}, 8080), 80}}})[0]
	l.echo(l.host.Namespace, "tcp4", "127.0.0.1:99", "private")
	l.hears(l.host.Namespace, "127.0.0.1:99", "private 127.0.0.1")
	err := Inside(web.ns, func() error {
		return withLinks(func(k *netlink.Handle) error {
			lo, err := k.LinkByName("lo")
			if err != nil {
				return err
			}
			if err := k.AddrDel(lo, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(127, 0, 0, 1), Mask: net.CIDRMask(8, 32)}}); err != nil {
				return err
			}
			eth, err := k.LinkByName(memberEnd)
			if err != nil {
				return err
			}
			route := &netlink.Route{LinkIndex: eth.Attrs().Index, Dst: ipNet(loopback4()), Gw: cars().Subnets[0].Gateway.AsSlice()}
			return errors.Join(k.RouteReplace(route), sysctl("net/ipv4/conf/"+memberEnd+"/route_localnet", "1"))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	l.deaf(web.ns, "127.0.0.1:99", false)
}

// TestAHostThatForwardsStillHearsRouters: it had its own routes from them.
func TestAHostThatForwardsStillHearsRouters(t *testing.T) {
	l := newLab(t)
	settings := map[string]string{
		"net/ipv6/conf/uplink/accept_ra": "2", "net/ipv6/conf/all/forwarding": "1", "net/ipv4/ip_forward": "1",
	}
	read := func(name string) (is string) {
		_ = l.host.inside(func() error {
			b, err := os.ReadFile("/proc/sys/" + name)
			is = strings.TrimSpace(string(b))
			return err
		})
		return is
	}
	if is := read("net/ipv6/conf/uplink/accept_ra"); is != "1" {
		t.Fatal("before:", is)
	}
	l.join(l.open(cars()), Member{Name: "web"})
	for name, want := range settings {
		if is := read(name); is != want {
			t.Errorf("%s is %s, want %s", name, is, want)
		}
	}
}

// TestANetworkOfItsOwnForwardsNothing: what a network does not need is left as it is. A host namespace begins with some of what the first one has.
func TestANetworkOfItsOwnForwardsNothing(t *testing.T) {
	l := newLab(t)
	names := []string{"net/ipv6/conf/all/forwarding", "net/ipv4/ip_forward", "net/ipv4/conf/default/route_localnet"}
	read := func() (values []string) {
		_ = l.host.inside(func() error {
			for _, name := range names {
				b, err := os.ReadFile("/proc/sys/" + name)
				values = append(values, fmt.Sprintf("%s %v", bytes.TrimSpace(b), err))
			}
			return nil
		})
		return values
	}
	before := read()
	d := cars()
	d.NAT = false
	l.join(l.open(d), Member{Name: "web"})
	names[2] = "net/ipv4/conf/cars0/route_localnet"
	if now := read(); !slices.Equal(before, now) {
		t.Errorf("%v were %q and are %q", names, before, now)
	}
}
