package manager

import (
	"errors"
	"os"
	"sync"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/netns"
)

// networks are those that containers are joined by. A network is there while it has members: made when the first one
// starts, removed when the last one's run is over. A member joins with each run, with a namespace of that run, and
// keeps its addresses by the leases.
//
//	loop:       want ─────────────────────► unwant (its run is over)
//	goroutines:       └─► join, one at a time        └─► leave, unless it is wanted again
//
// The kernel has all of it, so a manager that dies takes nothing along; the next one makes itself known what is there.
type networks struct {
	directory string                              // of what is gone after a boot: leases of this one, files of members
	complain  func(why string)                    // off the loop
	hold      func(network string, sockets []int) // for the next manager
	drop      func(network string)
	keep      func(j *joining) error // what a run joins, likewise
	forget    func(member, network string)
	held      map[string][]*os.File // of the one before, until the network is open

	mu     sync.Mutex        // guards wanted, for moments
	wanted map[string]wanted // by component

	work   sync.Mutex // is held while anything of the kernel is changed
	open   map[string]*netns.Network
	handed map[string]*netns.Network // whose sockets are held
}

// newNetworks keeps none yet, in a directory of what is gone after a boot.
func newNetworks(directory string) *networks {
	return &networks{
		directory: directory, wanted: map[string]wanted{}, open: map[string]*netns.Network{}, handed: map[string]*netns.Network{}, held: map[string][]*os.File{},
	}
}

// wanted is a run that is on a network, or is to be.
type wanted struct {
	run     uint32
	network string
}

// want says that a run is going to be on a network. It reports the one that it was on before, if that is another.
func (n *networks) want(name string, w wanted) (left string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, was := n.wanted[name]; was && old.network != w.network {
		left = old.network
	}
	n.wanted[name] = w
	return left
}

// unwant says that the run of a component is over; it reports on which network it was, which is then to be left.
func (n *networks) unwant(name string) (wanted, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w, was := n.wanted[name]
	delete(n.wanted, name)
	return w, was
}

// released is behind the name of a component in wanted for a run that lives on by itself.
const released = " released"

// release lets a run go that lives on by itself: its network stays, and it on it.
func (n *networks) release(name string) {
	if w, was := n.unwant(name); was {
		n.want(name+released, w)
	}
}

func (n *networks) is(name string) (wanted, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w, ok := n.wanted[name]
	return w, ok
}

// used says whether any run is on a network or is to be.
func (n *networks) used(network string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.wanted {
		if w.network == network {
			return true
		}
	}
	return false
}

// join joins a namespace to a network, and returns the member with its addresses.
func (n *networks) join(j joining, namespace *os.File) (netns.Member, error) {
	n.work.Lock()
	defer n.work.Unlock()
	if !n.still(&j) {
		return netns.Member{}, errors.New("it is not wanted any more")
	}
	if err := n.keep(&j); err != nil {
		return netns.Member{}, err
	}
	network, err := n.network(&j)
	if err != nil {
		return netns.Member{}, err
	}
	network.Promise(j.promised)
	all, err := network.Join(netns.Joining{Member: j.member, Namespace: namespace})
	if err != nil {
		return netns.Member{}, err
	}
	n.holdSockets(network)
	return all[0], nil
}

// network is the network of a joining, made where it is not there. One that is another by now is removed first: its
// members are being started anew.
func (n *networks) network(j *joining) (*netns.Network, error) {
	name := j.definition.Name
	if old := n.open[name]; old != nil {
		if d := old.Definition(); d.Equal(&j.definition) {
			return old, nil
		}
		if err := n.remove(name); err != nil {
			return nil, err
		}
	}
	modules := boot.LoadModules(netns.Modules())
	network, faults, err := netns.Open(netns.Options{
		Definition: j.definition, Leases: n.leases(j.leases(n.directory)), Promised: j.promised,
		Save:   func(text []byte) error { return n.save(j.leases(n.directory), text) },
		Needed: func(name string) bool { return j.needed[name] }, Sockets: n.held[name],
	})
	delete(n.held, name)
	for _, f := range faults {
		n.complain("leases of network " + name + ": " + f + "; left out")
	}
	if err != nil {
		return nil, errors.Join(err, modules)
	}
	n.open[name] = network
	return network, nil
}

// remove takes a network away.
func (n *networks) remove(name string) error {
	network := n.open[name]
	delete(n.open, name)
	n.drop(name)
	return network.Remove()
}

// holdSockets hands on the sockets that names are asked at, once for a network.
func (n *networks) holdSockets(network *netns.Network) {
	name := network.Definition().Name
	if n.handed[name] == network {
		return
	}
	n.handed[name] = network
	sockets, err := network.Sockets()
	if err == nil && len(sockets) > 0 {
		n.hold(name, sockets)
	}
	closeAll(sockets)
}

// leave takes a member off a network, and the network away with the last one.
func (n *networks) leave(name, network string) error {
	n.work.Lock()
	defer n.work.Unlock()
	w, again := n.is(name)
	if again && w.network == network {
		return nil
	}
	if !again {
		os.RemoveAll(n.files(name))
	}
	defer n.forget(name, network) // last: the manager may die on the way
	open := n.open[network]
	switch {
	case open == nil:
		return nil
	case n.used(network):
		return open.Leave(name)
	}
	return n.remove(network)
}

// resume makes known what is there: members that run, and networks that nobody is on any more, which are removed.
func (n *networks) resume(running, unused []joining) (members []netns.Member, err error) {
	n.work.Lock()
	defer n.work.Unlock()
	byNetwork := map[string][]netns.Joining{}
	for i := range running {
		j := &running[i]
		if !n.stays(j) { // its run was over before we came to it, and to a network that was not known yet
			unused = append(unused, *j)
			continue
		}
		byNetwork[j.definition.Name] = append(byNetwork[j.definition.Name], netns.Joining{Member: j.member})
		if _, e := n.network(j); e != nil {
			err = errors.Join(err, e)
		}
	}
	for name, all := range byNetwork {
		if network := n.open[name]; network != nil {
			joined, e := network.Join(all...)
			members, err = append(members, joined...), errors.Join(err, e)
			n.holdSockets(network)
		}
	}
	for i := range unused {
		d := &unused[i].definition
		if n.open[d.Name] == nil && byNetwork[d.Name] == nil && (netns.Host{}).Has(d.Bridge) {
			if _, e := n.network(&unused[i]); e == nil {
				err = errors.Join(err, n.remove(d.Name))
			}
		}
		if name := unused[i].member.Name; !n.on(name, d.Name) {
			n.forget(name, d.Name)
		}
	}
	for name, sockets := range n.held { // of networks that are no more
		n.drop(name)
		for _, f := range sockets {
			f.Close()
		}
	}
	n.held = nil
	return members, err
}

// stays says whether a run that was there is still on its network, or lives on by itself on it.
func (n *networks) stays(j *joining) bool {
	_, alone := n.is(j.member.Name + released)
	return alone || n.still(j)
}

// still says whether it is that run which is on a network or is to be.
func (n *networks) still(j *joining) bool {
	w, ok := n.is(j.member.Name)
	return ok && w.run == j.run
}

// on says whether any run of a component is on a network or is to be.
func (n *networks) on(name, network string) bool {
	w, ok := n.is(name)
	return ok && w.network == network
}

// close ends what this process does for networks; they stay.
func (n *networks) close() {
	n.work.Lock()
	defer n.work.Unlock()
	for _, network := range n.open {
		network.Close()
	}
}
