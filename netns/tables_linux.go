package netns

import (
	"errors"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	rtnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// chain is a chain of a table that is to be, with its rules.
type chain struct {
	name     string
	kind     nftables.ChainType // "" is one that others jump to
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	device   string // of a netdev chain
	rules    []rule
}

func (c *chain) add(parts ...rule) { c.rules = append(c.rules, when(parts...)) }

// refuse lets nothing pass that these parts match, and says so to the sender.
func (c *chain) refuse(parts ...rule) {
	c.add(when(parts...), protocol("tcp", true), reset())
	c.add(when(parts...), unreachable())
}

// ruleset is everything that a network has in nf_tables.
type ruleset struct {
	inet   []chain
	netdev []chain
}

// bufferSize has room for the answers to all of a transaction, which come at once.
const bufferSize = 8 << 20

// transact opens nf_tables, lets f collect changes and makes them in one transaction: all of them or none.
func (h Host) transact(object string, f func(*nftables.Conn) error) error {
	return h.inside(func() error {
		buffers := func(c *netlink.Conn) error {
			return errors.Join(c.SetReadBuffer(bufferSize), c.SetWriteBuffer(bufferSize))
		}
		c, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(buffers))
		if err != nil {
			return failed("open", "nf_tables", plain(err), "nf_tables")
		}
		defer c.CloseLasting()
		if err := f(c); err != nil {
			return err
		}
		return failed("rules", object, plain(c.Flush()), "nft_ct", "nft_chain_nat", "nft_nat", "nft_masq", "nft_fib_inet", "nft_reject_inet", "nft_limit")
	})
}

// plain takes the error number out of what the library says, which repeats it for every message of a transaction.
func plain(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// Modules are the kernel modules that a network may need, where they are not built in; they need others in turn.
func Modules() []string {
	return []string{
		"bridge", "veth", "nf_tables", "nft_ct", "nft_reject_inet", "nft_chain_nat", "nft_nat", "nft_masq", "nft_fib_inet", "nft_limit", "sch_tbf",
	}
}

// replaceRules replaces the tables of a network, at once: no packet meets half of the old rules or none. A member whose
// namespace has ended has no link any more, which may be at any moment: then it is tried again without.
func (h Host) replaceRules(d *Definition, members []Member, addresses lookup) (err error) {
	for range 4 {
		set := rulesOf(d, members, addresses)
		if err = h.withLinksOnly(set); err != nil {
			return err
		}
		if err = h.replaceTables(d, set); !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return err
}

// withLinksOnly leaves out chains of links that are not there.
func (h Host) withLinksOnly(set *ruleset) error {
	return h.links(func(k *rtnetlink.Handle) error {
		set.netdev = slices.DeleteFunc(set.netdev, func(c chain) bool {
			_, err := k.LinkByName(c.device)
			return err != nil
		})
		return nil
	})
}

func (h Host) replaceTables(d *Definition, set *ruleset) error {
	return h.transact(d.table(), func(c *nftables.Conn) error {
		fill(c, &nftables.Table{Name: d.table(), Family: nftables.TableFamilyINet}, set.inet)
		fill(c, &nftables.Table{Name: d.table(), Family: nftables.TableFamilyNetdev}, set.netdev)
		return nil
	})
}

// fill puts a table in the place of the one that may be there. An empty one is not made.
func fill(c *nftables.Conn, table *nftables.Table, chains []chain) {
	c.AddTable(table) // it may be missing, and what is deleted must be there
	c.DelTable(table)
	if len(chains) == 0 {
		return
	}
	c.AddTable(table)
	made := make([]*nftables.Chain, len(chains))
	for i, ch := range chains { // first all of them: rules jump to chains further down
		made[i] = c.AddChain(&nftables.Chain{
			Name: ch.name, Table: table, Type: ch.kind, Hooknum: ch.hook, Priority: ch.priority, Device: ch.device,
		})
	}
	for i, ch := range chains {
		for _, r := range ch.rules {
			c.AddRule(&nftables.Rule{Table: table, Chain: made[i], Exprs: []expr.Any(r)})
		}
	}
}

// removeRules removes the tables of a network.
func (h Host) removeRules(d *Definition) error {
	return h.transact(d.table(), func(c *nftables.Conn) error {
		fill(c, &nftables.Table{Name: d.table(), Family: nftables.TableFamilyINet}, nil)
		fill(c, &nftables.Table{Name: d.table(), Family: nftables.TableFamilyNetdev}, nil)
		return nil
	})
}
