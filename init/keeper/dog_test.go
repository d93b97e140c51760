package keeper

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderly-init/orderly/init/watchdog"
)

// TestDogLooks: what happens to a watchdog that is looked at every two seconds.
func TestDogLooks(t *testing.T) {
	t.Parallel()
	const every = 2 * time.Second
	for _, row := range []struct {
		name string
		life string // at each look: b the manager's loop went round, - not, i it did and the machine is ill, m a new manager came
		fed  string // + fed, - not, L not and the manager is late
	}{
		{"all is well", "bbbbbbbb", "++++++++"},
		{"ill, and well again", "bbbbbbiibb", "++++++--++"},
		{"no evidence after the grace", "bbbbbb---b", "++++++LLL+"},
		{"a manager that comes up slowly", "bbbbbbm--b", "++++++++++"},
		{"managers that never answer", "m----m----m----m----m----", "+++++++++++++++-LLLL-LLLL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := dog{interval: every}
			var got strings.Builder
			now, beat := time.Second, uint64(0)
			d.manager(now)
			for _, what := range row.life {
				switch what {
				case 'b', 'i':
					beat++
				case 'm':
					d.manager(now)
				}
				fed := d.look(now, beat, what == 'i')
				got.WriteString(map[bool]string{true: "+", false: map[bool]string{true: "L", false: "-"}[d.late]}[fed])
				now += every
			}
			if got.String() != row.fed {
				t.Errorf("%s\n%s, want\n%s", row.life, got.String(), row.fed)
			}
		})
	}
}

// TestWatch: what is said of a watchdog that is asked for, and what becomes of one that is given up.
func TestWatch(t *testing.T) {
	t.Parallel()
	d := dog{open: func(path string) (*watchdog.Device, error) {
		return nil, fmt.Errorf("open %s: %w", path, errors.ErrUnsupported)
	}}
	if text := d.watch("/dev/none", 10*time.Second, time.Second, 0); text != "watchdog: open /dev/none: unsupported operation" {
		t.Error(text)
	}
	if state := d.state("/dev/none", 10*time.Second); state != WatchWrong {
		t.Errorf("state %b", state)
	}
	if text := d.watch("", 0, 0, 0); text != "watchdog: none" || d.state("", 0) != 0 {
		t.Error(text)
	}
	fixed := dog{device: &watchdog.Device{Path: "/dev/fixed", NoWayOut: true, Timeout: time.Minute}}
	if text := fixed.watch("", 0, 0, 0); text != "watchdog: /dev/fixed cannot be disarmed (nowayout): it is fed on" {
		t.Error(text)
	}
	if state := fixed.state("", 0); state != WatchFed|WatchWrong || fixed.device == nil {
		t.Errorf("state %b", state)
	}
	for _, v := range []struct {
		timeout, interval time.Duration
		disarm            bool
	}{{24 * time.Hour, 24 * time.Hour, true}, {time.Second, 100 * time.Millisecond, false}, {}} {
		timeout, interval, disarm := watchTimes(WatchValue(v.timeout, v.interval, v.disarm))
		if timeout != v.timeout || interval != v.interval || disarm != v.disarm {
			t.Errorf("%v became %v, %v, %v", v, timeout, interval, disarm)
		}
	}
}

// TestText: a message carries words besides tags.
func TestText(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	want := Message{Kind: Watch, Value: 5, Tags: []Tag{{Use: Notify, Name: 1}}, Text: "/dev/watchdog"}
	if err := a.Send(want); err != nil {
		t.Fatal(err)
	}
	got, err := b.Receive(true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
