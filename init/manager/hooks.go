package manager

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/oci"
	"github.com/orderly-init/orderly/supervisor"
)

// Hooks of a bundle are programs that run as its container comes and goes, one after another. The child of a start stops on its way
// where some are to run, and goes on only when the manager says so: a start whose manager has died never does, and the next manager
// kills it and starts anew.
//
//	clone ── mounts ──► gate ──────────── pivot_root ── ids ──► gate ──────────── exec ──► … ──► empty
//	                     │ prestart, createRuntime,              │ startContainer  └ poststart      └ poststop
//	                     └ createContainer                       └ fails: killed, a failed start
type hooks struct {
	unit    *unit
	bundle  *oci.Bundle // the unit's when they were begun
	run     uint32
	left    []hook
	status  specs.ContainerState
	of      *process // whose namespaces those of the container enter
	then    func(error)
	lenient bool // a failure is told of, and the rest is run all the same
	process *process
	limit   *chore
	late    string
	off     bool // no other one begins
	spared  bool // a Kill is not for them: they came after it
}

// hook is one with the place where it runs.
type hook struct {
	oci.Hook
	place hookPlace
}

type hookPlace uint8

const (
	inRuntime    hookPlace = iota // as the manager is
	inNamespaces                  // in those of the container, with the files of the machine
	inContainer                   // as the container is
)

func hooksAt(place hookPlace, lists ...[]oci.Hook) []hook {
	var all []hook
	for _, list := range lists {
		for _, h := range list {
			all = append(all, hook{h, place})
		}
	}
	return all
}

// runHooks runs them when those before them have ended.
func (m *Manager) runHooks(h *hooks) {
	h.bundle = h.unit.bundle
	h.unit.hooks = append(h.unit.hooks, h)
	if len(h.unit.hooks) == 1 {
		m.soonHook(h)
	}
}

// soonHook begins the next one, not from within landed, which goes through what is in flight.
func (m *Manager) soonHook(h *hooks) { m.in(0, func() { m.nextHook(h) }) }

func (m *Manager) nextHook(h *hooks) {
	switch {
	case h.off:
		m.endHooks(h, errors.New("was stopped"))
		return
	case len(h.left) == 0:
		m.endHooks(h, nil)
		return
	}
	p, err := m.startHook(h, &h.left[0])
	if err != nil {
		m.hookDone(h, rootStep(err))
		return
	}
	h.process = p
	if limit := h.left[0].Timeout; limit > 0 {
		h.limit = m.in(limit, func() {
			h.late = "took longer than " + limit.String()
			m.killHook(h)
		})
	}
}

// hookEnded takes the end of one.
func (m *Manager) hookEnded(p *process, st supervisor.Status, why string) {
	u := p.unit
	if len(u.hooks) == 0 || u.hooks[0].process != p {
		return
	}
	h := u.hooks[0]
	switch {
	case h.late != "":
		why = h.late
	case why == "" && st != (supervisor.Status{}):
		why = st.String()
	}
	m.hookDone(h, why)
}

// hookDone goes on, or ends, when one has been; why it failed, "" where it did not.
func (m *Manager) hookDone(h *hooks, why string) {
	h.limit.callOff()
	h.process, h.limit, h.late = nil, nil, ""
	m.clearHooks(h.unit)
	one := h.left[0]
	h.left = h.left[1:]
	err := &stepError{"hook " + one.Name + " " + one.Path, errors.New(why)}
	switch {
	case why == "":
		m.soonHook(h)
	case h.lenient || h.off:
		m.complain(h.unit, err.Error())
		m.soonHook(h)
	default:
		m.endHooks(h, err)
	}
}

func (m *Manager) endHooks(h *hooks, err error) {
	u := h.unit
	u.hooks = u.hooks[1:]
	h.then(err)
	if len(u.hooks) > 0 {
		m.soonHook(u.hooks[0])
	}
}

// callOffHooks ends what runs of them, and lets no other one begin.
func (m *Manager) callOffHooks(u *unit) {
	for i, h := range u.hooks {
		if h.spared {
			continue
		}
		h.off = true
		if i == 0 && h.process != nil {
			m.killHook(h)
		}
	}
}

func (m *Manager) killHook(h *hooks) {
	m.signal(h.process, int(unix.SIGKILL))
	m.clearHooks(h.unit)
}

// hookGroups begins the names of the groups of a component's hooks: beside its own, since what limits the container is not for them. No
// component has a dot in its name.
func hookGroups(u *unit) string { return u.name + ".hooks." }

// hookGroup names a new one. Each hook has one of its own: into a group that has been killed nothing can be started before it is gone.
func (m *Manager) hookGroup(u *unit) string {
	m.hookCount++
	return hookGroups(u) + itoa(os.Getpid()) + "." + itoa(m.hookCount)
}

// clearHooks kills what hooks have left behind.
func (m *Manager) clearHooks(u *unit) {
	if m.tree == nil {
		return
	}
	names, _ := m.tree.Names()
	for _, name := range names {
		if strings.HasPrefix(name, hookGroups(u)) {
			m.tree.Kill(name)
			m.clean(name, 0)
		}
	}
}

// startHook starts one, with the state of the container as its standard input.
func (m *Manager) startHook(h *hooks, one *hook) (*process, error) {
	s := &start{process: &process{unit: h.unit, role: hookRole, run: h.run}, ready: -1, beat: -1}
	umask := 0o022
	s.spec = runtime.Spec{Path: one.Path, Args: one.Args, Env: one.Env, Dir: h.bundle.Dir, Umask: &umask}
	if zero := 0; m.shielded {
		s.spec.OOMScoreAdjust = &zero
	}
	if err := m.prepareHook(h, one.place, s); err != nil {
		m.undo(s)
		return nil, err
	}
	m.hold(s.held)
	if err := m.take(s.process, s.spec); err != nil {
		m.undo(s)
		return nil, err
	}
	for _, l := range s.logs {
		m.sink.Attach(l)
	}
	return s.process, nil
}

func (m *Manager) prepareHook(h *hooks, place hookPlace, s *start) error {
	if err := m.placeHook(h, place, s); err != nil {
		return err
	}
	state, err := stateFile(h.bundle.State(h.unit.name, h.status, h.pid(place)))
	if err != nil {
		return err
	}
	s.close = append(s.close, state)
	if err := m.attachCommand(s); err != nil {
		return err
	}
	s.spec.Files = append(s.spec.Files, runtime.File{Child: 0, FD: state})
	if m.tree == nil {
		return nil
	}
	fd, err := m.tree.Make(m.hookGroup(h.unit))
	if err != nil {
		return &stepError{"cgroup", err}
	}
	s.close, s.spec.Cgroup = append(s.close, fd), fd
	return nil
}

// placeHook puts one into the namespaces of the container; into those of before pivot_root with the files of the machine.
func (m *Manager) placeHook(h *hooks, place hookPlace, s *start) error {
	if place == inRuntime {
		return nil
	}
	pid := h.of.slot.Started()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return &stepError{"enter the container", err}
	}
	s.close = append(s.close, fd)
	kinds := kindsOf(pid)
	s.spec.Dir = "/"
	s.spec.Container = &runtime.Container{
		Enter: []runtime.Namespace{{Name: "of the container", FD: fd, Kinds: kinds}}, Map: kinds&unix.CLONE_NEWUSER != 0,
	}
	if own := &h.of.gate.spec; place == inContainer {
		s.spec.Credential, s.spec.Capabilities, s.spec.Sets, s.spec.Ambient = own.Credential, own.Capabilities, own.Sets, own.Ambient
		s.spec.NoNewPrivileges, s.spec.Limits, s.spec.Umask = own.NoNewPrivileges, own.Limits, own.Umask
	}
	return nil
}

// pid is that of the container's main process, as a hook sees it; 0 where there is none.
func (h *hooks) pid(place hookPlace) int {
	if h.of == nil {
		return 0
	}
	pid := h.of.number()
	if place == inRuntime {
		return pid
	}
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if inside, ok := innermost(string(b)); ok {
		return inside
	}
	return pid
}

// innermost is the number of a process in its own PID namespace: the last one of the line NSpid (proc_pid_status(5)).
func innermost(status string) (int, bool) {
	for line := range strings.Lines(status) {
		list, ok := strings.CutPrefix(line, "NSpid:")
		if !ok {
			continue
		}
		all := strings.Fields(list)
		if len(all) == 0 {
			return 0, false
		}
		inside, err := strconv.Atoi(all[len(all)-1])
		return inside, err == nil && inside > 0
	}
	return 0, false
}

// stateFile is a text to be read; in a pipe there would not be room for any.
func stateFile(text []byte) (int, error) {
	fd, err := keeper.Memfd("orderly-state", 0)
	if err != nil {
		return -1, err
	}
	if _, err = unix.Write(fd, text); err == nil {
		_, err = unix.Seek(fd, 0, 0)
	}
	if err != nil {
		unix.Close(fd)
		return -1, &stepError{"state of the container", err}
	}
	return fd, nil
}

// afterEnd runs the hooks of the end, once for each run, and then does what waits for them. It reports false where there are none.
func (m *Manager) afterEnd(u *unit, then func()) bool {
	b := u.bundle
	if b == nil || len(b.Hooks.Poststop) == 0 || u.mourned == u.run+1 {
		return false
	}
	u.mourned = u.run + 1
	h := &hooks{unit: u, run: u.run, status: specs.StateStopped, left: hooksAt(inRuntime, b.Hooks.Poststop), lenient: true}
	h.then = func(error) { then() }
	if m.machine.Killed(u.number) {
		m.spareHooks(h)
	}
	m.runHooks(h)
	return true
}

// mourningMargin is what lies between the end of the hooks of a container that was killed, and when that counts as one that cannot be.
const mourningMargin = time.Second

// spareHooks keeps hooks from the Kill before them, and gives them a time of their own instead.
func (m *Manager) spareHooks(h *hooks) {
	limit, then := max(m.machine.KilledUntil(h.unit.number)-poll.Now()-mourningMargin, mourningMargin), h.then
	end := m.in(limit, func() {
		why, left := "stopped after "+limit.Round(mourningMargin/10).String()+", since its container was killed", h.left
		if h.process != nil {
			h.late, left = why, left[1:]
		}
		for _, one := range left {
			m.complain(h.unit, "hook "+one.Name+" "+one.Path+": left out: "+why)
		}
		h.spared = false
		m.callOffHooks(h.unit)
	})
	h.spared = true
	h.then = func(err error) {
		end.callOff()
		then(err)
	}
}
