package manager

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/targets"
)

// A file system may hang: that of a server which does not answer, or of a broken disk. Start conditions that concern files are
// therefore looked at off the loop, and one that nobody answers for does not hold.

// seekLimit is how long a look at a file may take until its condition is taken not to hold.
const seekLimit = 2 * time.Second

// maxSeeks bounds the looks of a component that hang at a time: each is a thread.
const maxSeeks = 32

// sight is what a look has shown.
type sight struct {
	holds  bool
	why    string
	silent bool // the kernel does not tell of changes there
}

// seek looks at a condition, and waits for it where it has a time-out.
func (m *Manager) seek(c *condition) {
	c.next = m.in(seekLimit, func() { m.tested(c, false, "the file system does not answer") })
	m.sight(c, func(s sight) {
		c.next.callOff()
		m.tested(c, s.holds, s.why)
		if !s.holds && c.Timeout > 0 {
			m.watchCondition(c, s.silent)
		}
	})
}

// seekAgain looks at a condition after its interval, again and again.
func (m *Manager) seekAgain(c *condition) {
	m.repeat(c, func() {
		m.sight(c, func(s sight) {
			if s.holds {
				m.tested(c, true, "")
				return
			}
			m.seekAgain(c)
		})
	})
}

// sight looks at a condition and tells how it is, now or later, unless nobody wants to know any more.
func (m *Manager) sight(c *condition, tell func(sight)) {
	test, u := c.StartCondition, c.unit
	if !ofFiles(test) {
		holds, why := look(test)
		tell(sight{holds: holds, why: why})
		return
	}
	if u.seeks >= maxSeeks {
		return // seek says so when its limit is over
	}
	u.seeks++
	go func() { // not waited for at the end: it may never come back
		s := sight{silent: ready.Silent(test.Subject)}
		s.holds, s.why = look(test)
		m.loop.Post(func() {
			u.seeks--
			if !c.told {
				tell(s)
			}
		})
	}()
}

func ofFiles(c *targets.StartCondition) bool {
	switch c.Kind {
	case targets.TestFile, targets.TestAbsent, targets.TestDevice, targets.TestGlob:
		return true
	case targets.TestEnv, targets.TestKernelArg, targets.TestExit, targets.TestCommand, targets.TestRaised, targets.TestInterface:
	}
	return false
}

// watchMounts has paths looked at when something is mounted or unmounted, of which inotify tells nothing
// (proc_pid_mounts(5): the file tells of each change by a priority event).
func (m *Manager) watchMounts() {
	fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return // without /proc nothing is mounted by us
	}
	m.loop.AddPriority(fd, m.mounted)
}

// mounted looks at everything that is waited for again: another file system may lie there now.
func (m *Manager) mounted() {
	for _, u := range m.units {
		for _, c := range u.conditions {
			if c.path != nil {
				m.paths.Remove(c.path)
				c.path = nil
				m.seek(c)
			}
		}
	}
	m.paths.Again()
}
