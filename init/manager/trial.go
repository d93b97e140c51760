package manager

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/keeper"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/internal/durable"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// A trial is a configuration that waits to be confirmed. The one before comes back when it is not:
//
//	apply --confirm ─► the one before is saved, and held by the keeper ─► apply ─┬─ confirm: both are removed
//	                                                                            ├─ time is up: apply the one before
//	                   the manager dies: the next one goes on with the trial ───┤
//	                   the machine resets: the next boot uses the one before ───┘
//
// The saved one stays until a configuration is confirmed, or applied without a trial: what is on the disk is the one
// that was not confirmed.
type trial struct {
	begins bool          // what to go back to is on its way to the disk
	until  time.Duration // since boot; 0 is no trial
	over   *chore        // what is done then
	back   swap          // what to go back to
}

// holds says whether no other configuration may be applied.
func (t *trial) holds() bool { return t.begins || t.until != 0 }

// appendTrial writes what the keeper holds of a trial, before the bundle: until when, in nanoseconds since boot, and the target to go back to.
func appendTrial(b []byte, until time.Duration, target string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(until))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(target)))
	return append(b, target...)
}

// readTrial reads what appendTrial has written, and returns the rest.
func readTrial(b []byte) (until time.Duration, target string, bundle []byte, ok bool) {
	const head = 10
	if len(b) < head {
		return 0, "", nil, false
	}
	n := head + int(binary.LittleEndian.Uint16(b[8:]))
	if len(b) < n {
		return 0, "", nil, false
	}
	return time.Duration(binary.LittleEndian.Uint64(b)), string(b[head:n]), b[n:], true
}

// try begins a trial, before the new configuration is applied. It is called off the loop, since a disk can be slow;
// what it cannot save it does not try.
func (m *Manager) try(span time.Duration) error {
	var before *forgetting
	back, err := inLoop(m, func() (swap, error) {
		if m.trial.holds() {
			return swap{}, control.Refused(nil, "another configuration waits to be confirmed")
		}
		m.trial.begins = true
		before = m.forgets
		back := swap{config: m.config, sources: m.sources}
		if t := m.machine.Active(); t != supervisor.None {
			back.target = m.config.Targets[t].Name
		}
		return back, nil
	})
	if err != nil {
		return err
	}
	_ = before.wait() // it would take away what is saved now
	bundle := targets.Bundle(back.sources)
	if m.keepsState(back.config) {
		if err := durable.Save(boot.Unconfirmed(back.config.StateDirectory), bundle, 0o600); err != nil {
			m.untry()
			return control.Refused(nil, "%v", err)
		}
	}
	_, err = inLoop(m, func() (struct{}, error) {
		m.onTrial(poll.Now()+span, back)
		err := m.entrust(keeper.Trial, append(appendTrial(nil, m.trial.until, back.target), bundle...))
		if err != nil {
			m.endTrial()
		}
		return struct{}{}, err
	})
	return err
}

// keepsState says whether the state directory is this Orderly's alone: as PID 1, or because the configuration names one.
func (m *Manager) keepsState(c *targets.Config) bool {
	return m.PID1 || c.StateDirectory != boot.DefaultState
}

// resumeTrial goes on with the trial of a dead manager; one whose configuration is not in force, not yet or not any more, is over.
func (m *Manager) resumeTrial(fd int) {
	if fd < 0 {
		return
	}
	b, err := entrusted(fd)
	if err != nil {
		return
	}
	until, target, bundle, ok := readTrial(b)
	if !ok {
		return
	}
	if bytes.Equal(bundle, targets.Bundle(m.sources)) {
		m.drop(keeper.Tag{Use: keeper.Trial})
		m.remark(wentBack)
		return
	}
	back, err := unbundled(bundle)
	if err != nil {
		m.system(targets.Error, "configuration before the trial: "+err.Error())
		return
	}
	back.target = target
	m.onTrial(until, back)
}

// onTrial lets the one before come back at a time, unless the trial has ended by then.
func (m *Manager) onTrial(until time.Duration, back swap) {
	m.trial = trial{until: until, over: m.in(until-poll.Now(), m.trialOver), back: back}
}

// unbundled reads a configuration that has been valid before.
func unbundled(bundle []byte) (swap, error) {
	sources, err := targets.Unbundle(bundle)
	if err != nil {
		return swap{}, err
	}
	config, problems := targets.Load(sources)
	if problems.Fatal() {
		return swap{}, problems
	}
	return swap{config: config, sources: sources}, nil
}

// trialOver goes back when nobody has confirmed in time. The trial ends when that is done: a manager that dies before leaves it to the next.
func (m *Manager) trialOver() {
	m.system(targets.Warning, "the configuration was not confirmed: the one before comes back")
	back := m.trial.back
	back.then = func() {
		m.endTrial()
		m.remark(wentBack)
	}
	back.request = m.callers.enter(func(r supervisor.Result) {
		if r.Kind != supervisor.ResultRefused || m.stopping != supervisor.GoOn {
			return
		}
		m.endTrial()
		m.remark(stays)
		m.system(targets.Error, stays+": "+r.Why)
	})
	m.applies = append(m.applies, back)
}

func (m *Manager) endTrial() {
	m.trial.over.callOff()
	m.trial = trial{}
	m.drop(keeper.Tag{Use: keeper.Trial})
}

// trialNote is what status says of a trial.
func (m *Manager) trialNote() []string {
	if m.trial.until == 0 {
		return nil
	}
	left := (m.trial.until - poll.Now()).Round(time.Second)
	return []string{fmt.Sprintf("the configuration waits to be confirmed: the one before comes back in %v", max(0, left))}
}

// forgetting is the removal of the configuration before from the disk, which is done off the loop. Nothing is confirmed before it lasts.
type forgetting struct {
	done chan struct{}
	err  error
}

// wait waits for its end; nil is none.
func (f *forgetting) wait() error {
	if f == nil {
		return nil
	}
	<-f.done
	return f.err
}

// settled forgets the configuration before: the present one is confirmed.
func (m *Manager) settled() {
	m.stands()
	m.forgetBefore()
}

// stands is for a configuration that is not on trial, or not any more.
func (m *Manager) stands() {
	m.saved = false
	m.usesTheDisk()
	if t := m.machine.Active(); t != supervisor.None && t < len(m.config.Targets) {
		m.prove(t, m.machine.Snapshot(poll.Now()).State)
	}
}

// forgetBefore removes the configuration before from the disk.
func (m *Manager) forgetBefore() {
	if !m.keepsState(m.config) {
		return
	}
	path := boot.Unconfirmed(m.config.StateDirectory)
	f := &forgetting{done: make(chan struct{})}
	m.forgets = f
	m.work.Go(func() {
		defer close(f.done)
		if f.err = durable.Forget(path); f.err != nil {
			text := f.err.Error()
			m.loop.Post(func() { m.system(targets.Warning, text) })
		}
	})
}

// lasts waits until the disk knows that the present configuration is the confirmed one.
func (m *Manager) lasts() error {
	f, err := inLoop(m, func() (*forgetting, error) { return m.forgets, nil })
	if err != nil {
		return err
	}
	if err := f.wait(); err != nil {
		return control.Failed("%v; the configuration is in force, but the next boot may use the one before it", err)
	}
	return nil
}

// confirm ends a trial well, once the disk knows: a manager that dies before leaves the trial to the next, and it can be confirmed again.
func (m *Manager) confirm(context.Context, control.Call) (any, error) {
	_, err := inLoop(m, func() (any, error) {
		if m.trial.until == 0 {
			return nil, control.Refused(nil, "no configuration waits to be confirmed")
		}
		m.trial.over.callOff()
		m.forgetBefore()
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	err = m.lasts()
	m.loop.Call(func() {
		m.endTrial()
		m.stands()
		if err == nil {
			m.system(targets.Info, "the configuration is confirmed")
		}
	})
	return control.Empty{}, err
}

// distrust goes back, before the first target is activated, to the configuration before one that the machine did not
// live to have confirmed. then is what follows.
func (m *Manager) distrust(then func()) {
	if m.rescued || !m.keepsState(m.config) || m.Again > 0 && m.machine.Active() != supervisor.None {
		then()
		return
	}
	path := boot.Unconfirmed(m.config.StateDirectory)
	m.work.Go(func() {
		b, err := os.ReadFile(path)
		m.loop.Post(func() {
			if err != nil {
				then()
				return
			}
			m.goBack(b, then)
		})
	})
}

// usesTheDisk takes back what was said when the configuration on the disk was not the one that is used.
func (m *Manager) usesTheDisk() {
	m.unremark(wentBack)
	m.unremark(stays)
}

// These hold until a configuration is applied, or confirmed.
const (
	wentBack = "the configuration on the disk was not confirmed: the one before it is used; orderly apply uses that on the disk"
	stays    = "the configuration was not confirmed, but the one before it cannot come back before the next boot"
)

func (m *Manager) goBack(bundle []byte, then func()) {
	back, err := unbundled(bundle)
	if err != nil {
		m.system(targets.Error, "configuration before the unconfirmed one: "+err.Error())
		then()
		return
	}
	m.remark(wentBack)
	m.system(targets.Warning, wentBack)
	back.then = then
	m.applies = append(m.applies, back)
}

// untry ends a trial whose configuration was not applied. What is saved stays: the disk has what was not confirmed.
func (m *Manager) untry() { m.loop.Call(m.endTrial) }
