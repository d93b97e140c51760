package manager

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/runtime"
)

// enable has the groups have controllers. Where processes stand in the way they are moved if they are Orderly's own.
func (m *Manager) enable(controllers []string) error {
	err := m.tree.Enable(controllers)
	if errors.Is(err, cgroups.ErrCrowded) {
		if cause := m.tree.Vacate(m.ours); cause != nil {
			err = errors.Join(err, cause)
		} else {
			err = m.tree.Enable(controllers)
		}
	}
	for _, c := range controllers {
		if m.tree.Passes(c) {
			m.notes = slices.DeleteFunc(m.notes, func(n string) bool { return strings.HasPrefix(n, lacking+c+":") })
		}
	}
	if err != nil {
		m.noteOnce(resourcesStep + ": " + inOneLine(err))
	}
	return err
}

// lacking begins the note about a controller that cannot be had.
const lacking = resourcesStep + ": controller "

func (m *Manager) noteOnce(text string) {
	if !slices.Contains(m.notes, text) {
		m.notes = append(m.notes, text)
	}
}

// ours says whether a process is the keeper, this manager, or one that the keeper has begun or inherited. In a container of which
// Orderly is PID 1 everybody is.
func (m *Manager) ours(pid int) bool {
	keeper := os.Getppid()
	for n := 0; pid > 1 && n < 64; n++ { // a process that is being replaced may seem to have no end of parents
		if pid == keeper {
			return true
		}
		pid = runtime.Parent(pid)
	}
	return m.PID1
}

// prepareControllers turns on what the configuration needs before the first start: then all is counted from the beginning. What
// cannot be had is a note now, and later a failed start of who needs it.
func (m *Manager) prepareControllers() {
	if m.tree == nil {
		return
	}
	var all []string
	for i := range m.config.Components {
		r := &m.config.Components[i].Resources
		if !r.Written() {
			continue
		}
		limits, _ := limitsOf(r)
		all = append(all, limits.Controllers()...)
		if len(r.IOMax) > 0 {
			all = append(all, "io") // its disk may come with a kernel module
		}
	}
	slices.Sort(all)
	_ = m.enable(slices.Compact(all))
}
