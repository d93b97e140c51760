package netns

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// filtered is the network of cars with rules.
func filtered() Definition {
	d := cars()
	d.Filtered = true
	return d
}

func TestRulesSayWhoMayTalkToWhom(t *testing.T) {
	l := newLab(t)
	n := l.open(filtered())
	g := l.join(n,
		Member{Name: "camera", Egress: []Rule{{To: ToMember, Member: "storage", Protocol: "tcp", Port: 80}}},
		Member{Name: "free"},
		Member{Name: "hmi", Egress: []Rule{{To: ToNetwork, Protocol: "tcp", Port: 81}, {To: ToOutside}}},
		Member{Name: "mute", Egress: []Rule{}},
		Member{Name: "remote", Egress: []Rule{{To: ToPrefix, Prefix: netip.MustParsePrefix("192.0.2.0/30"), Protocol: "tcp"}, {To: ToHost, Protocol: "tcp", Port: 82}}},
		Member{Name: "storage"})
	camera, free, hmi, mute, remote, storage := g[0], g[1], g[2], g[3], g[4], g[5]
	l.echo(storage.ns, "tcp", ":80", "storage")
	l.echo(storage.ns, "tcp", ":81", "storage")
	l.echo(camera.ns, "tcp", ":80", "camera")
	l.echo(l.outside, "tcp", ":80", "world")
	l.echo(l.host.Namespace, "tcp", ":82", "host")

	for i := range 2 { // IPv4, IPv6
		world, host := []string{"192.0.2.2:80", "[2001:db8::2]:80"}[i], net.JoinHostPort(cars().Subnets[i].Gateway.String(), "82")
		l.hears(camera.ns, storage.at(i, "80"), "storage "+camera.Addresses[i].String())
		l.deaf(camera.ns, storage.at(i, "81"), true)
		l.deaf(camera.ns, world, true)
		l.deaf(camera.ns, host, true)

		l.hears(free.ns, storage.at(i, "81"), "storage "+free.Addresses[i].String())
		l.hears(free.ns, camera.at(i, "80"), "camera "+free.Addresses[i].String())
		l.hears(free.ns, host, "host "+free.Addresses[i].String())
		l.hears(free.ns, world, "world "+[]string{"192.0.2.1", "2001:db8::1"}[i])

		l.hears(hmi.ns, storage.at(i, "81"), "storage "+hmi.Addresses[i].String())
		l.deaf(hmi.ns, storage.at(i, "80"), true)
		l.hears(hmi.ns, world, "world "+[]string{"192.0.2.1", "2001:db8::1"}[i])

		l.deaf(mute.ns, storage.at(i, "80"), true)
		l.deaf(mute.ns, world, true)
		l.deaf(mute.ns, host, true)

		l.hears(remote.ns, host, "host "+remote.Addresses[i].String())
		l.deaf(remote.ns, storage.at(i, "80"), true)
	}
	l.hears(remote.ns, "192.0.2.2:80", "world 192.0.2.1")
	l.deaf(remote.ns, "[2001:db8::2]:80", true)
}

func TestRulesAreReplaced(t *testing.T) {
	l := newLab(t)
	n := l.open(filtered())
	g := l.join(n, Member{Name: "camera", Egress: []Rule{}}, Member{Name: "storage"})
	camera, storage := g[0], g[1]
	l.echo(storage.ns, "tcp", ":80", "storage")
	l.deaf(camera.ns, storage.at(0, "80"), true)
	camera.Egress = []Rule{{To: ToMember, Member: "storage"}}
	if _, err := n.Join(Joining{camera.Member, camera.ns}); err != nil {
		t.Fatal(err)
	}
	l.hears(camera.ns, storage.at(0, "80"), "storage "+camera.Addresses[0].String())
}

// TestMembersCannotPose: who may change its own links and addresses is no more than before.
func TestMembersCannotPose(t *testing.T) {
	l := newLab(t)
	n := l.open(filtered())
	g := l.join(n, Member{Name: "friend"}, Member{Name: "storage"}, Member{Name: "villain", Egress: []Rule{}})
	friend, storage, villain := g[0], g[1], g[2]
	l.echo(storage.ns, "tcp", ":80", "storage")
	heard := l.datagrams(storage.ns, ":90")
	if err := Inside(friend.ns, func() error { return send(storage.at(0, "90"), "friend") }); err != nil {
		t.Fatal(err)
	}
	if got := l.next(heard); got != "friend" {
		t.Fatalf("heard %q", got)
	}
	err := Inside(villain.ns, func() error {
		return withLinks(func(k *netlink.Handle) error {
			link, err := k.LinkByName(memberEnd)
			if err != nil {
				return err
			}
			// the friend's addresses, by way of the Host
			for i, a := range friend.Addresses {
				if err := address(k, link, netip.PrefixFrom(a, a.BitLen())); err != nil {
					return err
				}
				if err := pose(a, storage.at(i, "90")); err != nil {
					return err
				}
			}
			// and straight to the storage, as if the link had nobody else
			for i, a := range storage.Addresses {
				err := k.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: ipNet(netip.PrefixFrom(a, a.BitLen()))})
				if err != nil {
					return err
				}
				err = k.NeighSet(&netlink.Neigh{
					LinkIndex: link.Attrs().Index, Family: family(a), State: netlink.NUD_PERMANENT,
					IP: a.AsSlice(), HardwareAddr: hardware("cars", "storage"),
				})
				if err != nil {
					return err
				}
				for _, from := range []netip.Addr{villain.Addresses[i], friend.Addresses[i]} {
					if err := pose(from, storage.at(i, "90")); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := Inside(friend.ns, func() error { return send(storage.at(1, "90"), "friend again") }); err != nil {
		t.Fatal(err)
	}
	if got := l.next(heard); got != "friend again" {
		t.Errorf("heard %q", got)
	}
	l.hears(friend.ns, storage.at(0, "80"), "storage "+friend.Addresses[0].String())
}

// pose sends under an address; that it is refused is no error.
func pose(from netip.Addr, to string) error {
	if err := sendFrom(from, to, "villain"); err != nil && !strings.Contains(err.Error(), "refused") {
		return err
	}
	return nil
}

func send(to, text string) error { return sendFrom(netip.Addr{}, to, text) }

func sendFrom(from netip.Addr, to, text string) error {
	d := net.Dialer{}
	if from.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	c, err := d.Dial("udp", to)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte(text))
	return err
}

// datagrams tells what arrives at a port.
func (l *lab) datagrams(namespace *os.File, at string) <-chan string {
	l.Helper()
	var c net.PacketConn
	err := Inside(namespace, func() (err error) {
		c, err = net.ListenPacket("udp", at)
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { c.Close() })
	heard := make(chan string, 16)
	go func() {
		buf := make([]byte, 256)
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				close(heard)
				return
			}
			heard <- string(buf[:n])
		}
	}()
	return heard
}

// next is the next datagram.
func (l *lab) next(heard <-chan string) string {
	l.Helper()
	select {
	case got := <-heard:
		return got
	case <-time.After(patience):
		l.Fatalf("nothing is heard for %v", patience)
		return ""
	}
}

// TestNetworksStayApart: members of one network do not reach those of another.
func TestNetworksStayApart(t *testing.T) {
	l := newLab(t)
	for _, routed := range []bool{false, true} {
		a, b := cars(), cars()
		a.NAT, a.Routed = !routed, routed
		b.NAT, b.Routed = !routed, routed
		b.Name, b.Bridge, b.DNS = "bikes", "bikes0", false
		b.Subnets = []Subnet{
			{netip.MustParsePrefix("10.21.0.0/24"), netip.MustParseAddr("10.21.0.1")},
			{netip.MustParsePrefix("fd00:21::/64"), netip.MustParseAddr("fd00:21::1")},
		}
		na, nb := l.open(a), l.open(b)
		camera := l.join(na, Member{Name: "camera"})[0]
		bell := l.join(nb, Member{Name: "bell", Ports: []Port{{"tcp", netip.AddrPortFrom(netip.Addr{}, 8080), 80}}})[0]
		l.echo(bell.ns, "tcp", ":80", "bell")
		l.deaf(camera.ns, bell.at(0, "80"), true)
		l.deaf(camera.ns, bell.at(1, "80"), true)
		if got, _, err := l.call(camera.ns, "192.0.2.1:8080", patience); err != nil || !strings.HasPrefix(got, "bell ") {
			t.Errorf("routed %v: forwarded port: %q, %v", routed, got, err)
		}
		for _, n := range []*Network{na, nb} {
			if err := n.Remove(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRoutedMembersAreReached(t *testing.T) {
	l := newLab(t)
	d := cars()
	d.NAT, d.Routed = false, true
	camera := l.join(l.open(d), Member{Name: "camera"})[0]
	l.echo(camera.ns, "tcp", ":80", "camera")
	err := Inside(l.outside, func() error {
		return withLinks(func(k *netlink.Handle) error {
			for i, via := range []string{"192.0.2.1", "2001:db8::1"} {
				err := k.RouteAdd(&netlink.Route{Dst: ipNet(d.Subnets[i].Prefix), Gw: netip.MustParseAddr(via).AsSlice()})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	l.hears(l.outside, camera.at(0, "80"), "camera 192.0.2.2")
	l.hears(l.outside, camera.at(1, "80"), "camera 2001:db8::2")
}
