package netns

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

func TestLimitsOfBandwidthHold(t *testing.T) {
	l := newLab(t)
	n := l.open(cars())
	const rate = 2 << 20 // bytes per second
	g := l.join(n, Member{Name: "free"}, Member{Name: "slow", Receive: rate, Send: rate})
	free, slow := g[0], g[1]
	for _, tt := range []struct {
		name     string
		from, to guest
	}{{"send", slow, free}, {"receive", free, slow}} {
		if got := l.least(tt.from, tt.to, rate/4, rate*3/2); got < rate/2 || got > rate*3/2 {
			t.Errorf("%s: %.1f MiB/s, with a limit of %d", tt.name, got/(1<<20), rate>>20)
		}
	}
	// without its own queue it still cannot send more than a little beyond
	err := Inside(slow.ns, func() error {
		return withLinks(func(k *netlink.Handle) error {
			link, err := k.LinkByName(memberEnd)
			if err != nil {
				return err
			}
			return shape(k, link, 0)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.least(slow, free, 2*rate, rate*3/2); got > rate*3/2 {
		t.Errorf("without its queue: %.1f MiB/s, with a limit of %d", got/(1<<20), rate>>20)
	}
	slow.Send, slow.Receive = 0, 0
	if _, err := n.Join(Joining{slow.Member, slow.ns}); err != nil {
		t.Fatal(err)
	}
	if got := l.throughput(slow, free, rate, 200*time.Millisecond); got < 4*rate {
		t.Errorf("limit lifted: %.1f MiB/s", got/(1<<20))
	}
}

// least is the least of three throughputs, or one that is not above a limit: a receiver that a busy machine lets wait reads more than
// comes in that time.
func (l *lab) least(from, to guest, first int64, limit float64) float64 {
	l.Helper()
	least := l.throughput(from, to, first, time.Second)
	for range 2 {
		if least <= limit {
			break
		}
		least = min(least, l.throughput(from, to, first, time.Second))
	}
	return least
}

// throughput is the bytes per second that arrive by TCP, after the first ones, which the buckets held.
func (l *lab) throughput(from, to guest, first int64, during time.Duration) float64 {
	l.Helper()
	var listener net.Listener
	err := Inside(to.ns, func() (err error) {
		listener, err = net.Listen("tcp", to.at(0, "0"))
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	defer listener.Close()
	end := time.Now().Add(patience + during)
	listener.(*net.TCPListener).SetDeadline(end)
	go func() {
		var c net.Conn
		err := Inside(from.ns, func() (err error) {
			c, err = net.DialTimeout("tcp", listener.Addr().String(), patience)
			return err
		})
		if err != nil {
			listener.Close()
			return
		}
		defer c.Close()
		buf := make([]byte, 64<<10)
		for err == nil {
			_, err = c.Write(buf)
		}
	}()
	c, err := listener.Accept()
	if err != nil {
		l.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(end)
	buf := make([]byte, 64<<10)
	if _, err := io.CopyN(io.Discard, c, first); err != nil {
		l.Fatal(err)
	}
	begin, total := time.Now(), 0
	for time.Since(begin) < during {
		n, err := c.Read(buf)
		if err != nil {
			l.Fatal(err)
		}
		total += n
	}
	return float64(total) / time.Since(begin).Seconds()
}
