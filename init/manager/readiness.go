package manager

import (
	"encoding/binary"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// probe is a socket that is asked for while its component starts: the kernel tells nobody when somebody listens.
type probe struct {
	next     time.Duration
	interval time.Duration
}

// firstProbe is the first interval; it doubles up to poll_interval.
const firstProbe = time.Millisecond

// longer is the interval after the next look.
func longer(interval, pollInterval time.Duration) time.Duration {
	return min(2*interval, max(pollInterval, firstProbe))
}

// await begins to wait for the readiness of a run whose program has been executed.
func (m *Manager) await(u *unit) {
	m.awaitName(u)
	switch u.def.Ready.When {
	case targets.File:
		if u.path == nil { // taken over, and nothing was there before the start
			u.path = &ready.Path{Absent: u.def.Ready.Absent}
		}
		u.path.Root, u.path.Name = rootOf(u), u.def.Ready.Path
		if u.path.Root != "" || ready.Silent(u.path.Name) { // a container may have mounted what does not answer
			m.askFor(u, m.askFile)
			return
		}
		run := u.run
		u.path.Holds = func() { m.isReady(u, run) }
		if err := m.paths.Add(u.path); err != nil {
			m.complain(u, "ready.file: "+err.Error()+": it is looked at again and again")
			m.askFor(u, m.askFile)
		}
	case targets.Socket:
		m.awaitSocket(u)
	case targets.Probe:
		m.askFor(u, m.askCommand)
	case targets.HTTP:
		m.askFor(u, m.askServer)
	case targets.Started, targets.Exited, targets.Notified, targets.FD, targets.Beating, targets.Raised, targets.Printed, targets.Forked:
	}
}

// keepStale marks the file that is there before the start, for the manager after this one too.
func (m *Manager) keepStale(s *start) error {
	u := s.unit
	u.path.Stale = ready.MarkIn(u.path.Root, u.path.Name)
	if u.path.Stale == (ready.Mark{}) {
		return nil
	}
	b, err := binary.Append(nil, binary.LittleEndian, u.path.Stale)
	if err != nil {
		return err
	}
	fd, err := keeper.Sealed("orderly-stale", b)
	if err != nil {
		return err
	}
	s.close = append(s.close, fd)
	s.held.Tags, s.held.Files = append(s.held.Tags, u.tag(keeper.Stale)), append(s.held.Files, fd)
	return nil
}

// takeStale takes the mark over.
func (m *Manager) takeStale(u *unit, held heldFiles) {
	fd, ok := held[u.tag(keeper.Stale)]
	if !ok || u.def.Ready.When != targets.File {
		return
	}
	delete(held, u.tag(keeper.Stale))
	u.path = &ready.Path{Absent: u.def.Ready.Absent}
	if b, err := entrusted(fd); err == nil {
		binary.Decode(b, binary.LittleEndian, &u.path.Stale)
	}
}

// awaitSocket asks for a socket at intervals. The file of a unix socket is waited for first: the kernel tells when
// it appears.
func (m *Manager) awaitSocket(u *unit) {
	ask := func() {
		u.probe = &probe{next: poll.Now(), interval: firstProbe}
		m.probing = append(m.probing, u)
	}
	if network(u) != "" {
		begin := ask
		ask = func() { m.askInside(u, begin) }
	}
	if u.def.Ready.Network == "vsock" {
		m.askFor(u, m.askVsock)
		return
	}
	path := u.def.Ready.Address
	if u.def.Ready.Network != "unix" || path[0] == '@' || rootOf(u) != "" {
		ask()
		return
	}
	u.path = &ready.Path{Name: path, Holds: ask}
	if err := m.paths.Add(u.path); err != nil {
		ask()
	}
}

func (m *Manager) isReady(u *unit, run uint32) {
	if u.main != nil {
		u.main.spoke = true
	}
	m.post(supervisor.BecameReady{Component: u.number, Run: run})
}

// ask asks for the sockets whose time has come and returns the next time, 0 where there is none.
func (m *Manager) ask(now time.Duration) (next time.Duration) {
	m.probing = slices.DeleteFunc(m.probing, func(u *unit) bool {
		if u.closed != 0 {
			return m.silent(u, now, &next)
		}
		p := u.probe
		if p == nil {
			return true
		}
		if p.next <= now && m.listening(u) {
			u.probe = nil
			m.isReady(u, u.run)
			return true
		}
		if p.next <= now {
			p.next = now + p.interval
			p.interval = longer(p.interval, u.def.Ready.PollInterval)
		}
		if next == 0 || p.next < next {
			next = p.next
		}
		return false
	})
	return next
}

// silent tells, after the grace, that a component which has closed its readiness descriptor will never be ready.
func (m *Manager) silent(u *unit, now time.Duration, next *time.Duration) (done bool) {
	if now >= u.closed && m.exiting(u) {
		u.closed = now + closingGrace
	}
	if now >= u.closed {
		u.closed = 0
		m.post(supervisor.NeverReady{Component: u.number, Run: u.run, Why: silence(u)})
		m.closeReady(u)
		return true
	}
	if *next == 0 || u.closed < *next {
		*next = u.closed
	}
	return false
}

// exiting says that a main process has no descriptor left: it is on its way out, on a machine that is busy, and its exit
// will tell more (proc(5), /proc/PID/fd). So will the end of the last one of a run that has none yet.
func (m *Manager) exiting(u *unit) bool {
	if m.unnamed(u) {
		return !m.populated(u)
	}
	p := u.main
	if p == nil || p.pid == 0 {
		return true
	}
	names, err := os.ReadDir("/proc/" + itoa(int(p.pid)) + "/fd")
	return err != nil || len(names) == 0
}

func (m *Manager) listening(u *unit) bool {
	sockets, address := m.sockets, u.def.Ready.Address
	if u.sockets != nil {
		sockets = u.sockets
	}
	yes, err := sockets.Listening(u.def.Ready.Network, address)
	if err != nil {
		m.complain(u, "ready.socket: "+err.Error())
	}
	return yes
}

// watchReady waits for a newline on the readiness pipe, if it has not come yet.
func (m *Manager) watchReady(u *unit, fd int, come bool) {
	unix.SetNonblock(fd, true)
	u.ready, u.said = fd, come
	m.loop.Add(fd, func() { m.readReady(u) })
}

// closingGrace is how long the exit of a process may take to be known after its descriptors were closed: a process
// that ends closes them first, and how it ended says more than that it never was ready.
const closingGrace = 50 * time.Millisecond

// mute notes that the channel on which a component was to become ready was closed without a word.
func (m *Manager) mute(u *unit) {
	u.closed = poll.Now() + closingGrace
	m.probing = append(m.probing, u)
}

// readyBudget bounds what is read of a readiness pipe at a time, to what a pipe holds (pipe(7)): one that is
// written to without end must not hold up the loop.
const readyBudget = 16

// readReady looks into the pipe. A newline is readiness, once; what else comes is thrown away. All writers gone
// without a newline means that it will never be ready: the start time-out would only find the same later. The
// newline stays in the pipe until the readiness has been stored: a manager that dies in between has not lost it (tee(2) into a pipe of
// the manager's own). What comes behind it is thrown away as long as somebody may write: a pipe that is closed
// would end who does (pipe(7), SIGPIPE), and one that is full would stop it.
func (m *Manager) readReady(u *unit) {
	var buf [4096]byte
	for range readyBudget {
		if u.ready < 0 {
			return
		}
		n, _, err := poll.Peek(u.ready, m.scratch, buf[:])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return
		case n == 0 && u.said:
			m.closeReady(u)
		case n == 0: // kept until that has been told: the next manager is to find it closed too
			m.loop.Remove(u.ready)
			if u.closed == 0 {
				m.mute(u)
			}
			return
		case !u.said && slices.Contains(buf[:n], '\n'):
			u.said = true
			m.isReady(u, u.run)
			return // it is taken out once that has been stored
		default:
			unix.Read(u.ready, buf[:n])
		}
	}
}

// closeReady ends the wait for a newline; the pipe itself is closed when what came of it has been stored.
func (m *Manager) closeReady(u *unit) {
	if u.ready < 0 {
		return
	}
	fd, tag := u.ready, u.tag(keeper.Readiness)
	m.loop.Remove(fd)
	u.ready = -1
	m.later(func() {
		unix.Close(fd)
		m.drop(tag)
	})
}

// drain reads what a run has said before its exit is acted on (R9), but for its datagrams.
func (m *Manager) drain(u *unit) {
	if u.ready >= 0 {
		m.readReady(u)
	}
	m.firstBeat(u)
	if u.path != nil && u.path.Holds != nil {
		m.paths.Changed()
	}
	if u.probe != nil && m.listening(u) {
		u.probe = nil
		m.isReady(u, u.run)
	}
}

// unwatch ends every wait for a run. The notify socket stays: it is the component's.
func (m *Manager) unwatch(u *unit) {
	m.closeReady(u)
	m.closeBeat(u)
	m.stopAsking(u)
	m.endLines(u)
	if u.pidFile != nil {
		m.paths.Remove(u.pidFile)
		u.pidFile = nil
	}
	if u.path != nil {
		m.paths.Remove(u.path)
		if tag := u.tag(keeper.Stale); u.path.Stale != (ready.Mark{}) {
			m.later(func() { m.drop(tag) })
		}
		u.path = nil
	}
	u.leaveInside()
	u.probe, u.closed = nil, 0
}
