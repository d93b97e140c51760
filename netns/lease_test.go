package netns

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func none(string) bool { return false }

func noted(t *testing.T, l *leases, name string) []netip.Addr {
	t.Helper()
	all, err := l.lease(name, none)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLeasesStay(t *testing.T) {
	t.Parallel()
	d := cars()
	l, _ := readLeases(nil, d.Subnets)
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("component-%d", i))
	}
	want, seen := map[string]string{}, map[netip.Addr]bool{}
	for _, name := range names {
		for _, a := range noted(t, l, name) {
			if s, ok := d.subnetOf(a); !ok || !usable(s, a) || seen[a] {
				t.Errorf("%s: %s", name, a)
			}
			seen[a] = true
		}
		want[name] = fmt.Sprint(noted(t, l, name))
	}
	again, faults := readLeases(l.text(), d.Subnets)
	if len(faults) > 0 {
		t.Error(faults)
	}
	slices.Reverse(names) // in whatever order they come back
	got := map[string]string{}
	for _, name := range names {
		got[name] = fmt.Sprint(noted(t, again, name))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if again.changed {
		t.Error("what was read and used counts as changed")
	}
}

// TestTheFirstAddressFollowsFromTheName: a machine that forgets everything gives most members the same address again.
func TestTheFirstAddressFollowsFromTheName(t *testing.T) {
	t.Parallel()
	l, _ := readLeases(nil, cars().Subnets)
	want := []netip.Addr{netip.MustParseAddr("10.20.0.82"), netip.MustParseAddr("fd00:20::fd52")}
	if diff := cmp.Diff(want, noted(t, l, "camera"), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestPromisedAddressesAreKept(t *testing.T) {
	t.Parallel()
	d := cars()
	l, _ := readLeases(nil, d.Subnets)
	had := noted(t, l, "camera")[0]
	l.promise("storage", []netip.Addr{had})
	if got := noted(t, l, "storage")[0]; got != had {
		t.Errorf("storage has %s, was promised %s", got, had)
	}
	if got := noted(t, l, "camera")[0]; got == had {
		t.Error("camera has what was promised to storage")
	}
}

func TestLeasesOfThoseWhoAreGoneAreGivenUpLast(t *testing.T) {
	t.Parallel()
	small := []Subnet{{netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.1")}}
	l, _ := readLeases(nil, small)
	for _, name := range []string{"a", "b", "c", "d", "e"} { // 8 less the first, the last and the gateway
		noted(t, l, name)
	}
	if _, err := l.lease("f", func(string) bool { return true }); err == nil || err.Error() != "subnet 10.0.0.0/29: no address is left" {
		t.Error(err)
	}
	had := noted(t, l, "a")[0]
	all, err := l.lease("f", func(name string) bool { return name == "a" })
	if err != nil || all[0] == had || noted(t, l, "a")[0] != had {
		t.Error(all, err)
	}
}

func TestBadLeasesAreLeftOut(t *testing.T) {
	t.Parallel()
	const text = "camera 10.20.0.5\ncamera 10.20.0.6\nother 10.20.0.5\ngate 10.20.0.1\nall 10.20.0.255\nnet 10.20.0.0\n" +
		"elsewhere 10.99.0.1\nnoaddress\nname address\n 10.20.0.7\n\x00 10.20.0.8\nzone fe80::1%eth0\ngood fd00:20::5\n"
	l, faults := readLeases([]byte(text), cars().Subnets)
	want := []string{
		"line 2: a second address of one name", "line 3: an address that another has", "line 4: an address that no member can have",
		"line 5: an address that no member can have", "line 6: an address that no member can have", "line 8: not a name and an address",
		"line 9: not an address", "line 10: not a name and an address",
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("camera 10.20.0.5\ngood fd00:20::5\n", string(l.text())); diff != "" {
		t.Error(diff)
	}
}

// FuzzLeases: whatever the file holds, what was read is sound.
func FuzzLeases(f *testing.F) {
	f.Add([]byte("camera 10.20.0.5\nstorage fd00:20::5\n"))
	f.Add([]byte(strings.Repeat("x 10.20.0.5\n", 100)))
	f.Add([]byte{0xff, ' ', '1'})
	d := cars()
	f.Fuzz(func(t *testing.T, text []byte) {
		l, _ := readLeases(text, d.Subnets)
		seen := map[netip.Addr]bool{}
		for name, all := range l.byName {
			if len(all) > len(d.Subnets) {
				t.Errorf("%q: %v", name, all)
			}
			for _, a := range all {
				if s, ok := d.subnetOf(a); !ok || !usable(s, a) || seen[a] {
					t.Errorf("%q: %s", name, a)
				}
				seen[a] = true
			}
		}
		again, faults := readLeases(l.text(), d.Subnets)
		if len(faults) > 0 || string(again.text()) != string(l.text()) {
			t.Errorf("not read as it was written: %v", faults)
		}
	})
}

// TestLeasesInAnyOrder: members come and go, and no two ever have one address.
func TestLeasesInAnyOrder(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 2))
	subnets := []Subnet{{netip.MustParsePrefix("10.0.0.0/26"), netip.MustParseAddr("10.0.0.62")}}
	l, _ := readLeases(nil, subnets)
	for range 5000 {
		name := fmt.Sprint(dice.IntN(80))
		all, err := l.lease(name, func(n string) bool { return n < "5" })
		if err != nil {
			continue
		}
		if l.byAddr[all[0]] != name || !usable(subnets[0], all[0]) {
			t.Fatalf("%s: %v, which is %s's", name, all, l.byAddr[all[0]])
		}
		if dice.IntN(10) == 0 {
			l, _ = readLeases(l.text(), subnets)
		}
	}
}
