package manager

import (
	"fmt"
	"time"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// A machine that reboots by itself again and again ends in the rescue. What counts is a reboot that nobody asked for: by
// recovery, by an exit code, by the last resort, by the watchdog. It is written down before it is made, and looked at by the next
// boot, when the state directory is there.

// mind goes to the rescue when there were too many reboots; then is what follows otherwise.
func (m *Manager) mind(then func()) {
	limit, window, dir := m.config.RebootLimit, m.config.RebootWindow, m.config.StateDirectory
	if m.rescued || limit == 0 {
		then()
		return
	}
	reset := m.dog.reset
	m.work.Go(func() {
		record := boot.LoadReboots(dir)
		var err error
		if reset {
			record = record.Another(0, window)
			err = record.Save(dir)
		}
		n := record.Within(window)
		if n >= limit {
			err = boot.ForgetReboots(dir) // the rescue's own end is a fresh start
		}
		m.loop.Post(func() {
			if err != nil {
				m.system(targets.Warning, "record of reboots: "+err.Error())
			}
			if n < limit || !m.giveIn(fmt.Sprintf("%d reboots within %v that nobody asked for", n, window)) {
				then()
			}
		})
	})
}

// giveIn uses the rescue from now on, and says whether it can.
func (m *Manager) giveIn(why string) bool {
	m.system(targets.Error, "rescue: "+why)
	m.remark("rescue: " + why)
	rescue, err := m.rescueConfig(boot.ReadCommandLine(), []string{why})
	if err != nil {
		m.system(targets.Error, err.Error())
		return false
	}
	rescue.then = m.begin
	m.applies = append(m.applies, rescue)
	return true
}

// saveLimit is how long the last words on the disk may take.
const saveLimit = 2 * time.Second

// countReboot writes down a reboot that nobody asked for, before it is made.
func (m *Manager) countReboot() error {
	if m.end != supervisor.Reboot || m.endWhy == "" || m.rescued || m.config.RebootLimit == 0 {
		return nil
	}
	return boot.CountReboot(m.config.StateDirectory, poll.Now(), m.config.RebootWindow)
}

// bounded does the last things on a disk that may hang.
func (m *Manager) bounded(what string, do func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := do(); err != nil {
			m.sink.Say(logs.Name, 0, what+": "+err.Error())
		}
	}()
	select {
	case <-done:
	case <-time.After(saveLimit):
	}
}
