package boot

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// detachAll takes apart what is built on disks. File systems, swap files, loop devices and device-mapper lie on each
// other in any order, so all are tried in turn for as long as that leads anywhere.
func (d *down) detachAll() {
	const patience = 5 // rounds without success: a process that was killed lets go of its files a little later
	end := time.Now().Add(unmountLimit)
	for calm, before := 0, -1; calm < patience && time.Now().Before(end); {
		left := d.detach(end)
		switch {
		case left == 0:
			return
		case before < 0 || left < before:
			calm = 0
		default:
			calm++
			time.Sleep(10 * look)
		}
		before = left
	}
}

// detach tries everything once, and returns how much is left.
func (d *down) detach(end time.Time) int {
	for _, m := range unmountOrder(readMounts()) {
		if !m.stays() && !d.hung[m.point] && time.Now().Before(end) {
			d.unmount(m)
		}
	}
	left := 0
	for _, l := range d.layers {
		for _, name := range l.list() {
			bounded(min(oneLimit, time.Until(end)), func() error { return l.free(name) })
		}
		left += len(l.list())
	}
	return left + len(d.mountsLeft())
}

// mountsLeft are those that should be gone and are not, in the order in which they could go.
func (d *down) mountsLeft() []mounting {
	return slices.DeleteFunc(unmountOrder(readMounts()), func(m mounting) bool { return m.stays() || d.hung[m.point] })
}

// unmount takes a mount away. One whose file system does not answer is taken out of the tree, and not asked again.
func (d *down) unmount(m mounting) {
	err := bounded(oneLimit, func() error { return unix.Unmount(m.point, unix.UMOUNT_NOFOLLOW) })
	if errors.Is(err, errHangs) {
		d.say("unmount %s: %v", m.point, err)
		d.hung[m.point] = true
		bounded(time.Second, func() error { return unix.Unmount(m.point, unix.MNT_FORCE|unix.MNT_DETACH) })
	}
}

// readOnly makes read-only what could not be unmounted, and the root: its file system is then clean.
func (d *down) readOnly() {
	if len(d.writable(d.tryReadOnly)) == 0 {
		return
	}
	// a file that is open though it was replaced, such as our own binary after an upgrade, keeps a file system
	// writable; the kernel has a key that does not ask (sysrq.rst)
	if d.key("u") == nil {
		for end := time.Now().Add(readOnlyLimit); len(d.writable(nil)) > 0 && time.Now().Before(end); {
			time.Sleep(look)
		}
	}
	for _, m := range d.writable(nil) {
		d.say("%s is left writable", m.point)
		if m.point != "/" {
			bounded(time.Second, func() error { return unix.Unmount(m.point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) })
		}
	}
}

// writable are the mounts of lasting file systems that can be written to, after trying to change that.
func (d *down) writable(try func(mounting)) []mounting {
	lasting := func() []mounting {
		return slices.DeleteFunc(unmountOrder(readMounts()), func(m mounting) bool {
			return m.readOnly || volatile(m.kind) || d.hung[m.point]
		})
	}
	if try != nil {
		for _, m := range lasting() {
			try(m)
		}
	}
	return lasting()
}

func (d *down) tryReadOnly(m mounting) {
	err := bounded(readOnlyLimit, func() error {
		return unix.Mount("", m.point, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	})
	if errors.Is(err, errHangs) {
		d.hung[m.point] = true
	}
	if err != nil {
		d.say("remount %s read-only: %v", m.point, err)
	}
}
