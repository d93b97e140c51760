package manager

import (
	"maps"
	"slices"
	"time"

	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// A change is stored first, then told: in the event stream, then in the log. A manager that dies in between leaves the rest to the next
// one, so that whoever follows the events, or reads the log, sees no component jump.

// untold is the reason of a change of which only that it happened is known.
const untold = "a manager died before it told why"

// logUnlogged writes into the log what an earlier manager has told in the event stream alone.
func (m *Manager) logUnlogged() {
	for _, e := range m.journal.Unlogged() {
		l := lineOf(&e)
		l.Mono, l.Wall = e.Time, time.Now().Add(e.Time-poll.Now())
		m.write(l, e.Seq)
	}
}

// tellUntold tells of the changes of components that an earlier manager has stored and not told.
func (m *Manager) tellUntold() {
	events, _ := m.journal.After(0, 0)
	told := map[string]journal.Event{}
	for _, e := range events {
		if e.Kind == journal.Component {
			told[e.Name] = e
		}
	}
	for _, u := range m.units {
		last, ok := told[u.name]
		delete(told, u.name)
		if ok || len(events) == 0 || events[0].Seq == 1 {
			for _, e := range skipped(last, m.machine.Newest(u.number)) {
				m.changed(e)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) { // those that are not there any more
		e := told[name]
		if to := supervisor.State(e.To); to != supervisor.Down {
			m.tell(targets.Debug, journal.Event{Kind: journal.Component, From: e.To, To: uint8(supervisor.Down), Run: e.Run, Name: name, Text: untold})
		}
	}
}

// tellUntoldWhole does that for the state of the whole.
func (m *Manager) tellUntoldWhole() {
	var last *journal.Event
	events, _ := m.journal.After(0, 0)
	for i := range events {
		if events[i].Kind == journal.Target {
			last = &events[i]
		}
	}
	why := untold
	if last != nil && last.To == uint8(supervisor.ShuttingDown) {
		why = last.Text
	}
	m.goesDown(why)
	now := m.machine.Shown()
	if now.Target == supervisor.None {
		return
	}
	if last == nil && len(events) > 0 && events[0].Seq > 1 { // it is not kept any more
		last = &journal.Event{Name: m.config.Targets[now.Target].Name, To: uint8(supervisor.Transition)}
	}
	for _, e := range skippedWhole(last, m.config.Targets[now.Target].Name, now) {
		m.moved(e)
	}
}

// skippedWhole are the changes of the whole from what was told last to what is now: a transition begins every target. last is nil where
// nothing was told.
func skippedWhole(last *journal.Event, target string, now supervisor.Moved) (list []supervisor.Moved) {
	same := last != nil && last.Name == target
	if same && last.To == uint8(now.Top) {
		return nil
	}
	now.Reason = untold
	if !same && now.Top != supervisor.Transition {
		list = append(list, supervisor.Moved{Top: supervisor.Transition, Target: now.Target, Reason: untold})
	}
	return append(list, now)
}

// skipped are the changes from what was told last to what is now: one at least if that is not the same, and the end of the run that was
// told of and the beginning of the present one if that is another.
func skipped(last journal.Event, now supervisor.Changed) (list []supervisor.Changed) {
	from := supervisor.State(last.To)
	add := func(run uint32, to supervisor.State, reason string) {
		list = append(list, supervisor.Changed{Component: now.Component, Run: run, From: from, To: to, Reason: reason})
		from = to
	}
	if now.Run != last.Run && from != supervisor.Down {
		add(last.Run, supervisor.Down, untold)
	}
	if now.Run > last.Run && now.To != supervisor.Starting {
		add(now.Run, supervisor.Starting, untold)
	}
	if from != now.To {
		add(now.Run, now.To, now.Reason)
	}
	return list
}
