package manager

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// onLink is the handler of the keeper's packets, one a round: a signal is taken off the pair only when what it
// means has been stored.
func (m *Manager) onLink() {
	msg, err := m.link.Peek()
	closeAll(msg.Files)
	switch {
	case errors.Is(err, unix.EAGAIN):
	case err != nil:
		m.orphan()
	default:
		m.onMessage(&msg)
		m.later(func() {
			taken, _ := m.link.Receive(false)
			closeAll(taken.Files)
		})
	}
}

func (m *Manager) onMessage(msg *keeper.Message) {
	switch msg.Kind {
	case keeper.Signal:
		m.onSignal(unix.Signal(msg.Value))
	case keeper.Missed:
		m.system(targets.Warning, fmt.Sprintf("%d bytes of output were thrown away while the manager was away", msg.Value))
	case keeper.Watchdog:
		m.watched(msg)
	case keeper.Renewed:
		m.renewed(msg.Text)
	}
}

// renewed tells how the keeper's part of an upgrade ended. Status goes on telling of a keeper that is an older program.
func (m *Manager) renewed(why string) {
	const stays = "upgrade: the keeper stays the program that it was: "
	for _, l := range slices.Clone(m.lasting) {
		if strings.HasPrefix(l, stays) {
			m.unremark(l)
		}
	}
	if why == "" {
		m.system(targets.Info, "upgrade: the keeper is the new program too")
		return
	}
	m.remark(stays + why)
	m.system(targets.Warning, stays+why)
}

// orphan is what happens when the keeper is gone, which is never as PID 1: nobody reaps any more, so nothing is begun, everything is
// killed at once and the manager ends (R19).
func (m *Manager) orphan() {
	m.loop.Remove(keeper.LinkFD)
	m.system(targets.Error, "the keeper is gone: everything is stopped")
	m.alone = true
	for _, p := range m.flight {
		m.killStarting(p.slot.Intermediate(), p.after) // it makes no child from then on
		if child := p.slot.Started(); child != 0 {
			m.killStarting(child, p.after)
		}
	}
	for _, u := range m.units {
		if len(u.hooks) > 0 {
			m.clearHooks(u)
		}
		m.killGroup(u)
	}
	m.end, m.code = supervisor.Exit, 1
	m.loop.Stop()
}

// realtime is the kernel's first realtime signal as C libraries count: glibc and musl keep two for themselves, and
// tools that send RTMIN+n mean this one.
const realtime = 34

// onSignal does what a signal to PID 1 means (semantics of init(8) and systemd(1)).
func (m *Manager) onSignal(s unix.Signal) {
	if s == unix.SIGHUP {
		m.rebind()
		m.applyFromDisk(0)
		return
	}
	end := m.endOf(s)
	if end == supervisor.GoOn {
		return
	}
	m.system(targets.Info, unix.SignalName(s)+": "+end.String())
	m.shutdown(end)
}

func (m *Manager) endOf(s unix.Signal) supervisor.End {
	if !m.PID1 || os.Getenv("container") != "" {
		if s == unix.SIGTERM || s == unix.SIGINT {
			return supervisor.Exit
		}
		if !m.PID1 {
			return supervisor.GoOn
		}
	}
	switch s {
	case unix.SIGTERM, realtime + 5:
		return supervisor.Reboot
	case unix.SIGINT:
		return ends[m.config.System.CtrlAltDel]
	case unix.SIGUSR1, realtime + 3:
		return supervisor.Halt
	case unix.SIGUSR2, unix.SIGPWR, realtime + 4:
		return supervisor.Poweroff
	}
	return supervisor.GoOn
}

// shutdown asks the machine for the end that a person wants. What is not there to be done is done otherwise: a kexec
// without a kernel is a reboot.
func (m *Manager) shutdown(end supervisor.End) {
	if end == supervisor.Kexec && !boot.KexecLoaded() {
		end = supervisor.Reboot
	}
	if m.stopping == supervisor.GoOn {
		m.stopping = end
	}
	m.post(supervisor.Shutdown{End: end})
}

// goesDown notes that the machine ends, and why where no person has asked for it.
func (m *Manager) goesDown(why string) {
	end, own := m.machine.Ending()
	if end == supervisor.GoOn || m.hurry {
		return
	}
	m.stopping = end
	m.above("STOPPING=1")
	if !own {
		return
	}
	m.endWhy = why
	if !m.PID1 { // the exit status says so
		m.code = 1
	}
}

// finish hands over to the keeper: everything is down, or nothing is to be waited for.
func (m *Manager) finish(end supervisor.End) {
	if m.end != supervisor.GoOn {
		return
	}
	m.end = end
	if !m.PID1 && end != supervisor.Exit {
		m.code = 1 // somebody above us may do what we cannot
	}
	m.system(targets.Info, end.String())
	m.loop.Stop()
}

// finishNow is finish for somebody who does not want to wait: everything is killed.
func (m *Manager) finishNow(end supervisor.End) {
	m.hurry, m.endWhy = true, ""
	if !m.PID1 { // as PID 1 the keeper kills everything at once
		for _, u := range m.units {
			m.killGroup(u)
		}
	}
	m.finish(end)
}

// lastResort is the end of the recovery ladder (R12).
func (m *Manager) lastResort(action targets.FallbackAction) {
	switch action {
	case targets.FallbackPoweroff:
		m.give(supervisor.Poweroff)
	case targets.FallbackHalt:
		m.give(supervisor.Halt)
	case targets.FallbackReboot:
		m.give(supervisor.Reboot)
	case targets.FallbackWatchdog:
		m.starve()
	case targets.FallbackCommand:
		m.fallbackCommand()
	}
}

// give ends the machine; where Orderly is not PID 1 it ends itself.
func (m *Manager) give(end supervisor.End) {
	const why = "the fallback target failed"
	m.system(targets.Error, why+": "+end.String())
	m.post(supervisor.Shutdown{End: end, Why: why})
}
