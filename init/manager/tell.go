package manager

import (
	"runtime/debug"
	"time"

	"github.com/orderly-init/orderly/init/boot"
	"github.com/orderly-init/orderly/init/journal"
	"github.com/orderly-init/orderly/init/logs"
	"github.com/orderly-init/orderly/init/poll"
	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// tell appends to the event stream, and writes the same into the log. What a step has decided has the step's time, however long it
// took to store it.
func (m *Manager) tell(level targets.Level, e journal.Event) { m.tellAs(level, e, lineOf(&e)) }

// tellAs is tell with other words for the log.
func (m *Manager) tellAs(level targets.Level, e journal.Event, l logs.Line) {
	if e.Time = m.now; m.now == 0 {
		e.Time = poll.Now()
	}
	m.write(l, m.journal.Append(e))
	m.print(level, l.Name, l.Text)
}

// write puts the line of an event into the log. Once it is there no later manager does.
func (m *Manager) write(l logs.Line, seq uint64) { m.sink.Tell(l, func() { m.journal.Logged(seq) }) }

// lineOf is an event in the words of the log.
func lineOf(e *journal.Event) logs.Line {
	l := logs.Line{Name: logs.Name, Text: e.Text}
	switch e.Kind {
	case journal.Component:
		l.Name, l.Run, l.Text = e.Name, e.Run, supervisor.State(e.To).String()+because(e.Text)
	case journal.Target:
		l.Text = "target " + e.Name + ": " + supervisor.Top(e.To).String() + because(e.Text)
	case journal.System:
	}
	return l
}

// changed tells of a component's new state: to the journal, the log, and the console where it matters there.
func (m *Manager) changed(e supervisor.Changed) {
	if e.From == e.To && e.To != supervisor.Stopping && !m.mayRemark(m.units[e.Component]) {
		m.callers.notice()
		return
	}
	level := targets.Debug
	switch {
	case e.To == supervisor.Failed:
		level = targets.Error
	case e.From == supervisor.Stopping && e.To == supervisor.Stopping: // it had to be killed, or could not be
		level = targets.Warning
	case e.From == supervisor.Ready && e.To == supervisor.Stopping, e.To == supervisor.Ready, e.To == supervisor.Done:
		level = targets.Info
	}
	m.tell(level, journal.Event{Kind: journal.Component, From: uint8(e.From), To: uint8(e.To), Run: e.Run, Name: m.units[e.Component].name, Text: e.Reason})
	if e.To == supervisor.Stopping && e.Reason == (supervisor.Cause{Code: supervisor.Unkillable}).String() {
		m.tellHeld(m.units[e.Component])
	}
	m.callers.notice()
}

// What a component can cause at will must not push everything else out of the log and the event stream: so many events of one that
// stays in its state, of conditions that it raises above all, are told in such a time, and the others counted.
const (
	mostRemarks = 100
	remarksTime = 10 * time.Second
)

// remarks are those of one component.
type remarks struct {
	until        time.Duration // since boot
	told, untold int           // before that
}

// mayRemark says whether one more event of a component that stays in its state may be told.
func (m *Manager) mayRemark(u *unit) bool {
	r, now := &u.remarks, poll.Now()
	if now >= r.until {
		*r = remarks{until: now + remarksTime}
	}
	if r.told < mostRemarks {
		r.told++
		return true
	}
	if r.untold++; r.untold == 1 {
		m.in(r.until-now, func() {
			m.complain(u, itoa(r.untold)+" more events of it are not told: more than "+itoa(mostRemarks)+" in "+remarksTime.String())
			*r = remarks{}
		})
	}
	return false
}

// tellHeld tells of the processes that SIGKILL does not end.
func (m *Manager) tellHeld(u *unit) {
	var held []string
	for _, pid := range m.processes(u) {
		if text := boot.Held(pid); text != "" {
			held = append(held, text)
		}
	}
	for _, text := range held[:min(len(held), mostNamed)] {
		m.complain(u, text)
	}
	if more := len(held) - mostNamed; more > 0 {
		m.complain(u, "and "+itoa(more)+" more")
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// moved tells of the whole: a transition began or ended, a target failed.
func (m *Manager) moved(e supervisor.Moved) {
	name := ""
	if e.Target >= 0 && e.Target < len(m.config.Targets) {
		name = m.config.Targets[e.Target].Name
	}
	m.tell(targets.Info, journal.Event{Kind: journal.Target, To: uint8(e.Top), Name: name, Text: e.Reason})
	m.callers.notice()
	m.goesDown(e.Reason)
	if name != "" {
		m.aboveStatus("target " + name + ": " + e.Top.String() + because(e.Reason))
		m.reached(e)
	}
}

// reached does what comes with the end of a transition: the service manager above us is told, and when everything
// essential is ready the configuration has proved itself.
func (m *Manager) reached(e supervisor.Moved) {
	if e.Top == supervisor.Transition || e.Top == supervisor.ShuttingDown {
		return
	}
	m.guardAgain()
	if !m.shown {
		m.shown = true
		debug.SetGCPercent(steadyGC)
		m.above("READY=1")
	}
	m.prove(e.Target, e.Top)
}

// prove saves the configuration as the last good one when everything essential of the target is ready.
func (m *Manager) prove(target int, top supervisor.Top) {
	if !m.unproved() || top == supervisor.Transition || top == supervisor.ShuttingDown || top == supervisor.Fallback {
		return
	}
	missing, err := m.missing([]string{m.config.Targets[target].Name}, supervisor.Ready.String())
	if err == nil && len(missing) == 0 {
		m.proved()
	}
}

// system tells of something about the machine that is neither a component nor a target.
func (m *Manager) system(level targets.Level, text string) {
	m.tell(level, journal.Event{Kind: journal.System, Text: text})
}

// say writes to the log, and to the console at its level.
func (m *Manager) say(level targets.Level, name string, run uint32, text string) {
	m.sink.Say(name, run, text)
	m.print(level, name, text)
}

// print writes to the console, at its level.
func (m *Manager) print(level targets.Level, name, text string) {
	if level >= max(m.config.Log.Console, m.quiet) {
		m.voice.line(level, name, text)
	}
}

// complain is a warning about a component.
func (m *Manager) complain(u *unit, text string) { m.say(targets.Warning, u.name, u.run, text) }

// complainOnce is complain at most once per run for the same words: what a component can cause at will must not
// fill the log.
func (m *Manager) complainOnce(u *unit, text string) {
	if u.complained == u.run+1 {
		return
	}
	u.complained = u.run + 1
	m.complain(u, text)
}
