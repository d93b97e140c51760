package manager

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/targets"
)

// TestStaleMarkIsKept: until the end of a run has been stored the next manager takes it for one that starts, and must not take a file from
// before it for its own.
func TestStaleMarkIsKept(t *testing.T) {
	t.Parallel()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(pair[:])
	m, other := &Manager{link: keeper.NewLink(pair[0]), paths: &ready.Paths{}}, keeper.NewLink(pair[1])
	u := newUnit(0, &targets.Component{Name: "a"})
	u.run, u.path = 3, &ready.Path{Stale: ready.Mark{Ino: 1}}
	m.unwatch(u)
	if msg, err := other.Receive(false); err != unix.EAGAIN {
		t.Errorf("%+v %v", msg, err)
	}
	for _, f := range m.stored {
		f()
	}
	if msg, err := other.Receive(false); err != nil || msg.Kind != keeper.Drop || msg.Tags[0] != u.tag(keeper.Stale) {
		t.Errorf("%+v %v", msg, err)
	}
}
