package manager

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// TestLeaderOfARunThatIsOver: without cgroups a number is all that there is of a component, and somebody else may have it later.
func TestLeaderOfARunThatIsOver(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]func(m *Manager, u *unit){
		"done": func(m *Manager, u *unit) {
			m.desert(u)
			m.sweep()
		},
		"down": func(m *Manager, u *unit) { m.cleared(supervisor.Changed{To: supervisor.Down}) },
	} {
		c := exec.Command("sleep", "1000")
		c.SysProcAttr = &unix.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		u := newUnit(0, &targets.Component{Name: "leader-of-a-run-that-is-over"})
		m, record := managerOf(t, u)
		u.leader = int32(c.Process.Pid)
		m.slot(record).Pid = u.leader
		over(m, u)
		u.leader = int32(m.slot(record).Started()) // as the next manager does
		m.killGroup(u)
		if runtime.Dead(c.Process.Pid) {
			t.Errorf("%s: a stranger was killed", name)
		}
		c.Process.Kill()
		c.Wait()
	}
}

// TestLeaderOfTheNextRun: it may be there before what the run before has left is swept up.
func TestLeaderOfTheNextRun(t *testing.T) {
	t.Parallel()
	u := newUnit(0, &targets.Component{Name: "a"})
	m, record := managerOf(t, u)
	m.desert(u)
	u.main, u.leader = &process{unit: u}, 77
	m.slot(record).Pid = 77
	if m.sweep(); u.leader != 77 || m.slot(record).Pid != 77 {
		t.Errorf("its leader is %d, in the record %d", u.leader, m.slot(record).Pid)
	}
}

// TestLeaderOfANamesake: a component that was removed may have gone when another one with its name runs.
func TestLeaderOfANamesake(t *testing.T) {
	t.Parallel()
	old := newUnit(0, &targets.Component{Name: "a"})
	m, record := managerOf(t, newUnit(1, old.def))
	m.slot(record).Pid = 77
	m.desert(old)
	if m.sweep(); m.slot(record).Pid != 77 {
		t.Errorf("the leader in the record is %d", m.slot(record).Pid)
	}
}

func managerOf(t *testing.T, u *unit) (m *Manager, record int) {
	t.Helper()
	table, err := supervisor.OpenTable(make([]byte, supervisor.TableSize(1)))
	if err != nil {
		t.Fatal(err)
	}
	if record, err = table.Claim(supervisor.ComponentRecord, u.name, 1); err != nil {
		t.Fatal(err)
	}
	return &Manager{units: []*unit{u}, byName: map[string]*unit{u.name: u}, table: table}, record
}
