package netns

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// patience is how long a fact is awaited that should come at once: a machine that stalls is no failure.
const patience = 20 * time.Second

// lab is a Host of its own, with an uplink to a namespace that is the world outside.
type lab struct {
	*testing.T
	host    Host
	outside *os.File // 192.0.2.2 and 2001:db8::2; the Host is 192.0.2.1 and 2001:db8::1 there
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: network namespaces are made")
	}
	l := &lab{T: t, host: Host{Namespace: newNamespace(t)}, outside: newNamespace(t)}
	err := l.host.links(func(k *netlink.Handle) error {
		veth := netlink.NewVeth(netlink.LinkAttrs{Name: "uplink", Index: 77}) // two ends of one number are slow to come up
		veth.PeerName, veth.PeerNamespace = "uplink", netlink.NsFd(l.outside.Fd())
		return k.LinkAdd(veth)
	})
	if err != nil {
		t.Fatal(err)
	}
	l.bridgesCallFirewall("0") // most machines have no br_netfilter, and rules must not need it
	l.configure(l.host.Namespace, "192.0.2.1/24", "2001:db8::1/64")
	l.configure(l.outside, "192.0.2.2/24", "2001:db8::2/64")
	err = l.host.links(func(k *netlink.Handle) error { return await(k, time.Now().Add(patience), "uplink") })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// bridgesCallFirewall sets whether what goes over a bridge goes by the firewall too (br_netfilter), where it can.
func (l *lab) bridgesCallFirewall(yes string) {
	l.Helper()
	err := l.host.inside(func() error {
		return sysctls([2]string{"net/bridge/bridge-nf-call-iptables", yes}, [2]string{"net/bridge/bridge-nf-call-ip6tables", yes})
	})
	if err != nil {
		l.Fatal(err)
	}
}

func newNamespace(t *testing.T) *os.File {
	t.Helper()
	f, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func (l *lab) configure(namespace *os.File, addresses ...string) {
	l.Helper()
	err := Inside(namespace, func() error {
		return withLinks(func(k *netlink.Handle) error {
			link, err := k.LinkByName("uplink")
			if err != nil {
				return err
			}
			if err := unheard("uplink"); err != nil {
				return err
			}
			for _, a := range addresses {
				if err := address(k, link, netip.MustParsePrefix(a)); err != nil {
					return err
				}
			}
			return k.LinkSetUp(link)
		})
	})
	if err != nil {
		l.Fatal(err)
	}
}

// cars is the network of most tests.
func cars() Definition {
	return Definition{
		Name: "cars", Bridge: "cars0", NAT: true, DNS: true, MTU: 1400,
		Subnets: []Subnet{
			{netip.MustParsePrefix("10.20.0.0/24"), netip.MustParseAddr("10.20.0.1")},
			{netip.MustParsePrefix("fd00:20::/64"), netip.MustParseAddr("fd00:20::1")},
		},
	}
}

func (l *lab) open(d Definition) *Network {
	l.Helper()
	n, faults, err := Open(Options{Host: l.host, Definition: d, ResolvConf: "/dev/null"})
	if err != nil || len(faults) > 0 {
		l.Fatal(err, faults)
	}
	l.Cleanup(n.Close)
	return n
}

// guest is a member with its namespace.
type guest struct {
	Member
	ns *os.File
}

func (l *lab) join(n *Network, members ...Member) []guest {
	l.Helper()
	var all []Joining
	for _, m := range members {
		all = append(all, Joining{m, newNamespace(l.T)})
	}
	joined, err := n.Join(all...)
	if err != nil {
		l.Fatal(err)
	}
	var guests []guest
	for i, m := range joined {
		guests = append(guests, guest{m, all[i].Namespace})
	}
	return guests
}

// echo listens in a namespace and answers every connection with a greeting and the address that it sees.
func (l *lab) echo(namespace *os.File, network, at, greeting string) {
	l.Helper()
	var listener net.Listener
	err := Inside(namespace, func() (err error) {
		listener, err = net.Listen(network, at)
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			_, _ = io.WriteString(c, greeting+" "+host)
			c.Close()
		}
	}()
}

// call connects from a namespace and returns what it is told, and how often the kernel has sent something again (tcp(7), TCP_INFO).
func (l *lab) call(namespace *os.File, to string, limit time.Duration) (told string, again uint32, err error) {
	var c net.Conn
	err = Inside(namespace, func() (err error) {
		c, err = net.DialTimeout("tcp", to, limit)
		return err
	})
	if err != nil {
		return "", 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(limit))
	var b bytes.Buffer
	if _, err = io.Copy(&b, c); err != nil {
		return b.String(), 0, err
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return b.String(), 0, err
	}
	var info *unix.TCPInfo
	if e := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); e != nil || err != nil {
		return b.String(), 0, errors.Join(e, err)
	}
	return b.String(), info.Total_retrans, nil
}

// hears checks that a call is answered so.
func (l *lab) hears(namespace *os.File, to, want string) {
	l.Helper()
	got, again, err := l.call(namespace, to, patience)
	if err != nil || got != want {
		l.Errorf("call to %s: %q, %v; want %q", to, got, err, want)
	}
	if again > 0 {
		l.Errorf("call to %s: the kernel sent it %d times more", to, again)
	}
}

// deaf checks that a call is not answered, and that it is told so when told is set: at once, in one of three calls at least.
func (l *lab) deaf(namespace *os.File, to string, told bool) {
	l.Helper()
	for range 3 {
		begin := time.Now()
		got, _, err := l.call(namespace, to, 2*time.Second)
		if err == nil {
			l.Errorf("call to %s: answered %q", to, got)
			return
		}
		if took := time.Since(begin); !told || took < time.Second {
			return
		}
	}
	l.Errorf("call to %s: waits", to)
}

func (g guest) at(i int, port string) string { return net.JoinHostPort(g.Addresses[i].String(), port) }

func threads(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}
