package manager

import (
	"context"
	"errors"
	"time"

	"github.com/orderly-init/orderly/runtime/ready"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// asker is a readiness that is asked for, again and again, while the component starts: by a command, or a web server. The next
// question comes only when the one before has been answered.
type asker struct {
	unit     *unit
	run      uint32
	interval time.Duration // until the next question; it doubles up to poll_interval
	next     *chore
	over     bool
}

// askFor begins to ask with a question, which answers once, now or later.
func (m *Manager) askFor(u *unit, question func(*asker, func(holds bool))) {
	a := &asker{unit: u, run: u.run, interval: firstProbe}
	u.asker = a
	var ask func()
	ask = func() {
		if state, run := m.machine.StateOf(u.number); a.over || state != supervisor.Starting || run != a.run {
			return
		}
		question(a, func(holds bool) {
			switch {
			case a.over:
			case holds:
				a.over = true
				m.isReady(u, a.run)
			default:
				a.next = m.in(a.interval, ask)
				a.interval = longer(a.interval, u.def.Ready.PollInterval)
			}
		})
	}
	a.next = m.in(0, ask) // not from within landed, which goes through what is in flight
}

// stopAsking ends it; what is answered from now on means nothing.
func (m *Manager) stopAsking(u *unit) {
	if u.asker == nil {
		return
	}
	u.asker.over = true
	u.asker.next.callOff()
	u.asker = nil
	m.dismiss(u)
}

// askCommand runs ready.command.
func (m *Manager) askCommand(a *asker, answer func(holds bool)) {
	r := &a.unit.def.Ready
	if !m.inquire(a.unit, r.Command, r.ProbeTimeout, func(holds bool, _ string) { answer(holds) }) {
		answer(false)
	}
}

// askServer asks for ready.http, off the loop: connecting can take its time.
func (m *Manager) askServer(a *asker, answer func(holds bool)) {
	r, inside := a.unit.def.Ready, network(a.unit)
	m.work.Go(func() {
		code, err := get(m.life, inside, &r)
		m.loop.Post(func() { answer(err == nil && code >= 200 && code < 400) })
	})
}

// get asks a web server, in a container's network where there is one.
func get(ctx context.Context, namespace string, r *targets.Ready) (code int, err error) {
	ask := func() { code, err = ready.Get(ctx, r.Address, r.Path, r.ProbeTimeout) }
	if namespace == "" {
		ask()
		return code, err
	}
	if e := ready.In(namespace, ask); e != nil {
		return 0, e
	}
	return code, err
}

// askVsock asks the kernel for a vsock socket, or, where that does not tell, connects, off the loop.
func (m *Manager) askVsock(a *asker, answer func(holds bool)) {
	r := a.unit.def.Ready
	yes, err := m.sockets.Vsock(r.Address)
	if !errors.Is(err, ready.ErrNotTold) {
		m.vsockAnswer(a, answer, yes, err)
		return
	}
	m.work.Go(func() {
		yes, err := ready.ConnectVsock(r.Address, r.ProbeTimeout)
		m.loop.Post(func() { m.vsockAnswer(a, answer, yes, err) })
	})
}

func (m *Manager) vsockAnswer(a *asker, answer func(holds bool), yes bool, err error) {
	switch {
	case a.over:
	case errors.Is(err, ready.ErrNoVsock):
		a.over = true
		m.post(supervisor.NeverReady{Component: a.unit.number, Run: a.run, Why: "vsock:" + a.unit.def.Ready.Address + ": " + err.Error()})
	case err != nil:
		m.complainOnce(a.unit, "ready.socket: vsock:"+a.unit.def.Ready.Address+": "+err.Error())
	}
	answer(yes)
}

// askFile looks at a path where the kernel does not tell of changes, off the loop: the server of a network file system may not answer.
func (m *Manager) askFile(a *asker, answer func(holds bool)) {
	path := a.unit.path
	m.work.Go(func() {
		yes := path.Now()
		m.loop.Post(func() { answer(yes) })
	})
}
