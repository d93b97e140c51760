package manager

import (
	"errors"
	goruntime "runtime"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// maxFlight bounds the starts between clone and exec. It keeps the descriptors that children need low (a clone
// copies the table up to the highest of them) and is far more than two processors can run at once.
const maxFlight = 32

// highFD is where the reading ends go, out of the way of what children need.
const highFD = 256

// start is one launch in preparation.
type start struct {
	*process
	spec  runtime.Spec
	held  keeper.Message // what the keeper must hold before the clone
	logs  []logs.Stream
	ready int
	beat  int // reading end of the heartbeat pipe
}

// launch starts what is queued, as far as there is room in flight. The keeper holds the pipes of the whole batch
// before its first clone: a component must not lose its output because the manager died. The first batches are small:
// the sooner one runs, the sooner the next one may.
func (m *Manager) launch() {
	for most := 1; len(m.queue) > 0 && len(m.flight) < maxFlight; most *= 2 {
		n := min(len(m.queue), maxFlight-len(m.flight), most)
		batch := make([]*start, 0, n)
		held := keeper.Message{Kind: keeper.Hold}
		for _, l := range m.queue[:n] {
			if m.furnish(l) {
				continue
			}
			s, err := m.prepare(l)
			if err != nil {
				m.launchFailed(l, err)
				continue
			}
			batch = append(batch, s)
			held.Tags, held.Files = append(held.Tags, s.held.Tags...), append(held.Files, s.held.Files...)
		}
		m.queue = append(m.queue[:0], m.queue[n:]...)
		m.hold(held)
		for _, s := range batch {
			m.clone(s)
		}
		if len(m.queue) > 0 && goruntime.NumCPU() == 1 {
			m.giveWay()
		}
	}
}

// giveWay lets those in flight have the only processor until one has landed, for a moment at most. Else the first would wait until the last
// has been cloned, and all would be in flight at once.
func (m *Manager) giveWay() {
	const moment = 1 // ms
	if n, _ := unix.Poll([]unix.PollFd{{Fd: keeper.LandFD, Events: unix.POLLIN}}, moment); n > 0 {
		m.onLand()
	}
}

// hold sends what the keeper must hold, as many at a time as fit one message.
func (m *Manager) hold(all keeper.Message) {
	for len(all.Tags) > 0 {
		n := min(len(all.Tags), keeper.MaxTags)
		part := keeper.Message{Kind: keeper.Hold, Tags: all.Tags[:n], Files: all.Files[:n]}
		if err := m.link.Send(part); err != nil {
			return // the keeper is gone: its closed end is noticed by the loop
		}
		all.Tags, all.Files = all.Tags[n:], all.Files[n:]
	}
}

// holdPID has the keeper hold a process that lives.
func (m *Manager) holdPID(tag keeper.Tag, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	m.hold(keeper.Message{Tags: []keeper.Tag{tag}, Files: []int{fd}})
	return unix.Close(fd)
}

// launchFailed tells the machine that a launch did not get as far as the clone.
func (m *Manager) launchFailed(l supervisor.Launch, err error) {
	ev := supervisor.LaunchFailed{Component: l.Component, Run: l.Run, Step: "prepare", Why: err.Error()}
	var s *stepError
	if errors.As(err, &s) {
		ev.Step, ev.Why = s.step, s.err.Error()
	}
	if u := m.units[l.Component]; u.group == groupGone || u.group == groupThere {
		m.desert(u) // its group may have been made already, and nobody is in it
	}
	m.post(ev)
}

// prepare makes everything that a start of the main process needs. On an error nothing is left.
func (m *Manager) prepare(l supervisor.Launch) (s *start, err error) {
	u := m.units[l.Component]
	u.run = l.Run
	m.expect(u, 0)
	s = &start{process: &process{unit: u, role: mainRole, run: l.Run}, ready: -1, beat: -1}
	defer func() {
		if err != nil {
			s.undo()
		}
	}()
	if f := u.furnishing; f != nil {
		s.spec, s.close, err = m.takeFurnished(f)
	} else {
		s.spec, err = m.spec(u, mainWork(u, l), l.Run)
	}
	if err != nil {
		return s, err
	}
	s.spec.Terminal, s.spec.Hold = u.def.Terminal, l.Hold && u.onward != l.Run
	if err = m.keepBundle(s); err != nil {
		return s, err
	}
	if err = m.attach(s); err != nil {
		return s, err
	}
	if err = m.channels(s); err != nil {
		return s, err
	}
	return s, m.enter(s.process, &s.spec)
}

// undo closes what a start that will not be has opened.
func (s *start) undo() {
	closeAll(s.close)
	for _, l := range s.logs {
		unix.Close(l.FD)
	}
	if s.ready >= 0 {
		unix.Close(s.ready)
	}
	if s.beat >= 0 {
		unix.Close(s.beat)
	}
}

// undo is undo of a start whose pipes the keeper holds already; a notify socket stays, it is the component's.
func (m *Manager) undo(s *start) {
	s.undo()
	for _, t := range s.held.Tags {
		if t.Use != keeper.Notify {
			m.drop(t)
		}
	}
}

// attach gives the process its standard descriptors.
func (m *Manager) attach(s *start) error {
	if len(s.spec.Actions) > 0 {
		return nil // it prints nothing
	}
	out := s.unit.def.Output
	if s.spec.Terminal == "" {
		if err := m.file(s, 0, out.Stdin, false); err != nil {
			return err
		}
	}
	if s.spec.Terminal != "" && out.Stdout == "log" && out.Stderr == "log" {
		return nil // the terminal is all three
	}
	writer := -1
	if out.Stdout == "log" || out.Stderr == "log" {
		var err error
		if writer, err = m.logPipe(s); err != nil {
			return err
		}
	}
	for child, setting := range map[int]string{1: out.Stdout, 2: out.Stderr} {
		if setting == "log" {
			s.spec.Files = append(s.spec.Files, runtime.File{Child: child, FD: writer})
		} else if err := m.file(s, child, setting, true); err != nil {
			return err
		}
	}
	return nil
}

// file gives the process a descriptor that a setting names. "null" is what the spawn list does by itself, unless
// there is a terminal, which would take the place.
func (m *Manager) file(s *start, child int, setting string, write bool) error {
	if setting == "null" && s.spec.Terminal != "" {
		setting = "file:/dev/null"
	}
	fd, closing, err := m.open(setting, write)
	if err != nil || fd < 0 {
		return err
	}
	if closing {
		s.close = append(s.close, fd)
	}
	s.spec.Files = append(s.spec.Files, runtime.File{Child: child, FD: fd})
	return nil
}

// logPipe makes the pipe of the log and returns its writing end. Where only stderr goes to the log, the lines are
// marked so; where both do, one pipe keeps them in order.
func (m *Manager) logPipe(s *start) (writer int, err error) {
	r, w, err := pipe()
	if err != nil {
		return -1, &stepError{"pipe", err}
	}
	s.close = append(s.close, w)
	u, source := s.unit, logs.Out
	if u.def.Output.Stdout != "log" {
		source = logs.Err
	}
	tag := keeper.Tag{Use: keeper.Output, Run: s.run, Name: u.hash}
	if s.role != mainRole {
		tag.Use = keeper.Errand
	}
	s.logs = append(s.logs, m.stream(u, s.run, source, r, tag))
	s.held.Tags, s.held.Files = append(s.held.Tags, tag), append(s.held.Files, r)
	return w, nil
}

// stream describes a log pipe; when its last writer is gone the keeper need not hold it any more.
func (m *Manager) stream(u *unit, run uint32, source logs.Source, fd int, tag keeper.Tag) logs.Stream {
	return logs.Stream{
		Name: u.name, Run: run, Source: source, FD: fd, Rate: u.def.Output.RateLimit,
		Closed: func() { m.loop.Post(func() { m.drop(tag) }) },
	}
}

func (m *Manager) drop(tags ...keeper.Tag) {
	m.link.Send(keeper.Message{Kind: keeper.Drop, Tags: tags})
}

// channels makes the ways on which the component says that it is ready, before the clone: it may speak at once.
func (m *Manager) channels(s *start) error {
	u := s.unit
	if u.def.Notifies() {
		if err := m.notifying(s); err != nil {
			return err
		}
	}
	if u.def.PIDFile != "" {
		ready.RemovePIDFile(u.def.PIDFile) // it names a process of before, or a later one with its number
	}
	switch u.def.Ready.When {
	case targets.FD:
		r, w, err := pipe()
		if err != nil {
			return &stepError{"pipe", err}
		}
		s.ready, s.close = r, append(s.close, w)
		s.spec.Files = append(s.spec.Files, runtime.File{Child: u.def.Ready.FD, FD: w})
		s.held.Tags = append(s.held.Tags, keeper.Tag{Use: keeper.Readiness, Run: s.run, Name: u.hash})
		s.held.Files = append(s.held.Files, r)
	case targets.File:
		u.path = &ready.Path{Root: rootBefore(u), Name: u.def.Ready.Path, Absent: u.def.Ready.Absent}
		if !u.path.Absent {
			if err := m.keepStale(s); err != nil {
				return err
			}
		}
	case targets.Started, targets.Exited, targets.Socket, targets.Beating, targets.Notified, targets.Raised, targets.Probe, targets.HTTP, targets.Printed, targets.Forked:
	}
	return m.heartbeat(s)
}

// enter makes the cgroup of a process and its record.
func (m *Manager) enter(p *process, spec *runtime.Spec) error {
	if m.tree == nil {
		return errors.Join(m.limit(p.unit), m.allowDevices(p.unit, spec.Container))
	}
	if !p.unit.def.Detached {
		fd, err := m.tree.Make(p.unit.name)
		if err != nil {
			return &stepError{"cgroup", err}
		}
		p.close = append(p.close, fd)
		if err := m.limit(p.unit); err != nil {
			return err
		}
		if p.role == inquiryRole {
			if fd, err = m.tree.Make(inquiryGroup(p.unit)); err != nil {
				return &stepError{"cgroup", err}
			}
			p.close = append(p.close, fd)
			spec.Cgroup = fd
			return nil
		}
		spec.Cgroup = fd
		if p.unit.group != groupWatched {
			p.unit.group = groupThere
		}
		if p.role == mainRole {
			return errors.Join(m.allowDevices(p.unit, spec.Container), m.beginLimits(p.unit))
		}
	}
	return nil
}

// clone starts what has been prepared. From here on the slot says what becomes of it.
func (m *Manager) clone(s *start) {
	u := s.unit
	s.spec.Env = lastWins(s.spec.Env)
	if err := m.take(s.process, s.spec); err != nil {
		m.undo(s)
		m.launchFailed(supervisor.Launch{Component: u.number, Run: s.run}, err)
		return
	}
	u.main = s.process
	if s.gate.closed() {
		s.slot.Bar()
	}
	m.watchGate(s.process)
	for _, l := range s.logs {
		if u.def.Ready.When == targets.Printed {
			l.Watch = m.watchLines(u)
		}
		m.sink.Attach(l)
	}
	if s.ready >= 0 {
		m.watchReady(u, s.ready, false)
	}
	if s.beat >= 0 {
		m.watchBeat(u, s.beat, u.def.Ready.When == targets.Beating)
	}
}

// take puts a process into flight.
func (m *Manager) take(p *process, spec runtime.Spec) error {
	program := m.spareProgram()
	host := m.host
	if m.fragile(p.unit) {
		host.Flavour = runtime.Cow
	}
	if err := program.Load(host, spec); err != nil {
		m.spare = append(m.spare, program)
		return err
	}
	p.program, p.after = program, m.ring.Head()
	if err := m.record(p); err != nil {
		m.spare = append(m.spare, program)
		return err
	}
	if err := runtime.Start(program, p.slot, keeper.LandFD); err != nil {
		m.spare = append(m.spare, program)
		return &stepError{"clone", rootCause(err)}
	}
	m.flight = append(m.flight, p)
	return nil
}

// spareProgram takes a spare program, or makes one: there are never more than fit in flight.
func (m *Manager) spareProgram() *runtime.Program {
	if n := len(m.spare); n > 0 {
		p := m.spare[n-1]
		m.spare = m.spare[:n-1]
		return p
	}
	return &runtime.Program{}
}

// pipe makes a pipe whose reading end is out of the way of what children need.
func pipe() (r, w int, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	high, err := unix.FcntlInt(uintptr(p[0]), unix.F_DUPFD_CLOEXEC, highFD)
	if err == unix.EINVAL { // the limit of open files is lower (fcntl(2)): then where it is
		return p[0], p[1], nil
	}
	if err != nil {
		closeAll(p[:])
		return -1, -1, err
	}
	unix.Close(p[0])
	return high, p[1], nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
