package manager

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/supervisor"
)

// inquiry is a program that is run to find something out about a component: its exit status is the answer. A component has one
// at a time, as its user, in a group of its own below the component's, which is killed with it.
type inquiry struct {
	process *process
	limit   *chore
	late    string                       // it was killed: why
	answer  func(holds bool, why string) // nil: nobody is interested any more
}

// inquire runs a program for at most so long. It reports false where another one of the component still runs, or what that has left.
func (m *Manager) inquire(u *unit, argv []string, limit time.Duration, answer func(holds bool, why string)) bool {
	if u.inquiry != nil || m.tree != nil && m.crowded(u) {
		return false
	}
	q := &inquiry{answer: answer}
	p, err := m.errand(u, work{argv: argv, outside: u.main == nil}, inquiryRole, u.run)
	if err != nil {
		answer(false, err.Error())
		return true
	}
	u.inquiry, q.process = q, p
	q.limit = m.in(limit, func() {
		q.late = "took longer than " + limit.String()
		m.signal(p, int(unix.SIGKILL))
	})
	return true
}

// inquiryGroup is the cgroup of a component's inquiry. The dot keeps it apart from what the component makes there.
func inquiryGroup(u *unit) string { return filepath.Join(u.name, "orderly.inquiry") }

// crowded says whether an earlier inquiry has left processes that still die.
func (m *Manager) crowded(u *unit) bool {
	yes, _ := m.tree.Populated(inquiryGroup(u))
	return yes
}

// inquired takes the end of an inquiry: what it has started is killed, and then it is an answer.
func (m *Manager) inquired(p *process, st supervisor.Status, why string) {
	u, q := p.unit, p.unit.inquiry
	if q == nil || q.process != p {
		return
	}
	u.inquiry = nil
	q.limit.callOff()
	m.clearInquiry(u)
	switch {
	case q.late != "":
		why = q.late
	case why == "" && st != (supervisor.Status{}):
		why = st.String()
	}
	if q.answer != nil {
		q.answer(why == "", why)
	}
}

// clearInquiry kills what an inquiry has left, and removes its group, and the component's where that has nothing else. What dies takes
// its time, and the component may not be configured any more.
func (m *Manager) clearInquiry(u *unit) {
	if m.tree == nil {
		return
	}
	m.tree.Kill(inquiryGroup(u))
	m.tree.Remove(inquiryGroup(u))
	if u.main == nil && u.command == nil && u.group == groupGone {
		m.clean(u.name, 0)
	}
}

// dismiss ends an inquiry whose answer nobody wants any more.
func (m *Manager) dismiss(u *unit) {
	q := u.inquiry
	if q == nil || q.answer == nil {
		return
	}
	q.answer = nil
	if m.tree == nil && q.process.pid != 0 {
		runtime.KillTree(int(q.process.pid))
		return
	}
	m.signal(q.process, int(unix.SIGKILL))
}
