package manager

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// condition is one start condition of a component that is asked for.
type condition struct {
	*targets.StartCondition
	unit     *unit
	ask      uint32
	nth      int
	told     bool          // that it holds, or nobody wants to know any more
	path     *ready.Path   // being waited for
	links    int           // netlink socket, -1 is none
	next     *chore        // the next look
	interval time.Duration // until the one after that
}

// awaitConditions carries out an Await: each condition is looked at, and waited for where it has a time-out.
func (m *Manager) awaitConditions(e supervisor.Await) {
	u := m.units[e.Component]
	m.forgetConditions(u)
	for _, i := range e.Conditions {
		c := &condition{StartCondition: &u.def.StartConditions[i], unit: u, ask: e.Ask, nth: i, links: -1, interval: firstProbe}
		u.conditions = append(u.conditions, c)
		if c.Kind == targets.TestCommand {
			m.runCondition(c)
			continue
		}
		m.seek(c)
	}
}

// forgetConditions ends every wait for start conditions of a component.
func (m *Manager) forgetConditions(u *unit) {
	for _, c := range u.conditions {
		m.leaveCondition(c)
	}
	if len(u.conditions) > 0 {
		m.dismiss(u)
	}
	u.conditions = nil
}

func (m *Manager) leaveCondition(c *condition) {
	c.told = true
	c.next.callOff()
	if c.path != nil {
		m.paths.Remove(c.path)
		c.path = nil
	}
	if c.links >= 0 {
		m.loop.Remove(c.links)
		unix.Close(c.links)
		c.links = -1
	}
}

// tested tells the machine how a condition is.
func (m *Manager) tested(c *condition, holds bool, why string) {
	if c.told {
		return
	}
	m.post(supervisor.Tested{Component: c.unit.number, Ask: c.ask, Condition: c.nth, Holds: holds, Why: why})
	if holds {
		m.leaveCondition(c)
	}
}

// watchCondition has a condition looked at when the kernel tells of a change, or where it tells none, at intervals.
func (m *Manager) watchCondition(c *condition, silent bool) {
	hold := func() { m.tested(c, true, "") }
	switch c.Kind {
	case targets.TestInterface:
		if fd, err := ready.WatchLinks(); err == nil {
			c.links = fd
			m.loop.Add(fd, func() {
				ready.DrainLinks(fd)
				m.lookAgain(c)
			})
			m.lookAgain(c) // it may have come before the watch
			return
		}
	case targets.TestFile, targets.TestAbsent, targets.TestDevice, targets.TestGlob:
		dir := filepath.Dir(c.Subject)
		if c.Kind == targets.TestGlob && strings.ContainsAny(dir, "*?[\\") || silent {
			break
		}
		c.path = &ready.Path{Name: c.Subject, Holds: hold, Test: func() bool { yes, _ := look(c.StartCondition); return yes }}
		if m.paths.Add(c.path) == nil {
			return
		}
		c.path = nil
	case targets.TestEnv, targets.TestKernelArg, targets.TestExit, targets.TestCommand, targets.TestRaised:
		return
	}
	m.seekAgain(c)
}

// lookAgain looks at what cannot hang.
func (m *Manager) lookAgain(c *condition) {
	if c.told {
		return
	}
	if holds, _ := look(c.StartCondition); holds {
		m.tested(c, true, "")
	}
}

// repeat has something done after the interval, which doubles up to poll_interval.
func (m *Manager) repeat(c *condition, do func()) {
	c.next = m.in(c.interval, do)
	c.interval = longer(c.interval, c.PollInterval)
}

// runCondition runs the command of a condition, again and again where it has a time-out.
func (m *Manager) runCondition(c *condition) {
	if c.told {
		return
	}
	again := func() { m.repeat(c, func() { m.runCondition(c) }) }
	ran := m.inquire(c.unit, c.Command, c.ProbeTimeout, func(holds bool, why string) {
		m.tested(c, holds, why)
		if !holds && c.Timeout > 0 && !c.told {
			again()
		}
	})
	if !ran { // another one of the component runs
		again()
	}
}

// look says how a condition is now, and where it does not hold, why.
func look(c *targets.StartCondition) (holds bool, why string) {
	switch c.Kind {
	case targets.TestFile:
		return there(unix.Access(c.Subject, unix.F_OK))
	case targets.TestAbsent:
		if err := unix.Access(c.Subject, unix.F_OK); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
			return true, ""
		}
		return false, "exists"
	case targets.TestGlob:
		if found, _ := filepath.Glob(c.Subject); len(found) == 0 {
			return false, "nothing matches"
		}
		return true, ""
	case targets.TestDevice:
		return lookAtDevice(c.Subject)
	case targets.TestInterface:
		return lookAtInterface(c.Subject)
	case targets.TestEnv:
		return lookAtVariable(c.Subject)
	case targets.TestKernelArg:
		if boot.HasArgument(c.Subject) {
			return true, ""
		}
		return false, "is not on the kernel command line"
	case targets.TestCommand, targets.TestExit, targets.TestRaised: // not to be looked at
	}
	return false, ""
}

func there(err error) (bool, string) {
	switch {
	case err == nil:
		return true, ""
	case errors.Is(err, unix.ENOENT):
		return false, "does not exist"
	}
	return false, err.Error()
}

func lookAtDevice(path string) (bool, string) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return there(err)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFBLK && kind != unix.S_IFCHR {
		return false, "is not a device"
	}
	return true, ""
}

func lookAtInterface(name string) (bool, string) {
	up, err := ready.LinkUp(name)
	switch {
	case up:
		return true, ""
	case errors.Is(err, unix.ENODEV):
		return false, "does not exist"
	case err != nil:
		return false, err.Error()
	}
	return false, "is not up"
}

func lookAtVariable(want string) (bool, string) {
	name, value, valued := strings.Cut(want, "=")
	switch is, set := os.LookupEnv(name); {
	case !set:
		return false, "is not set"
	case valued && is != value:
		return false, "has another value"
	}
	return true, ""
}
