package netns

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
)

// Options are what a network is made with.
type Options struct {
	Host
	Definition
	Leases     []byte                  // as they were saved; nil is none
	Save       func(text []byte) error // of leases; nil is that they need not last
	Promised   map[string][]netip.Addr // addresses that are kept for members of these names
	Needed     func(name string) bool  // whose leases are given up last; nil is nobody's
	ResolvConf string                  // the Host's, for names of others; "" is /etc/resolv.conf
	Sockets    []*os.File              // of an earlier process, see Network.Sockets; they become the network's
}

// Network is a network that is there. Its methods may be called by several goroutines at once.
type Network struct {
	host   Host
	save   func([]byte) error
	needed func(string) bool
	path   string // of resolv.conf

	mu      sync.Mutex
	d       Definition
	leases  *leases
	members []Member // in name order
	written bool     // the rules are there, at least those for a network without members
	server  *server  // nil is none, or that nobody has joined yet
	held    []*os.File
}

// Open makes a network, or goes on with the one that is there. faults says what the saved leases had that was left out.
func Open(o Options) (n *Network, faults []string, err error) {
	n = &Network{host: o.Host, d: o.Definition, save: o.Save, needed: o.Needed, path: o.ResolvConf, held: o.Sockets}
	if n.path == "" {
		n.path = "/etc/resolv.conf"
	}
	if n.needed == nil {
		n.needed = func(string) bool { return false }
	}
	n.leases, faults = readLeases(o.Leases, o.Subnets)
	n.Promise(o.Promised)
	if err := n.host.makeBridge(&n.d); err != nil {
		closeFiles(n.held)
		return nil, faults, err
	}
	return n, faults, nil
}

func closeFiles(all []*os.File) {
	for _, f := range all {
		f.Close()
	}
}

// Sockets are descriptors of those that names are answered on, which become the caller's. When another process holds
// them, and hands them to the next Open, no question is lost in between.
func (n *Network) Sockets() ([]int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == nil {
		return nil, nil
	}
	return n.server.copies()
}

// answerNames lets members find each other as they are now. It begins when the first of them are known: a question
// that is early waits, and is not denied.
func (n *Network) answerNames() (err error) {
	if !n.d.DNS {
		return nil
	}
	if n.server != nil {
		n.server.names.Store(namesOf(&n.d, n.members))
		return nil
	}
	var ask func([]byte, bool) []byte
	if n.d.NAT || n.d.Routed {
		r := &resolver{host: n.host, path: n.path}
		for _, s := range n.d.Subnets {
			r.own = append(r.own, s.Gateway)
		}
		ask = r.ask
	}
	n.server, err = n.host.serve(&n.d, namesOf(&n.d, n.members), ask, n.held)
	closeFiles(n.held)
	n.held = nil
	return err
}

// Definition is what the network is.
func (n *Network) Definition() Definition { return n.d }

// Promise keeps addresses for members of these names, and for them only.
func (n *Network) Promise(addresses map[string][]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.leases.fixed)
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		n.leases.promise(name, addresses[name])
	}
}

// Joining is a member with its namespace, which stays the caller's. Without one it has joined before, by the hand of
// an earlier process, and is only made known.
type Joining struct {
	Member
	Namespace *os.File
}

// Join plugs members in and lets the rules and names know of them. One that is a member already is brought to what it
// is now. It returns the member with the addresses that it has. Where one cannot join, none that is new has.
func (n *Network) Join(all ...Joining) ([]Member, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := slices.Clone(n.members)
	var joined []Member
	for _, j := range all {
		m, err := n.join(j)
		joined = append(joined, m)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", j.Name, err), n.undo(before, joined))
		}
	}
	if err := n.tell(n.touches(joined, before)); err != nil {
		return nil, errors.Join(err, n.undo(before, joined))
	}
	return joined, nil
}

// join plugs one in. With an error the member has the addresses that may have been set up for it.
func (n *Network) join(j Joining) (Member, error) {
	m := j.Member
	var err error
	if m.Addresses, err = n.addresses(m.Name, m.Addresses); err != nil {
		return Member{Name: m.Name}, err
	}
	for _, other := range n.members {
		for _, a := range m.Addresses {
			if other.Name != m.Name && slices.Contains(other.Addresses, a) {
				return Member{Name: m.Name}, fmt.Errorf("address %s: %s has it, until it joins again", a, other.Name)
			}
		}
	}
	if j.Namespace != nil {
		if err := n.host.plug(&n.d, &m, j.Namespace); err != nil {
			return m, err
		}
	}
	n.put(m)
	return m, nil
}

// undo unplugs those that were not members before.
func (n *Network) undo(before, joined []Member) (err error) {
	n.members = before
	for _, m := range joined {
		if !slices.ContainsFunc(before, func(b Member) bool { return b.Name == m.Name }) {
			err = errors.Join(err, n.host.unplug(&n.d, &m))
		}
	}
	return err
}

// addresses are those of a member: the wanted ones, and a leased one for each subnet without.
func (n *Network) addresses(name string, wanted []netip.Addr) ([]netip.Addr, error) {
	if wanted != nil {
		n.leases.promise(name, wanted)
	}
	all, err := n.leases.lease(name, n.needed)
	if err != nil || !n.leases.changed || n.save == nil {
		return all, err
	}
	if err := n.save(n.leases.text()); err != nil {
		return nil, err
	}
	n.leases.changed = false
	return all, nil
}

func (n *Network) put(m Member) {
	i, found := slices.BinarySearchFunc(n.members, m, byName)
	if found {
		n.members[i] = m
		return
	}
	n.members = slices.Insert(n.members, i, m)
}

func byName(a, b Member) int { return strings.Compare(a.Name, b.Name) }

// touches says whether the rules depend on any of these members, as they are or as they were.
func (n *Network) touches(now, before []Member) bool {
	if n.d.Filtered || !n.written {
		return true
	}
	ruled := func(m Member) bool { return len(m.Ports) > 0 || m.Send != 0 }
	return slices.ContainsFunc(now, func(m Member) bool {
		i, was := slices.BinarySearchFunc(before, m, byName)
		return ruled(m) || was && ruled(before[i])
	})
}

// tell brings firewall and names to who is a member now.
func (n *Network) tell(rules bool) error {
	if rules {
		ports := slices.ContainsFunc(n.members, func(m Member) bool { return len(m.Ports) > 0 })
		if err := forwarding(n.host, &n.d, ports); err != nil {
			return err
		}
		if err := n.host.replaceRules(&n.d, n.members, n.leased); err != nil {
			return err
		}
		n.written = true
	}
	return n.answerNames()
}

// leased is the lookup of rules: a member that is allowed to be talked to has its address before it joins.
func (n *Network) leased(name string) []netip.Addr {
	all, err := n.addresses(name, nil)
	if err != nil {
		return nil // there is none left, so it cannot join either
	}
	return all
}

// forwarding sets what lets the Host pass packets on.
func forwarding(h Host, d *Definition, ports bool) error {
	return h.inside(func() error {
		if err := forward(d, ports); err != nil {
			return fmt.Errorf("forwarding: %w", err)
		}
		if d.has(true) && ports { // the Host's loopback may speak to members, and hear them: see loopbackGuard
			return sysctl("net/ipv4/conf/"+d.Bridge+"/route_localnet", "1")
		}
		return nil
	})
}

// Leave unplugs a member. Its lease stays.
func (n *Network) Leave(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, found := slices.BinarySearchFunc(n.members, Member{Name: name}, byName)
	if !found {
		return nil
	}
	m := n.members[i]
	touched := n.touches([]Member{m}, nil)
	n.members = slices.Delete(slices.Clone(n.members), i, i+1)
	return errors.Join(n.tell(touched), n.host.unplug(&n.d, &m))
}

// Members are those that have joined, in name order.
func (n *Network) Members() []Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.members)
}

func (n *Network) stopNames() {
	if n.server != nil {
		n.server.close()
		n.server = nil
	}
	closeFiles(n.held)
	n.held = nil
}

// Close ends what this process does for the network; all that the kernel has of it stays, for another process to go
// on with.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopNames()
}

// Remove removes the network with everything that it has in the kernel.
func (n *Network) Remove() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopNames()
	n.members, n.written = nil, false
	return errors.Join(n.host.removeRules(&n.d), n.host.removeBridge(n.d.Bridge))
}
