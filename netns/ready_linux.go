package netns

import (
	"os"
	"time"

	"github.com/vishvananda/netlink"
)

// readyTime bounds the wait for links, readyStep is between two looks.
const (
	readyTime = 1200 * time.Millisecond
	readyStep = 200 * time.Microsecond
)

// awaitLinks waits until both ends of a member's pair and the bridge carry packets. The kernel tells them of each
// other a moment after they are up (net/core/link_watch.c), and what a member sends before is lost: it would try
// again after a second. It is a second where both ends happen to have the same number. A kernel that takes longer does no more harm than that.
func (h Host) awaitLinks(d *Definition, m *Member, namespace *os.File) error {
	until := time.Now().Add(readyTime)
	err := Inside(namespace, func() error { return withLinks(func(k *netlink.Handle) error { return await(k, until, memberEnd) }) })
	if err != nil {
		return err
	}
	return h.links(func(k *netlink.Handle) error { return await(k, until, hostEnd(d.Name, m.Name), d.Bridge) })
}

func await(k *netlink.Handle, until time.Time, names ...string) error {
	for _, name := range names {
		for {
			link, err := k.LinkByName(name)
			if err != nil {
				return failed("link", name, err)
			}
			if link.Attrs().OperState == netlink.OperUp || time.Now().After(until) {
				break
			}
			time.Sleep(readyStep)
		}
	}
	return nil
}
