package netns

import (
	"math"

	"github.com/vishvananda/netlink"
)

// shape limits what leaves a link, by a token bucket (tc-tbf(8)): of the host's end that is what the member receives,
// of the member's what it sends. No limit takes away the one that was there.
func shape(k *netlink.Handle, link netlink.Link, rate Rate) error {
	attrs := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	if rate == 0 {
		list, err := whole(func() ([]netlink.Qdisc, error) { return k.QdiscList(link) })
		for _, q := range list {
			if q.Type() == "tbf" {
				return failed("qdisc", link.Attrs().Name, k.QdiscDel(q))
			}
		}
		return err
	}
	return failed("qdisc", link.Attrs().Name, k.QdiscReplace(bucket(attrs, rate)), "sch_tbf")
}

// bucket holds what 10 ms bring, which is more than a tick of any kernel, and at least some packets; behind it waits
// what 50 ms bring.
func bucket(attrs netlink.QdiscAttrs, rate Rate) *netlink.Tbf {
	burst := clamp(uint64(rate)/100, 16<<10, 4<<20)
	return &netlink.Tbf{
		QdiscAttrs: attrs, Rate: uint64(rate), Buffer: netlink.Xmittime(uint64(rate), burst),
		Limit: burst + clamp(uint64(rate)/20, 64<<10, math.MaxInt32),
	}
}

func clamp(n, low, high uint64) uint32 { return uint32(min(max(n, low), high)) }
