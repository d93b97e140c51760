package netns

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
)

var cycles = flag.Int("cycles", 100, "how many members come and go")

// TestNothingIsLeftOfThoseWhoLeft is scenario 117. A cycle takes 50 ms, in which the kernel waits for itself.
func TestNothingIsLeftOfThoseWhoLeft(t *testing.T) {
	l := newLab(t)
	n := l.open(filtered())
	l.join(n, Member{Name: "first"})
	cycle := func() {
		ns, err := New()
		if err != nil {
			t.Fatal(err)
		}
		m := Member{
			Name: "camera", Egress: []Rule{{To: ToMember, Member: "first"}}, Send: 1 << 20, Receive: 1 << 20,
			Ports: []Port{{"tcp", netip.AddrPortFrom(netip.Addr{}, 8080), 80}},
		}
		if _, err := n.Join(Joining{m, ns}); err != nil {
			t.Fatal(err)
		}
		if err := n.Leave("camera"); err != nil {
			t.Fatal(err)
		}
		if l.linkNumber(hostEnd("cars", "camera")) != 0 {
			t.Fatal("the pair is left")
		}
		ns.Close()
	}
	cycle()
	before := l.count()
	begin := time.Now()
	for range *cycles {
		cycle()
	}
	t.Logf("%v a cycle", time.Since(begin)/time.Duration(*cycles))
	goruntime.GC()
	after := l.again(before)
	if after.threads > before.threads+8 { // the runtime keeps some to itself
		t.Errorf("threads: %d before, %d after", before.threads, after.threads)
	}
	before.threads, after.threads = 0, 0
	if after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if err := n.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := l.count(); got.links != 2 || got.tables != 0 {
		t.Errorf("when the network is gone: %+v", got)
	}
}

// holdings is what can leak.
type holdings struct {
	links, addresses, neighbours, forwarding, routes, tables, rules, descriptors, goroutines, threads int
}

func (l *lab) count() holdings {
	l.Helper()
	var h holdings
	err := l.host.links(func(k *netlink.Handle) error {
		links, err := whole(k.LinkList)
		if err != nil {
			return err
		}
		addresses, err := whole(func() ([]netlink.Addr, error) { return k.AddrList(nil, netlink.FAMILY_V4) })
		if err != nil {
			return err
		}
		bridge, err := k.LinkByName("cars0")
		if err == nil {
			neighbours, err := whole(func() ([]netlink.Neigh, error) { return k.NeighList(bridge.Attrs().Index, netlink.FAMILY_V4) })
			if err != nil {
				return err
			}
			entries, err := whole(func() ([]netlink.Neigh, error) { return k.NeighList(0, 7) }) // AF_BRIDGE
			if err != nil {
				return err
			}
			h.neighbours, h.forwarding = len(neighbours), len(entries)
		}
		routes, err := whole(func() ([]netlink.Route, error) { return k.RouteList(nil, netlink.FAMILY_V4) })
		h.links, h.addresses, h.routes = len(links), len(addresses), len(routes)
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	err = l.host.inside(func() error {
		c, err := nftables.New(nftables.AsLasting())
		if err != nil {
			return err
		}
		defer c.CloseLasting()
		tables, err := c.ListTables()
		if err != nil {
			return err
		}
		h.tables = len(tables)
		chains, err := c.ListChains()
		for _, ch := range chains {
			rules, err := c.GetRules(ch.Table, ch)
			if err != nil {
				return err
			}
			h.rules += len(rules)
		}
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	h.descriptors, h.threads, h.goroutines = descriptors(l.T), threads(l.T), goruntime.NumGoroutine()
	return h
}

// TestGoingOnWithWhatIsThere: another process takes up the network, and a stranger's link is left alone.
func TestGoingOnWithWhatIsThere(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	web := l.join(n, Member{Name: "web", Ports: []Port{{"tcp", netip.AddrPortFrom(netip.Addr{}, 8080), 80}}})[0]
	l.echo(web.ns, "tcp", ":80", "web")
	before := l.linkNumber(hostEnd("cars", "web"))
	sockets, err := n.Sockets()
	if err != nil || len(sockets) != 4 {
		t.Fatal(sockets, err)
	}
	n.Close()
	l.hears(l.outside, "192.0.2.1:8080", "web 192.0.2.2")
	found := make(chan string, 1)
	go func() { found <- l.lookUp(web, 0, "udp", "web.") }() // asked while nobody answers

	o := Options{Host: l.host, Definition: cars(), ResolvConf: "/dev/null"}
	for _, fd := range sockets {
		o.Sockets = append(o.Sockets, os.NewFile(uintptr(fd), "socket"))
	}
	again, _, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	l.hears(l.outside, "192.0.2.1:8080", "web 192.0.2.2") // also before its members are known again
	if _, err := again.Join(Joining{Member{Name: "web", Ports: web.Ports}, web.ns}); err != nil {
		t.Fatal(err)
	}
	if after := l.linkNumber(hostEnd("cars", "web")); after != before {
		t.Error("the pair was made anew")
	}
	if got := <-found; got != fmt.Sprint(web.Addresses[:1]) {
		t.Error("what was asked meanwhile:", got)
	}
	l.hears(l.outside, "192.0.2.1:8080", "web 192.0.2.2")

	again.Close()
	third := l.open(cars())
	if _, err := third.Join(Joining{Member: Member{Name: "web", Ports: web.Ports}}); err != nil { // known, and left as it is
		t.Fatal(err)
	}
	l.hears(l.outside, "192.0.2.1:8080", "web 192.0.2.2")
	if !l.host.Has("cars0") {
		t.Error("the bridge is not known")
	}
	if err := third.Remove(); err != nil {
		t.Error(err)
	}
	if got := l.count(); got.links != 2 || got.tables != 0 || l.host.Has("cars0") {
		t.Errorf("after its removal: %+v", got)
	}
}

func (l *lab) linkNumber(name string) int {
	l.Helper()
	number := 0
	_ = l.host.links(func(k *netlink.Handle) error {
		link, err := k.LinkByName(name)
		if err == nil {
			number = link.Attrs().Index
		}
		return err
	})
	return number
}

func TestAForeignBridgeIsLeftAlone(t *testing.T) {
	l := newLab(t)
	err := l.host.links(func(k *netlink.Handle) error {
		return k.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "cars0"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Open(Options{Host: l.host, Definition: cars()})
	const want = "bridge cars0: a link of that name is there and was not made for a network"
	if err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
	if l.host.Has("cars0") {
		t.Error("it is taken for ours")
	}
}

// again counts until all is as before, but not for ever: the kernel takes a moment, and so do goroutines that end. Of an earlier test some
// may have ended meanwhile.
func (l *lab) again(before holdings) (after holdings) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		after = l.count()
		after.goroutines = max(after.goroutines, before.goroutines)
		now := after
		now.threads = before.threads
		if now == before || time.Now().After(end) {
			return after
		}
	}
}

// TestAFailedJoinLeavesNothing: the second of two cannot join, so the first has not either.
func TestAFailedJoinLeavesNothing(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	l.join(n, Member{Name: "there"})
	before := l.count()
	closed := newNamespace(t)
	closed.Close()
	good := newNamespace(t)
	_, err := n.Join(Joining{Member{Name: "a"}, good}, Joining{Member{Name: "b"}, closed})
	if err == nil {
		t.Fatal("joined without a namespace")
	}
	good.Close()
	after := l.again(before)
	after.descriptors, before.descriptors, after.threads, before.threads, after.goroutines, before.goroutines = 0, 0, 0, 0, 0, 0
	if len(n.Members()) != 1 || after != before {
		t.Errorf("%v: before %+v, after %+v", err, before, after)
	}
}

// TestAMemberWhoseNamespaceHasEnded: its link is gone with it, and the rules of the others are made all the same.
func TestAMemberWhoseNamespaceHasEnded(t *testing.T) {
	l := newLab(t)
	n := l.open(filtered())
	g := l.join(n, Member{Name: "camera", Egress: []Rule{}}, Member{Name: "storage"}, Member{Name: "web"})
	g[0].ns.Close()
	for end := time.Now().Add(patience); l.linkNumber(hostEnd("cars", "camera")) != 0; time.Sleep(time.Millisecond) { // the kernel takes a namespace down a moment later
		if time.Now().After(end) {
			t.Fatalf("the link is there after %v", patience)
		}
	}
	if err := n.Leave("web"); err != nil {
		t.Error(err)
	}
	if got := l.chains(); slices.Contains(got, hostEnd("cars", "camera")) || !slices.Contains(got, hostEnd("cars", "storage")) {
		t.Error("chains:", got)
	}
	if err := n.Leave("camera"); err != nil {
		t.Error(err)
	}
}

// TestAnAddressIsNotGivenTwice: one that is promised to somebody else is kept by whom has it, until that joins again.
func TestAnAddressIsNotGivenTwice(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	camera := l.join(n, Member{Name: "camera"})[0]
	had := camera.Addresses[:1]
	n.Promise(map[string][]netip.Addr{"storage": had})
	ns := newNamespace(t)
	_, err := n.Join(Joining{Member{Name: "storage", Addresses: had}, ns})
	if want := "storage: address 10.20.0.82: camera has it, until it joins again"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
	if err := n.Leave("camera"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Join(Joining{Member{Name: "storage", Addresses: had}, ns}, Joining{Member{Name: "camera"}, camera.ns}); err != nil {
		t.Error(err)
	}
	if now := n.Members()[0].Addresses[0]; now == had[0] {
		t.Error("both have", now)
	}
}

// chains are the names of those that the Host has.
func (l *lab) chains() (names []string) {
	l.Helper()
	err := l.host.inside(func() error {
		c, err := nftables.New(nftables.AsLasting())
		if err != nil {
			return err
		}
		defer c.CloseLasting()
		all, err := c.ListChains()
		for _, ch := range all {
			names = append(names, ch.Name)
		}
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	return names
}
