package supervisor

import "github.com/orderly-init/orderly/targets"

// Named tells that pid_file names a living process of a run: that is the main process from now on, or is when its parent, the present
// one, ends.
type Named struct {
	Component int
	Run       uint32
}

func (Named) event() {}

func (e Named) of() (int, uint32) { return e.Component, e.Run }

// A component with a pid_file may fork into the background: its first process may end well while others of it go on, and the run goes on
// without a main process until the file names one. It is ready when the file does and its readiness condition holds, in either order.
//
//	starting ──Exited 0, not empty──► starting, no main ──Named──► ready
//	                                          └──Emptied──► failed

// Unnamed says whether c is starting and pid_file has not named its main process yet.
func (m *Machine) Unnamed(c int) bool { return m.units[c].state == Starting && m.units[c].unnamed() }

func (u *unit) unnamed() bool { return u.def.PIDFile != "" && !u.named }

// forked says whether the first process has ended as one does that goes on in the background.
func (u *unit) forked() bool {
	return u.unnamed() && u.group && u.exit == (Status{})
}

// processNamed takes what pid_file names as the main process.
func (m *Machine) processNamed(c int) {
	u := &m.units[c]
	if u.state != Starting && u.state != Stopping || u.named || !u.group && !u.main {
		return
	}
	u.named, u.main, u.exited, u.exit = true, true, false, Status{}
	m.changed(c)
	if u.state == Stopping { // it has had the signal with the rest, and its end is told
		m.killAgain(c)
		return
	}
	if u.said || u.def.Ready.When == targets.Forked {
		m.ready(c, Ready)
	}
}
