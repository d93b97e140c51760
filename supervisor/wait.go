package supervisor

import (
	"slices"
	"time"
)

// waiter is a caller who waits for components.
type waiter struct {
	id         Request
	at         time.Duration
	want       waitFor
	components []int
}

type waitFor uint8

const (
	waitReady waitFor = iota + 1
	waitDown
	waitReload
)

func (m *Machine) wait(w waiter) {
	if w.id == 0 {
		return
	}
	w.at = m.now
	w.components = slices.Clone(w.components)
	m.waiting = append(m.waiting, w)
}

// answerWaiters answers every caller whose components have got there, or cannot any more.
func (m *Machine) answerWaiters() {
	kept := m.waiting[:0]
	for _, w := range m.waiting {
		result, done := m.outcome(&w)
		if !done {
			kept = append(kept, w)
			continue
		}
		result.Took = int64(m.now - w.at)
		m.answer(w.id, result)
	}
	m.waiting = kept
}

func (m *Machine) outcome(w *waiter) (Result, bool) {
	var r Result
	open := false
	for _, c := range w.components {
		switch m.progress(w, c) {
		case waitOver:
		case waitOn:
			open = true
		case waitOverruled:
			return Result{Kind: ResultSuperseded, By: m.overruledBy(c)}, true
		case waitFailed:
			r.Kind = ResultFailed
			f := m.failure(c)
			if w.want == waitReload { // now its state says why the command was called off; later it may be another one
				f.Step = reloadStep
				return Result{Kind: ResultFailed, Failed: []Failure{f}}, true
			}
			r.Failed = append(r.Failed, f)
		}
	}
	return r, !open
}

// reloadStep is where a reload fails.
const reloadStep = "reload"

func (m *Machine) overruledBy(c int) string {
	if m.units[c].wanted {
		return m.whyWanted(c).String()
	}
	return m.whyStop(c).String()
}

type waitState uint8

const (
	waitOver waitState = iota
	waitOn
	waitOverruled
	waitFailed
)

// progress says how far a component is for a waiter.
func (m *Machine) progress(w *waiter, c int) waitState {
	u := &m.units[c]
	switch w.want {
	case waitReload:
		if u.command == ReloadCommand {
			return waitOn
		}
		return waitFailed
	case waitDown:
		return u.progressDown()
	case waitReady:
		return m.progressReady(c)
	}
	return waitOver
}

func (u *unit) progressDown() waitState {
	switch {
	case !u.alive():
		return waitOver
	case u.stuck:
		return waitFailed
	case u.wanted:
		return waitOverruled
	}
	return waitOn
}

func (m *Machine) progressReady(c int) waitState {
	u := &m.units[c]
	switch {
	case !u.wanted:
		return waitOverruled
	case u.view.has(viewReady) && !u.view.has(viewGoes):
		return waitOver
	case u.state == Failed || u.view.has(viewBlocked):
		return waitFailed
	}
	return waitOn
}
