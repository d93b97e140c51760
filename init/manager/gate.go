package manager

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/runtime"
)

// gate is where the child of a start stops for hooks.
type gate struct {
	here, let int
	spec      runtime.Spec
	passed    int
	left      int // how many are closed still
}

// closed says whether a child waits for hooks, or may come to.
func (g *gate) closed() bool { return g != nil && g.left > 0 }

// gateFor makes the gates of a start, where its bundle has hooks for them.
func (m *Manager) gateFor(s *start) error {
	b := s.unit.bundle
	if b == nil || !b.Hooks.BeforePivot() && !b.Hooks.BeforeExec() {
		return nil
	}
	here, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return &stepError{"eventfd", err}
	}
	s.close = append(s.close, here)
	let, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return &stepError{"eventfd", err}
	}
	s.close = append(s.close, let)
	s.spec.Container.Gate = &runtime.Gate{Here: here, Go: let, BeforePivot: b.Hooks.BeforePivot(), BeforeExec: b.Hooks.BeforeExec()}
	s.gate = &gate{here: here, let: let, spec: s.spec}
	for _, there := range []bool{b.Hooks.BeforePivot(), b.Hooks.BeforeExec()} {
		if there {
			s.gate.left++
		}
	}
	return nil
}

// watchGate waits for a child to arrive at its gates.
func (m *Manager) watchGate(p *process) {
	if g := p.gate; g != nil {
		m.loop.Add(g.here, func() { m.arrived(p) })
	}
}

// arrived runs the hooks of the gate that a child has come to, and lets it go on.
func (m *Manager) arrived(p *process) {
	g, b := p.gate, p.unit.bundle
	poll.Calm(g.here)
	h := &hooks{unit: p.unit, run: p.run, of: p, then: func(err error) { m.openGate(p, err) }}
	if g.passed++; g.passed == 1 && b.Hooks.BeforePivot() {
		h.status = specs.StateCreating
		h.left = append(hooksAt(inRuntime, b.Hooks.Prestart, b.Hooks.CreateRuntime), hooksAt(inNamespaces, b.Hooks.CreateContainer)...)
	} else {
		h.status, h.left = specs.StateCreated, hooksAt(inContainer, b.Hooks.StartContainer)
	}
	m.runHooks(h)
}

// openGate lets a child go on, or kills it where a hook has failed.
func (m *Manager) openGate(p *process, err error) {
	switch {
	case p.gate == nil: // it is gone
	case err != nil:
		if p.fault == nil {
			p.fault = err
		}
		m.signal(p, int(unix.SIGKILL))
	default:
		if p.gate.left--; p.gate.left == 0 {
			p.slot.Unbar()
		}
		poll.Bump(p.gate.let)
	}
}

// leaveGate ends the watching of a child that has executed, or is gone.
func (m *Manager) leaveGate(p *process) {
	if p.gate == nil {
		return
	}
	m.loop.Remove(p.gate.here)
	p.gate = nil
	m.callOffHooks(p.unit)
}
