package manager

import (
	"time"
)

// A group whose last process has ended cannot always be removed at once: the kernel may still hold a dying process of it, or what
// another one has mounted or watches. It is tried again, off the way of everything else, and for a while only.
const (
	firstClean = 20 * time.Millisecond
	mostCleans = 9 // of doubling waits: 10 s in all
)

// clean removes the group of a name that nobody uses, now or later.
func (m *Manager) clean(name string, tries int) {
	if m.inUse(name) {
		return
	}
	err := m.tree.Remove(name)
	switch {
	case err == nil:
	case tries < mostCleans:
		m.in(firstClean<<tries, func() { m.clean(name, tries+1) })
	default:
		m.noteOnce("an empty cgroup stays: " + err.Error())
	}
}

// inUse says whether somebody has, or is just being started into, a group that was to be removed: its component has been launched again,
// something is asked again, or another tool of the same name is run.
func (m *Manager) inUse(name string) bool {
	if u := m.byName[name]; u != nil {
		return u.group != groupGone && u.group != groupDeserted || u.inquiry != nil
	}
	return m.toolRuns(name)
}

// cleanRemoved removes what a dead manager had no time to: the empty groups of components that are not in the configuration any more.
func (m *Manager) cleanRemoved() {
	if m.tree == nil {
		return
	}
	names, _ := m.tree.Names()
	for _, name := range names {
		if yes, err := m.tree.Populated(name); m.byName[name] == nil && !yes && err == nil {
			m.clean(name, 0)
		}
	}
}

// cleanAll removes the tree at the end, when there is nothing else to do. What is left then is left.
func (m *Manager) cleanAll() {
	for tries := range 6 {
		if m.tree.RemoveAll() == nil {
			break
		}
		time.Sleep(firstClean << tries)
	}
	if !m.PID1 {
		_ = m.tree.Return()
	}
}
