package manager

import (
	"errors"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

var errNoRecord = errors.New("no record in the facts table")

func itoa(n int) string { return strconv.Itoa(n) }

func baseName(p string) string { return path.Base(p) }

// recordOf names the record of a process in the facts table.
func recordOf(u *unit, r role) (supervisor.Kind, string) {
	switch r {
	case stopRole:
		return supervisor.CommandRecord, u.name + " stop"
	case reloadRole:
		return supervisor.CommandRecord, u.name + " reload"
	case inquiryRole:
		return supervisor.CommandRecord, u.name + " inquiry"
	case hookRole:
		return supervisor.CommandRecord, u.name + " hook"
	case toolRole:
		return supervisor.CommandRecord, u.name + " tool"
	case mainRole:
	}
	return supervisor.ComponentRecord, u.name
}

// attachCommand gives a command the log as its output.
func (m *Manager) attachCommand(s *start) error {
	writer, err := m.logPipe(s)
	if err != nil {
		return err
	}
	s.spec.Files = []runtime.File{{Child: 1, FD: writer}, {Child: 2, FD: writer}}
	return nil
}

// buildTime is when the binary was made, as the version control said; zero where it did not.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, _ := time.Parse(time.RFC3339, s.Value)
			return t
		}
	}
	return time.Time{}
}

// notOurs says what of the configuration is only for PID 1.
func (m *Manager) notOurs() {
	for _, t := range []struct {
		name string
		set  bool
	}{{"[system]", written(&m.config.System)}, {"[watchdog]", m.config.Watchdog.Device != "" && os.Getenv("WATCHDOG_USEC") == ""}} { // else critical counts
		if t.set {
			m.system(targets.Warning, t.name+" is not applied: Orderly is not PID 1 here")
		}
	}
}

// written says whether anything of [system] was written that Orderly would have to do.
func written(s *targets.System) bool {
	return s.Hostname != "" || s.MachineID != "" || len(s.Modules)+len(s.Sysctl)+len(s.Mounts) > 0
}
