package netns

import (
	"errors"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestErrorsNameStepObjectAndModule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{failed("bridge", "cars0", unix.EOPNOTSUPP, "bridge"), "bridge cars0: operation not supported (module bridge?)"},
		{failed("rules", "orderly-cars", unix.ENOENT, "nft_ct", "nft_limit"), "rules orderly-cars: no such file or directory (module nft_ct, nft_limit?)"},
		{failed("bridge", "cars0", unix.EPERM, "bridge"), "bridge cars0: operation not permitted"},
	} {
		if tt.err.Error() != tt.want {
			t.Errorf("%v; want %s", tt.err, tt.want)
		}
	}
	if !errors.Is(failed("x", "y", unix.EPERM), unix.EPERM) || failed("x", "y", nil) != nil {
		t.Error("the error itself is lost")
	}
}

// TestListsAreRepeated: one that was cut short is asked for again, but not for ever.
func TestListsAreRepeated(t *testing.T) {
	t.Parallel()
	calls := 0
	got, err := whole(func() (int, error) {
		if calls++; calls < 3 {
			return 0, netlink.ErrDumpInterrupted
		}
		return 7, nil
	})
	if got != 7 || err != nil || calls != 3 {
		t.Error(got, err, calls)
	}
	calls = 0
	if _, err = whole(func() (int, error) { calls++; return 0, netlink.ErrDumpInterrupted }); err == nil || calls > 10 {
		t.Error(err, calls)
	}
}

// TestANamespaceLivesByItsDescriptor: nothing else holds it, and the process stays where it is.
func TestANamespaceLivesByItsDescriptor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: network namespaces are made")
	}
	own := inode(t, "/proc/self/ns/net")
	ns := newNamespace(t)
	var names []string
	err := Inside(ns, func() error {
		if inode(t, "/proc/thread-self/ns/net") == own {
			t.Error("not inside")
		}
		return withLinks(func(k *netlink.Handle) error {
			links, err := whole(k.LinkList)
			for _, l := range links {
				names = append(names, l.Attrs().Name+" "+l.Attrs().Flags.String())
			}
			return err
		})
	})
	if err != nil || len(names) == 0 || names[0] != "lo up|loopback|running" {
		t.Error(names, err)
	}
	if inode(t, "/proc/self/ns/net") != own {
		t.Error("the process has moved")
	}
}
