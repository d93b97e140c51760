package manager

import (
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
)

// above tells a service manager above us, where there is one. The keeper sends it: to that manager it is the main process, and
// the words of others may not count (systemd.service(5), NotifyAccess).
func (m *Manager) above(text string) {
	m.link.Send(keeper.Message{Kind: keeper.Shown, Text: text})
}

// aboveStatus tells the state in a line.
func (m *Manager) aboveStatus(text string) {
	m.above("STATUS=" + strings.ReplaceAll(text, "\n", " "))
}

// aboveReloads tells that another configuration is put into force, and, once that has been stored, that it is. The time lets a
// service manager of Type=notify-reload tell this from an earlier one (sd_notify(3), RELOADING).
func (m *Manager) aboveReloads() {
	m.above("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(poll.Now().Microseconds(), 10))
	m.later(func() { m.above("READY=1") })
}
