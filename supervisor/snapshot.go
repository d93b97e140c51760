package supervisor

import "time"

// Snapshot is the state of everything at one moment, with times since boot.
type Snapshot struct {
	Now        time.Duration
	Target     string // the active target; "" before the first request
	State      Top
	Since      time.Duration // when State began; for a transition its acceptance
	Limit      time.Duration // when the transition or the shutdown times out; 0 is never
	End        End           // of a shutdown
	Components []ComponentStatus
}

// ComponentStatus is one component in a Snapshot. Those that an Apply removed and that still stop come last.
type ComponentStatus struct {
	Component int
	Name      string
	State     State // waiting and backoff too; a oneshot that ended well is Ready
	Run       uint32
	Restarts  uint32 // automatic ones, since boot
	Wanted    bool
	Essential bool
	Started   bool     // marked by hand
	Stopped   bool     // marked by hand
	Removed   bool     // no longer in the configuration
	Announces []string // conditions that it has raised, sorted
	Skipped   bool     // left out because a start condition did not hold; counts as ready
	Testing   bool     // its start conditions are waited for, until Limit
	Exit      *Status
	Reason    string // why it is not ready; "" when it is
	Degraded  bool   // by its own report
	Text      string // what it says of itself
	Since     time.Duration
	Start     time.Duration // of the newest run; 0 is never
	Ready     time.Duration // of the newest run; 0 is not yet
	Limit     time.Duration // when the start or stop times out, or the next start is due; 0 is never
	WaitsFor  []Wait
	Heartbeat string // what was counted last; "" before that and where it does not beat
}

// Wait is somebody whom a component waits for before it can start or stop.
type Wait struct {
	Component int
	Name      string
	State     State
}

// Snapshot tells how everything is.
func (m *Machine) Snapshot(now time.Duration) Snapshot {
	s := m.whole(now)
	s.Components = make([]ComponentStatus, 0, len(m.units))
	for c := range m.units {
		if u := &m.units[c]; !u.leaver || u.alive() {
			s.Components = append(s.Components, m.status(c, now))
		}
	}
	return s
}

// SnapshotOf is Snapshot with one component alone.
func (m *Machine) SnapshotOf(c int, now time.Duration) Snapshot {
	s := m.whole(now)
	s.Components = []ComponentStatus{m.status(c, now)}
	return s
}

// whole is a Snapshot without components.
func (m *Machine) whole(now time.Duration) Snapshot {
	s := Snapshot{Now: now, Target: m.targetName(m.target), State: m.top(), Since: m.began, End: m.ending.end}
	s.Limit = m.act.deadline
	if s.State == ShuttingDown {
		s.Limit = m.ending.deadline
	}
	return s
}

func (m *Machine) status(c int, now time.Duration) ComponentStatus {
	u := &m.units[c]
	s := ComponentStatus{
		Component: c, Name: u.def.Name, State: m.derived(c, now), Run: u.run, Restarts: u.restarts,
		Wanted: u.wanted, Essential: u.essential && !u.forgone(), Started: u.started, Stopped: u.stopped, Removed: u.leaver,
		Announces: u.announces, Skipped: u.asking.skipped, Testing: u.asking.on,
		Reason: u.reason(), Degraded: u.degraded, Text: u.text,
		Heartbeat: u.pulse.text(&u.def.Heartbeat),
		Since:     u.since, Start: u.startAt, Ready: u.readyAt, Limit: m.due[c],
	}
	if u.exited && !u.main {
		exit := u.exit
		s.Exit = &exit
	}
	if s.State == Waiting || u.view.has(viewGoes) {
		s.WaitsFor = m.waitsFor(c)
	}
	switch {
	case s.State == Waiting:
		s.Reason = m.waitingText(c, now)
	case u.stuck && u.state == Stopping:
		s.Reason = Cause{Code: Unkillable}.String() + "; " + s.Reason
	case s.State == Down && !u.wanted && (u.stopped || s.Reason != ""): // of one that never ran there is nothing to tell
		s.Reason = m.whyDown(c).String()
	}
	return s
}

// derived is the state as shown.
func (m *Machine) derived(c int, now time.Duration) State {
	u := &m.units[c]
	switch {
	case u.state == Done:
		return Ready
	case u.state != Down || !u.wanted || u.asking.skipped:
		return u.state
	case m.due[c] > now && !u.asking.on:
		return Backoff
	}
	return Waiting
}

func (m *Machine) waitsFor(c int) []Wait {
	var waits []Wait
	add := func(n int) {
		if n != None {
			waits = append(waits, Wait{Component: n, Name: m.name(n), State: m.derived(n, m.now)})
		}
	}
	if !m.units[c].alive() {
		for h := range m.holds(c) {
			add(h.other)
		}
		return waits
	}
	for d := range m.stopHolds(c) {
		add(d)
	}
	return waits
}
