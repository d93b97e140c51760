package manager

import (
	"net/netip"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/netns"
)

// TestNetworkOfWhoLeftBeforeItWasKnown: the last member of a network ends while a new manager takes up what is there, and its end comes first:
// the network goes all the same.
func TestNetworkOfWhoLeftBeforeItWasKnown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: network namespaces")
	}
	runtime.LockOSThread() // which ends with the test: it has a network of its own
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := func() *networks {
		n := newNetworks(dir)
		n.complain, n.hold, n.drop = func(why string) { t.Log(why) }, func(string, []int) {}, func(string) {}
		n.keep, n.forget = func(*joining) error { return nil }, func(string, string) {}
		return n
	}
	web := joining{run: 1, member: netns.Member{Name: "web"}, definition: netns.Definition{
		Name: "cars", Bridge: "br-cars", Subnets: []netns.Subnet{{Prefix: netip.MustParsePrefix("10.20.0.0/24"), Gateway: netip.MustParseAddr("10.20.0.1")}},
	}}
	dead := start()
	if _, err := dead.network(&web); err != nil {
		t.Skip(err)
	}
	dead.close()
	n := start()
	n.want("web", wanted{1, "cars"})
	n.unwant("web")
	if err := n.leave("web", "cars"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.resume([]joining{web}, nil); err != nil {
		t.Fatal(err)
	}
	if (netns.Host{}).Has("br-cars") {
		t.Error("the bridge is left")
	}
}
