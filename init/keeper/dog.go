package keeper

import (
	"fmt"
	"strings"
	"time"

	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/init/watchdog"
)

// dog feeds the hardware watchdog, on evidence: each time it feeds it asks the manager's loop for a sign, and feeds the next time
// if that has come and the manager does not say that the machine is ill. This is the one ping that there is, and it
// costs one wake-up of an idle machine per interval. The zero value has no device.
type dog struct {
	open   func(path string) (*watchdog.Device, error)
	device *watchdog.Device

	interval time.Duration
	disarm   bool          // before reboot and kexec too
	next     time.Duration // when it is looked at again
	beat     uint64        // the manager's when it was asked
	asked    bool
	late     bool          // the manager has not answered in an interval
	answered time.Duration // when it last had
	began    time.Duration // the newest manager
	hungry   bool          // not fed the last time
}

// The bounds within which a machine without a manager is fed: while a new one comes up, and not for ever (R19).
const (
	startGrace = 10 * time.Second // of one manager, until its loop goes round
	awayGrace  = 30 * time.Second // of all of them since the last sign of one
)

// manager notes that a new one was started.
func (d *dog) manager(now time.Duration) {
	d.began, d.asked, d.late, d.next = now, false, false, now
	if d.answered == 0 {
		d.answered = now
	}
}

// The bits of a WatchState.
const (
	WatchFed   uint64 = 1 << iota // there is one, and it is fed
	WatchWrong                    // it is not as it was asked for
	WatchReset                    // it was what last reset the machine
)

// WatchValue packs what Watch says besides the path: both times, in milliseconds, and whether the watchdog is disarmed at
// every end.
func WatchValue(timeout, interval time.Duration, disarm bool) uint64 {
	v := uint64(timeout.Milliseconds())<<31 | uint64(interval.Milliseconds())&(1<<30-1)<<1
	if disarm {
		v |= 1
	}
	return v
}

func watchTimes(v uint64) (timeout, interval time.Duration, disarm bool) {
	return time.Duration(v>>31) * time.Millisecond, time.Duration(v>>1&(1<<30-1)) * time.Millisecond, v&1 == 1
}

// patience is how long a manager may owe an answer: with a short time-out it is replaced before the machine is reset.
func (d *dog) patience() time.Duration {
	if d.device == nil {
		return patience
	}
	return min(patience, max(d.device.Timeout/4, time.Second))
}

// look says, when it is time, whether to feed.
func (d *dog) look(now time.Duration, beat uint64, ill bool) (feed bool) {
	answer := d.asked && beat != d.beat
	switch {
	case answer:
		d.answered, d.late = now, false
	case d.asked:
		d.late = true
	}
	grace := now-d.began < startGrace && now-d.answered < awayGrace
	d.asked, d.beat, d.next = true, beat, now+d.interval
	return !ill && (answer || grace)
}

// tend feeds the watchdog when it is time, and asks the manager for the sign that the next feeding needs.
func (k *Keeper) tend() {
	d, now := &k.dog, poll.Now()
	if d.device == nil || now < d.next {
		return
	}
	ring := k.reaper.ring
	feed := d.look(now, ring.Beat(), ring.Ill())
	if feed {
		if err := d.device.Feed(); err != nil {
			k.say("watchdog: %v", err)
		}
	} else if !d.hungry {
		k.say("watchdog: not fed: the manager %s", map[bool]string{true: "forbids it", false: "does not answer"}[ring.Ill()])
	}
	d.hungry = !feed
	poll.Bump(k.wake)
}

// watchdog does what the manager's Watch says, and answers how the watchdog is.
func (k *Keeper) watchdog(m Message) {
	timeout, interval, disarm := watchTimes(m.Value)
	k.dog.disarm = disarm
	text := k.dog.watch(m.Text, timeout, interval, poll.Now())
	k.tell(Message{Kind: Watchdog, Value: k.dog.state(m.Text, timeout), Text: strings.TrimPrefix(text, "watchdog: ")})
}

// watch makes the watchdog of a path the one that is fed, or none. Times of 0 are those that it has. It returns how that ended.
func (d *dog) watch(path string, timeout, interval, now time.Duration) string {
	if d.device != nil && !watchdog.Same(path, d.device.Path) {
		if text := d.leave(); text != "" {
			return text
		}
	}
	if path == "" {
		return "watchdog: none"
	}
	if d.device == nil {
		device, err := d.open(path)
		if err != nil {
			return fmt.Sprintf("watchdog: %v", err)
		}
		d.device = device
	}
	return d.set(timeout, interval, now)
}

// set gives the device its times.
func (d *dog) set(timeout, interval, now time.Duration) string {
	var remarks []string
	if timeout > 0 {
		if err := d.device.SetTimeout(timeout); err != nil {
			remarks = append(remarks, err.Error())
		} else if d.device.Timeout != timeout {
			remarks = append(remarks, "asked for "+timeout.String())
		}
	}
	d.interval, d.next = interval, now
	if most := max(d.device.Timeout/3, time.Second/3); interval == 0 || interval > d.device.Timeout/2 && d.device.Timeout != timeout {
		d.interval = most
	}
	if d.device.NoWayOut {
		remarks = append(remarks, "nowayout: it cannot be disarmed")
	}
	text := fmt.Sprintf("watchdog: %s (%s) resets after %v, fed every %v", d.device.Path, d.device.Identity, d.device.Timeout, d.interval)
	return strings.Join(append([]string{text}, remarks...), "; ")
}

// leave gives up the device. One that cannot be disarmed stays fed, and that is what it returns.
func (d *dog) leave() string {
	if d.device.NoWayOut {
		return fmt.Sprintf("watchdog: %s cannot be disarmed (nowayout): it is fed on", d.device.Path)
	}
	err := d.device.Disarm()
	d.device = nil
	if err != nil {
		return fmt.Sprintf("watchdog: %v", err)
	}
	return ""
}

// state is the WatchState after a Watch.
func (d *dog) state(path string, timeout time.Duration) uint64 {
	if d.device == nil {
		if path == "" {
			return 0
		}
		return WatchWrong
	}
	state := WatchFed
	if d.device.Timeout != timeout || d.device.NoWayOut || path == "" || !watchdog.Same(path, d.device.Path) {
		state |= WatchWrong
	}
	if d.device.Reset {
		state |= WatchReset
	}
	return state
}

// farewellLimit is how long the last moments are fed: the sum of the limits of package boot, and some more. What hangs longer
// is ended by the watchdog.
const farewellLimit = 90 * time.Second

// farewell feeds on while the machine goes down, beside that; the function that it returns ends this, with the watchdog fed once
// more or disarmed.
func (d *dog) farewell() (last func(disarm bool)) {
	device := d.device
	if device == nil {
		return func(bool) {}
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick, limit := time.NewTicker(d.interval), time.NewTimer(farewellLimit)
		defer tick.Stop()
		defer limit.Stop()
		for {
			device.Feed() // there is nobody left to tell
			select {
			case <-tick.C:
			case <-limit.C:
				return
			case <-over:
				return
			}
		}
	}()
	return func(disarm bool) {
		close(over)
		<-done
		if disarm {
			device.Disarm()
			return
		}
		device.Feed()
	}
}
