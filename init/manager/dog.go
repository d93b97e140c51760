package manager

import (
	"slices"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// dog is what the manager knows of the watchdog. The keeper has it open and feeds it, on two kinds of evidence that
// lie in the ring: the loop goes round, and the machine is not ill.
type dog struct {
	asked bool   // the keeper was told of one
	state uint64 // as the keeper says
	text  string // in words
	ill   string // why it is not fed; "" is that it may be
	said  string // the text that was logged last
	reset bool   // the machine was last reset by it
	up    bool   // the machine has been set up: a device that is not there now is missing
}

// wasReset is what the driver tells (WDIOF_CARDRESET); not every one knows.
const wasReset = "watchdog: the machine was last reset by it"

// guard has the keeper feed the watchdog of the running configuration. Every manager says so: the keeper knows what it
// feeds already. Where Orderly is not PID 1 the machine is somebody else's.
func (m *Manager) guard() {
	w := &m.config.Watchdog
	if !m.PID1 || w.Device == "" && !m.dog.asked {
		return
	}
	m.dog.asked = true
	m.link.Send(keeper.Message{Kind: keeper.Watch, Text: w.Device, Value: keeper.WatchValue(w.Timeout, w.Every(), w.Disarm)})
}

// guardAgain asks once more for a watchdog that could not be had: its driver may have come since.
func (m *Manager) guardAgain() {
	if m.dog.asked && m.dog.state&keeper.WatchFed == 0 {
		m.guard()
	}
}

// watched takes the keeper's answer. A device that is not there yet may come with a kernel module.
func (m *Manager) watched(msg *keeper.Message) {
	m.dog.state, m.dog.text = msg.Value, msg.Text
	level := targets.Info
	if msg.Value&keeper.WatchWrong != 0 {
		level = targets.Warning
	}
	if reset := msg.Value&keeper.WatchReset != 0; reset && !m.dog.reset {
		m.dog.reset = true
		m.system(targets.Warning, wasReset)
	}
	if msg.Text != m.dog.said && (m.dog.up || msg.Value&keeper.WatchFed != 0) {
		m.dog.said = msg.Text
		m.system(level, "watchdog: "+msg.Text)
	}
}

// feel writes down for the keeper whether the watchdog may be fed.
func (m *Manager) feel() {
	ill := m.machine.Ill()
	if ill != m.dog.ill && m.dog.state&keeper.WatchFed != 0 {
		if m.dog.ill = ill; ill != "" {
			m.system(targets.Error, "watchdog: not fed: "+ill)
		} else {
			m.system(targets.Info, "watchdog: fed again")
		}
	}
	m.ring.Feel(ill != "")
}

// notes are what status tells of a watchdog that is not as it should be.
func (d *dog) notes() []string {
	notes := []string{}
	if d.reset {
		notes = append(notes, wasReset)
	}
	if d.state&keeper.WatchWrong != 0 {
		notes = append(notes, "watchdog: not as it was asked for: "+d.text)
	}
	if d.ill != "" && d.state&keeper.WatchFed != 0 {
		notes = append(notes, "watchdog: not fed: "+d.ill)
	}
	return notes
}

// starve is the last resort "watchdog": the machine is ill now, and is reset. Where nothing would do that it is rebooted.
func (m *Manager) starve() {
	if m.dog.state&keeper.WatchFed == 0 {
		m.give(supervisor.Reboot)
		return
	}
	m.system(targets.Error, "the fallback target failed: the watchdog is not fed any more")
}

// critical is the pair that shows that a component counts for the watchdog.
func (m *Manager) critical(u *unit) []control.Pair {
	if !slices.Contains(m.config.Watchdog.Critical, u.name) {
		return nil
	}
	return []control.Pair{{Key: "watchdog", Value: "critical"}}
}
