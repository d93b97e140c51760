package keeper

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
)

// held is what must survive the manager: descriptors under their tags.
type held map[Tag]int

// hold takes the descriptors of a message. A tag that is in use is replaced; a descriptor without a tag is closed.
func (h held) hold(m Message) {
	for i, fd := range m.Files {
		if i >= len(m.Tags) {
			unix.Close(fd)
			continue
		}
		if old, ok := h[m.Tags[i]]; ok {
			unix.Close(old)
		}
		h[m.Tags[i]] = fd
		if m.Tags[i].Use.output() {
			unix.SetNonblock(fd, true) // of the pipe's reading end, which is ours and the manager's
		}
	}
}

// output says whether a use is something that is read for the log.
func (u Use) output() bool { return u == Output || u == Errand }

// discard makes room in the log pipes that are half full, and says how much it has read for that: what fits a pipe waits there for
// the next manager.
func (h held) discard() uint64 {
	var buf [16 << 10]byte
	total := uint64(0)
	for tag, fd := range h {
		for tag.Use.output() && poll.Crowded(fd) {
			n, err := unix.Read(fd, buf[:])
			if n <= 0 || err != nil {
				break
			}
			total += uint64(n)
		}
	}
	return total
}

// drop closes the descriptors of these tags.
func (h held) drop(tags []Tag) {
	for _, t := range tags {
		if fd, ok := h[t]; ok {
			unix.Close(fd)
			delete(h, t)
		}
	}
}

// send hands everything to a new manager, many at a time, and tells where the end is. The order has no meaning:
// the tags do.
func (h held) send(l *Link) error {
	m := Message{Kind: Held}
	for t, fd := range h {
		m.Tags, m.Files = append(m.Tags, t), append(m.Files, fd)
		if len(m.Tags) < MaxTags {
			continue
		}
		if err := l.Send(m); err != nil {
			return err
		}
		m.Tags, m.Files = m.Tags[:0], m.Files[:0]
	}
	if len(m.Tags) > 0 {
		if err := l.Send(m); err != nil {
			return err
		}
	}
	return l.Send(Message{Kind: HeldEnd})
}
