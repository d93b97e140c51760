package runtime

import (
	"fmt"
	"strconv"
	"strings"
)

// Host is what a start must know of the kernel and of the calling process. The
// zero value is a kernel of today and a process that ignores no signal.
type Host struct {
	Flavour Flavour
	// Ignored are the signals that the caller ignores. A child would inherit
	// that, so its list sets them to their default.
	Ignored []int
	// OpenFiles is the limit that children get which ask for none.
	OpenFiles Limit
	// LastCapability is the highest that the kernel has; 0: that of Linux 5.9.
	LastCapability int
	// Alone says that the caller is no manager: what it starts is its own child,
	// if it is a child subreaper, and not its parent's.
	Alone bool
	// Admin says that the caller has CAP_SYS_ADMIN in effect.
	Admin bool
	// Landlock is the version that the kernel has; 0: none.
	Landlock int
	// NoKeyrings says that the kernel has none, or none for us.
	NoKeyrings bool
	// Personality is the caller's, see personality(2).
	Personality uintptr
	// TimerSlack is what children get, in nanoseconds; 0: that of the caller's
	// thread. See prctl(2), PR_SET_TIMERSLACK.
	TimerSlack uintptr
}

func (h *Host) lastCapability() int {
	if h.LastCapability == 0 {
		return lastKnown
	}
	return h.LastCapability
}

// Flavour is how a child shares memory with the caller until it executes.
type Flavour int

const (
	// Nested shares it: an intermediate and the child run beside the Go
	// process, no page table is copied. The child is a vfork of the
	// intermediate, so what it does to its address space (oom_score_adj, being
	// killed for want of memory) does not reach the caller. Linux 5.16, since
	// below it a crash of the child takes every sharer along.
	Nested Flavour = iota
	// Cow copies the page tables: slower, for older kernels and where clone3
	// is not permitted. The child enters its cgroup as its first act.
	Cow
)

func (f Flavour) String() string {
	switch f {
	case Nested:
		return "nested"
	case Cow:
		return "cow"
	}
	return "flavour " + strconv.Itoa(int(f))
}

// version is the first two numbers of a kernel release such as "6.1.0-rc2".
func version(release string) (major, minor int, err error) {
	head, rest, _ := strings.Cut(release, ".")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	major, err = strconv.Atoi(head)
	if err == nil {
		minor, err = strconv.Atoi(rest[:digits])
	}
	if err != nil || major < 0 {
		return 0, 0, fmt.Errorf("kernel release %q: not a version", release)
	}
	return major, minor, nil
}
