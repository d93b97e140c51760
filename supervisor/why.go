package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// failure tells of a component that did not become ready: the step and why.
func (m *Machine) failure(c int) Failure {
	u := &m.units[c]
	f := Failure{Name: u.def.Name, Step: u.cause.Code.step(), Reason: u.cause.String()}
	if text := m.waitingText(c, m.now); u.state == Down && u.wanted && !u.failing && text != "" {
		f.Step, f.Reason = "waiting", text
	}
	if u.asking.on {
		f.Step, f.Reason = "condition", m.conditionText(c)
	}
	if u.state == Stopping && f.Step == "waiting" {
		f.Step, f.Reason = "stop", "still stopping"+colon(u.cause)
	}
	if u.state == Starting && f.Step == "waiting" {
		f.Step, f.Reason = "ready", "not ready yet"
	}
	return f
}

// Why tells in sentences why a component is as it is: itself first, then whom it waits for, and so on.
func (m *Machine) Why(now time.Duration, c int) []string {
	if c < 0 || c >= len(m.units) {
		return nil
	}
	w := whyWalk{m: m, now: now, seen: make([]bool, len(m.units))}
	w.about(c)
	return w.lines
}

type whyWalk struct {
	m     *Machine
	now   time.Duration
	seen  []bool
	lines []string
}

func (w *whyWalk) about(c int) {
	if w.seen[c] {
		return
	}
	w.seen[c] = true
	m, u := w.m, &w.m.units[c]
	w.lines = append(w.lines, u.def.Name+" "+m.sentence(c, w.now)+m.wantedText(c))
	if u.state != Down && u.state != Failed && !u.view.has(viewGoes) {
		return
	}
	if u.wanted || u.alive() {
		for _, wait := range m.waitsFor(c) {
			w.about(wait.Component)
		}
	}
}

// wantedText tells through which edge c is wanted.
func (m *Machine) wantedText(c int) string {
	u := &m.units[c]
	switch {
	case !u.wanted:
		return ""
	case u.because.From == "":
		return " (" + u.because.Edge + ")"
	case u.because.Edge == replacesEdge:
		return " (in place of " + u.because.From + ")"
	}
	return " (" + u.because.From + " " + u.because.Edge + " it)"
}

// sentence tells the state of c and what it comes from.
func (m *Machine) sentence(c int, now time.Duration) string {
	u := &m.units[c]
	switch u.state {
	case Ready, Done:
		return m.readyText(c, now)
	case Starting:
		return "is starting " + elapsed(now-u.since, u.startLimit()) + ": " + u.reason()
	case Stopping:
		return m.stoppingText(c, now)
	case Failed:
		return "failed" + colon(u.cause) + m.usedText(c, now) + m.replacedText(c)
	case Down, Waiting, Backoff:
	}
	if !u.wanted {
		return "is down" + colon(m.whyDown(c))
	}
	if u.asking.skipped {
		return "is down" + colon(u.cause)
	}
	text := m.waitingText(c, now)
	if u.failing {
		return strings.TrimSuffix(text+" after "+u.cause.String()+m.usedText(c, now), " after ")
	}
	return text
}

// whyDown tells why one that is not wanted is down. What it went down of is over: somebody may have wanted it since, and not any more.
func (m *Machine) whyDown(c int) Cause {
	if u := &m.units[c]; u.stopped && u.cause.Code == Released {
		return u.cause
	}
	return m.whyStop(c)
}

func (m *Machine) readyText(c int, now time.Duration) string {
	u := &m.units[c]
	text := "is ready since " + seconds(now-u.readyAt)
	if u.state == Done {
		text = "ended well " + seconds(now-u.readyAt) + " ago"
	}
	if u.view.has(viewGoes) {
		text += ", has to stop (" + m.whyStop(c).String() + ") and waits for its dependents"
	}
	return text
}

func (m *Machine) stoppingText(c int, now time.Duration) string {
	u := &m.units[c]
	text := "is stopping " + elapsed(now-u.since, u.def.StopTimeout) + colon(u.cause)
	switch {
	case u.stuck:
		text += "; killed, and still has processes that do not die"
	case u.killed:
		text += "; killed"
	case u.command != 0:
		text += "; " + u.command.String() + " runs"
	}
	return text
}

// usedText tells how much of recovery is used.
func (m *Machine) usedText(c int, now time.Duration) string {
	u := &m.units[c]
	r := u.recovery()
	used := u.failures.since((now - r.Window).Milliseconds())
	if used == 0 || r.Attempts == 0 || r.Action != targets.Restart {
		return ""
	}
	return fmt.Sprintf("; %d of %d restarts in %v used", min(used, r.Attempts), r.Attempts, r.Window)
}

// waitingText tells what keeps a wanted component from starting.
func (m *Machine) waitingText(c int, now time.Duration) string {
	var texts []string
	for h := range m.holds(c) {
		texts = append(texts, m.holdText(c, h, now))
	}
	if m.units[c].asking.on {
		texts = append(texts, m.conditionText(c)+" ("+elapsed(now-m.units[c].since, max(m.due[c]-m.units[c].since, 0))+")")
	}
	return strings.Join(slices.Compact(texts), ", ")
}

func (m *Machine) holdText(c int, h hold, now time.Duration) string {
	switch h.kind {
	case holdNeed, holdWant:
		return "waits for " + m.brief(h.other, now)
	case holdAny:
		return "waits for one of depends_on_any: " + m.brief(h.other, now)
	case holdConflict:
		return "waits until " + m.name(h.other) + " is gone, in conflict with it"
	case holdDependent:
		return "waits until its dependent " + m.name(h.other) + " is gone"
	case holdBackoff:
		return "starts again in " + seconds(max(m.due[c]-now, 0))
	case holdLeft:
		return "stays down" + colon(m.units[c].cause) + "; a start by hand or an activation helps"
	case holdStops:
		return "waits until everything that is not wanted has stopped"
	case holdSkipped:
		return m.units[c].cause.String()
	case holdSafe:
		return safeReason
	case holdEnding:
		return "cannot start: " + m.ending.end.String()
	}
	return ""
}

// brief is a component with its state in a few words.
func (m *Machine) brief(c int, now time.Duration) string {
	u := &m.units[c]
	switch {
	case u.state == Starting:
		return u.def.Name + " (starting " + elapsed(now-u.since, u.startLimit()) + ")"
	case u.stopped:
		return u.def.Name + " (stopped by hand)"
	case u.state == Failed:
		return u.def.Name + " (failed" + colon(u.cause) + ")"
	}
	return u.def.Name + " (" + m.derived(c, now).String() + ")"
}

func colon(why Cause) string {
	if why.Code == NoCause {
		return ""
	}
	return ": " + why.String()
}

// startLimit is start_timeout, none for a start that is held.
func (u *unit) startLimit() time.Duration {
	if u.hold {
		return 0
	}
	return u.def.StartTimeout
}

// elapsed tells a time and its limit: "since 1.2s of 10s".
func elapsed(since, limit time.Duration) string {
	if limit <= 0 {
		return "since " + seconds(since)
	}
	return "since " + seconds(since) + " of " + limit.String()
}

// seconds is a duration that a person can read: no more than milliseconds.
func seconds(d time.Duration) string {
	if d > 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
