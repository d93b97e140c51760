package manager

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/cgroups"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// notifyPath is the notify socket of a component. Whose it is says who speaks: each has its own, which nobody
// else may write to.
func (m *Manager) notifyPath(u *unit) string {
	return filepath.Join(filepath.Dir(m.Control), "notify", u.name)
}

// listen makes the notify socket of a component, once; the keeper holds it too.
func (m *Manager) listen(s *start) error {
	u := s.unit
	if u.notify >= 0 && ready.MarkOf(m.notifyPath(u)) == (ready.Mark{}) {
		m.closeNotify(u) // somebody has deleted its file
	}
	if u.notify >= 0 {
		for range longestQueue { // what an earlier run left unread is not of this one
			if _, _, err := ready.Receive(u.notify); err != nil {
				break
			}
		}
		return nil
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if c := s.spec.Credential; c != nil || u.def.Container != nil {
		uid, gid = hostIDs(u, c)
	}
	if err := os.MkdirAll(filepath.Join(filepath.Dir(m.Control), "notify"), 0o711); err != nil {
		return err
	}
	fd, err := ready.Listen(m.notifyPath(u), uid, gid)
	if err != nil {
		return err
	}
	s.held.Tags = append(s.held.Tags, keeper.Tag{Use: keeper.Notify, Name: u.hash})
	s.held.Files = append(s.held.Files, fd)
	m.adoptNotify(u, fd)
	return nil
}

// longestQueue is more than a socket is made to hold (unix(7), max_dgram_qlen): somebody may write to it without end.
const longestQueue = 1 << 14

func (m *Manager) adoptNotify(u *unit, fd int) {
	u.notify = fd
	m.loop.Add(fd, func() { m.onNotify(u) })
}

// onNotify looks at one datagram a round. It is taken off the socket only when what it says has been stored: a
// manager that dies in between has not lost it.
func (m *Manager) onNotify(u *unit) {
	if u.peeked {
		return // in this round, for an exit or the end of a window
	}
	if u.peeked = m.hear(u); !u.peeked {
		return
	}
	m.later(func() {
		if u.peeked {
			ready.Receive(u.notify)
		}
		u.peeked = false
	})
}

// notifyBudget bounds the datagrams that something waits for.
const notifyBudget = 64

// unheard says that a component has said what has not been acted on and stored: what comes of its silence, or of its exit, has to wait for
// that (R9). It is by the time that the present round is over. Whoever has waited, and goes on, takes words back to 0.
func (m *Manager) unheard(u *unit) bool {
	if u.notify < 0 || u.words >= notifyBudget {
		return false
	}
	m.onNotify(u)
	if u.peeked {
		u.words++
	}
	return u.peeked
}

// hear acts on one datagram; it reports false when there is none.
func (m *Manager) hear(u *unit) bool {
	msg, from, err := ready.Peek(u.notify)
	switch {
	case err != nil:
		return false
	case u.main == nil && u.group == groupGone:
	case !m.belongs(u, from):
		m.complainOnce(u, "notify: a message of process "+itoa(from.PID)+", which is not of this component, was ignored")
	default:
		if u.main != nil {
			u.main.spoke = true
		}
		m.notified(u, &msg)
	}
	return true
}

// belongs checks the sender against the component's cgroup. One that has ended already is believed: only its user
// and root can write to the socket.
func (m *Manager) belongs(u *unit, from ready.Sender) bool {
	if m.tree == nil {
		return true
	}
	path := cgroups.Of(from.PID)
	return path == "" || m.within(path, u.name)
}

func (m *Manager) notified(u *unit, msg *ready.Message) {
	if msg.Ready && u.def.Ready.When == targets.Notified {
		m.isReady(u, u.run)
	}
	m.beatNotified(u, msg)
	r := supervisor.Reported{
		Component: u.number, Run: u.run, Degraded: msg.Degraded, Healthy: msg.Healthy, Stopping: msg.Stopping,
		Extend: int64(msg.Extend),
	}
	if msg.HasStatus {
		r.Text, r.Blank = msg.Status, msg.Status == ""
	}
	for _, r := range msg.Raises {
		m.raise(u, r)
	}
	if msg.MainPID != 0 {
		m.newMain(u, msg.MainPID)
	}
	if r != (supervisor.Reported{Component: u.number, Run: u.run}) {
		m.post(r)
	}
}

// raise tells the machine of a condition that a component raises or takes back.
func (m *Manager) raise(u *unit, r ready.Raise) {
	if !targets.IsConditionName(r.Name) {
		m.complainOnce(u, "notify: X_ORDERLY_CONDITION was ignored: not the name of a condition")
		return
	}
	m.post(supervisor.Announced{Component: u.number, Run: u.run, Condition: r.Name, Holds: !r.Off})
}

// newMain makes another process of the same cgroup the main one (MAINPID=, sd_notify(3)). It must be a child of the
// keeper, or nobody would learn of its exit. A child of the present main process becomes one when that ends.
func (m *Manager) newMain(u *unit, pid int) {
	m.landed() // it may have executed, and spoken, since the round began
	if !m.succeed(u, pid) {
		m.expect(u, pid)
	} else if p := u.main; p != nil && int(p.pid) == pid { // who was named before is not any more
		m.expect(u, 0)
	}
}

// succeed makes a process the main one, unless it is refused. It reports false where it may be only when the present one has been seen to
// execute, or has ended.
func (m *Manager) succeed(u *unit, pid int) bool {
	p, after := u.main, m.ring.Head()
	if p == nil || int(p.pid) == pid {
		return true
	}
	above := runtime.Parent(pid)
	if !p.landed() || m.tree != nil && above == int(p.pid) { // it has spoken before its intermediate could say that it is there
		return false
	}
	if m.tree == nil || !m.within(cgroups.Of(pid), u.name) || above != os.Getppid() {
		m.complainOnce(u, "notify: MAINPID="+itoa(pid)+" was refused: not a child of ours in the component's cgroup")
		return true
	}
	m.settleIn(p, pid, after)
	return true
}

// inherited reads what a run has said before the exit of its main process is acted on (R9), but for its datagrams, see unheard; and says
// whether another process is the main one by that.
func (m *Manager) inherited(p *process) bool {
	u, pid := p.unit, p.pid
	m.drain(u)
	if m.followed(p) {
		return true
	}
	if p.pid == pid {
		m.inherit(u)
	}
	return p.pid != pid
}

// inherit has the one that was named follow the main process, if that can be by now.
func (m *Manager) inherit(u *unit) {
	if u.heir != 0 && m.succeed(u, u.heir) {
		m.expect(u, 0)
	}
}

// expect notes who is to follow the main process, for the next manager too; 0 is nobody.
func (m *Manager) expect(u *unit, pid int) {
	tag := func() keeper.Tag { return keeper.Tag{Use: keeper.Heir, Run: uint32(u.heir), Name: u.hash} }
	if u.heir == pid {
		return
	}
	if u.heir != 0 {
		m.drop(tag())
	}
	if u.heir = pid; pid == 0 {
		return
	}
	m.holdPID(tag(), pid)
}

// takeHeirs learns from the keeper who is to follow whom.
func (m *Manager) takeHeirs(held heldFiles) {
	heirs := map[uint64]int{}
	for tag, fd := range held {
		if tag.Use == keeper.Heir {
			delete(held, tag)
			unix.Close(fd)
			heirs[tag.Name] = int(tag.Run)
		}
	}
	for _, u := range m.units {
		u.heir = heirs[u.hash]
	}
}

// closeNotify ends the notify socket of a component that is no longer in the configuration.
func (m *Manager) closeNotify(u *unit) {
	if u.notify < 0 {
		return
	}
	m.loop.Remove(u.notify)
	unix.Close(u.notify)
	u.notify, u.peeked = -1, false
	unix.Unlink(m.notifyPath(u))
	m.drop(keeper.Tag{Use: keeper.Notify, Name: u.hash})
}
