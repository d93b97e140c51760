package manager

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/poll"
)

// A 32-bit kernel stops with a BUG (throtl_trim_slice in block/blk-throttle.c, seen on Linux 6.1 for armv7) when a write is held back
// by io.max in its first five minutes: its clock of jiffies begins 300 s before it turns over (INITIAL_JIFFIES in linux/jiffies.h),
// and the groups above, whose slices of time begin at 0, seem to be ahead of it. So the line is written only after that.
const jiffiesTurn = 305 * time.Second

// limitsWaiting is what status says until then.
const limitsWaiting = "io_max waits until 305s after boot: a 32-bit kernel would stop at it"

// limitsNow are the limits of a component that can be set now.
func (m *Manager) limitsNow(u *unit) (cgroups.Limits, error) {
	limits, err := limitsOf(&u.def.Resources)
	u.meter.waits = ""
	u.meter.turn.callOff()
	if wait := jiffiesTurn - poll.Now(); wait > 0 && len(limits.IOMax) > 0 && narrowKernel() {
		limits.IOMax, u.meter.waits = nil, limitsWaiting
		u.meter.turn = m.in(wait, func() { m.relimit(u) })
	}
	return limits, err
}

// narrowKernel says whether the kernel is a 32-bit one, whatever this program is (uname(2)).
func narrowKernel() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	return isNarrow(unix.ByteSliceToString(u.Machine[:]))
}

// isNarrow: a 64-bit kernel calls itself aarch64, or armv8l to a 32-bit program.
func isNarrow(machine string) bool {
	return strings.HasPrefix(machine, "arm") && !strings.HasPrefix(machine, "armv8") || len(machine) == 4 && machine[0] == 'i' && machine[2:] == "86"
}
