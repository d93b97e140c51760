package manager

import (
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// A heartbeat on a pipe is read when its window ends; until then beats lie in the pipe, which the keeper holds too. Those on the
// notify socket are counted as they come: a datagram socket holds only a few (unix(7), max_dgram_qlen), and then its
// writers wait.

// beatPipe is how a run beats.
type beatPipe struct {
	fd       int  // reading end of the pipe, -1 is none
	awaited  bool // the first beat makes it ready
	notified int  // beats on the notify socket since the last look
}

// heartbeat makes the way on which a component beats, before the clone.
func (m *Manager) heartbeat(s *start) error {
	h := &s.unit.def.Heartbeat
	s.unit.beat.notified = 0
	switch h.Via {
	case targets.ViaFD:
		return m.beatPipe(s)
	case targets.ViaNotify:
		s.spec.Env = append(s.spec.Env, "WATCHDOG_USEC="+strconv.FormatInt(h.Interval().Microseconds(), 10))
		return m.notifying(s)
	case targets.ViaNothing:
	}
	return nil
}

// notifying gives a component its notify socket.
func (m *Manager) notifying(s *start) error {
	setting := "NOTIFY_SOCKET=" + m.notifyInside(s)
	if slices.Contains(s.spec.Env, setting) {
		return nil
	}
	if err := m.listen(s); err != nil {
		return &stepError{"notify socket", err}
	}
	s.spec.Env = append(s.spec.Env, setting)
	m.bringNotify(s)
	return nil
}

// beatPipe gives a component a pipe to beat on, at the lowest number that is free. Its end does not block: where nobody
// reads for long a beat is lost, which is better than a component that waits.
func (m *Manager) beatPipe(s *start) error {
	r, w, err := pipe()
	if err != nil {
		return &stepError{"pipe", err}
	}
	unix.SetNonblock(w, true)
	s.beat, s.close = r, append(s.close, w)
	child := 3
	for slices.ContainsFunc(s.spec.Files, func(f runtime.File) bool { return f.Child == child }) {
		child++
	}
	s.spec.Files = append(s.spec.Files, runtime.File{Child: child, FD: w})
	s.spec.Env = append(s.spec.Env, "ORDERLY_HEARTBEAT_FD="+itoa(child))
	s.held.Tags = append(s.held.Tags, keeper.Tag{Use: keeper.Beat, Run: s.run, Name: s.unit.hash})
	s.held.Files = append(s.held.Files, r)
	return nil
}

// watchBeat takes a heartbeat pipe into use. It is waited for only where the first beat makes the component ready.
func (m *Manager) watchBeat(u *unit, fd int, awaited bool) {
	unix.SetNonblock(fd, true)
	u.beat.fd, u.beat.awaited = fd, awaited
	if awaited {
		m.loop.Add(fd, func() { m.firstBeat(u) })
	}
}

// firstBeat looks whether a component has begun to beat. The beats stay in the pipe: a manager that dies in between has not
// lost the readiness. All writers gone without a beat is a failed start.
func (m *Manager) firstBeat(u *unit) {
	if !u.beat.awaited {
		return
	}
	var one [1]byte
	n, _, err := poll.Peek(u.beat.fd, m.scratch, one[:])
	if err != nil {
		return
	}
	u.beat.awaited = false
	m.loop.Remove(u.beat.fd)
	if n > 0 {
		m.isReady(u, u.run)
		return
	}
	m.mute(u)
}

// silence says which channel was closed without a word.
func silence(u *unit) string {
	switch u.def.Ready.When {
	case targets.Beating:
		return "the heartbeat descriptor was closed without a beat"
	case targets.Printed:
		return "its output was closed without a line that matches"
	}
	return "the readiness descriptor was closed without a newline"
}

// beginBeat throws away what has been said before supervision begins.
func (m *Manager) beginBeat(e supervisor.Changed) {
	if u := m.units[e.Component]; e.To == supervisor.Ready && e.From == supervisor.Starting {
		u.beat.notified = 0
		m.readBeats(u)
	}
}

// closeBeat ends the heartbeat pipe of a run.
func (m *Manager) closeBeat(u *unit) {
	if u.beat.fd < 0 {
		return
	}
	if u.beat.awaited {
		m.loop.Remove(u.beat.fd)
	}
	unix.Close(u.beat.fd)
	m.drop(u.tag(keeper.Beat))
	u.beat = beatPipe{fd: -1}
}

// beatNotified acts on what a datagram says of the heartbeat.
func (m *Manager) beatNotified(u *unit, msg *ready.Message) {
	if msg.Trigger {
		m.post(supervisor.Triggered{Component: u.number, Run: u.run})
	}
	if !msg.Beat || u.def.Heartbeat.Via != targets.ViaNotify {
		return
	}
	u.beat.notified++
	if u.def.Ready.When == targets.Beating && u.beat.notified == 1 {
		m.isReady(u, u.run)
	}
}

// look counts the beats of everybody whose window has ended, in one go, and says whether there is something to be done. It is called when
// nothing is pending: no datagram that has been peeked at is still on its socket.
func (m *Manager) look(now time.Duration) bool {
	m.looking = m.machine.BeatsDue(now, m.looking[:0])
	waits := false
	for _, c := range m.looking {
		u := m.units[c]
		waits = u.def.Heartbeat.Via == targets.ViaNotify && m.unheard(u) || waits
	}
	if len(m.looking) == 0 || waits {
		return waits
	}
	list := make([]supervisor.Beat, 0, len(m.looking))
	for _, c := range m.looking {
		u := m.units[c]
		u.words = 0
		_, run := m.machine.StateOf(c)
		b := supervisor.Beat{Component: c, Run: run, Count: m.count(u)}
		b.Frozen = m.machine.BeatFails(now, c, b.Count) && m.frozen(u)
		list = append(list, b)
	}
	m.post(supervisor.Beats{List: list})
	return true
}

// beatRoom is what a pipe holds (pipe(7)): one read empties it, and one that is written to without end is not read for ever.
const beatRoom = 1 << 16

// count takes the beats that a component has sent since the last look.
func (m *Manager) count(u *unit) int {
	n := u.beat.notified
	u.beat.notified = 0
	return n + m.readBeats(u)
}

// readBeats empties the heartbeat pipe.
func (m *Manager) readBeats(u *unit) int {
	if u.beat.fd < 0 {
		return 0
	}
	if m.beats == nil {
		m.beats = make([]byte, beatRoom)
	}
	n, err := unix.Read(u.beat.fd, m.beats)
	if err != nil {
		return 0
	}
	return n
}

func (m *Manager) frozen(u *unit) bool {
	if m.tree == nil {
		return false
	}
	frozen, err := m.tree.Frozen(u.name)
	return err == nil && frozen
}

// heartbeat shows what is asked of a component that beats.
func (d *pairs) heartbeat(c *targets.Component) {
	h := &c.Heartbeat
	if h.Via == targets.ViaNothing {
		return
	}
	d.add("abort_signal", supervisor.SignalName(c.AbortSignal))
	text := itoa(h.Min) + " to "
	if h.Max == 0 {
		text = "at least " + itoa(h.Min)
	} else {
		text += itoa(h.Max)
	}
	via := "fd"
	if h.Via == targets.ViaNotify {
		via = "notify"
	}
	d.add("heartbeat", text+" in "+h.Window.String()+" via "+via+", "+itoa(h.Tolerance)+" failed windows borne")
}
