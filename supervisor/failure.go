package supervisor

import (
	"math"
	"time"

	"github.com/orderly-init/orderly/targets"
)

// history holds the times of the newest failures in milliseconds since boot, oldest first.
type history struct {
	n     int
	times [targets.MaxAttempts]int64
}

// add appends a time, forgetting the oldest.
func (h *history) add(ms int64) {
	if h.n == len(h.times) {
		copy(h.times[:], h.times[1:])
		h.n--
	}
	h.times[h.n] = ms
	h.n++
}

// since counts the times after ms.
func (h *history) since(ms int64) int {
	n := 0
	for _, t := range h.times[:h.n] {
		if t > ms {
			n++
		}
	}
	return n
}

// failed notes that a run failed while nobody wanted it gone. After a failure at run time the dependents that
// asked for it go along, at once (R11).
func (m *Machine) failed(c int, why Cause) {
	u := &m.units[c]
	late := u.state == Ready
	u.failing, u.failedOnce = true, true
	m.sweep(c, why)
	if late && u.recovery().Action != targets.Ignore {
		m.takeAlong(c)
	}
}

// startTimedOut stops a run that was not ready in time; a stop for failure waits for nobody.
func (m *Machine) startTimedOut(c int) {
	u := &m.units[c]
	m.cannotStart(c, Cause{Code: StartTimeout, Text: u.def.StartTimeout.String()})
}

// neverReady ends a start that cannot succeed any more. One that was ready but for its pid_file stays so: the manager that read that
// may be dead, and the next one finds a channel that is closed.
func (m *Machine) neverReady(c int, text string) {
	if u := &m.units[c]; u.state != Starting || u.said {
		return
	}
	m.cannotStart(c, Cause{Code: NotReady, Text: text})
}

// cannotStart stops a run that will not be ready, at once; one that has to go anyway has not failed.
func (m *Machine) cannotStart(c int, why Cause) {
	if m.goes(c).has(viewGoes) {
		m.stop(c, why)
		return
	}
	m.failed(c, why)
}

// takeAlong stops the dependents of a failed component whose on_dependency_failure says so. Theirs are asked
// in the same way, for they lose a dependency through the same failure.
func (m *Machine) takeAlong(c int) {
	why := Cause{Code: DependencyFailed, Text: m.name(c)}
	for _, list := range [2][]int{m.edges.neededBy[c], m.edges.anyOfBy[c]} {
		for _, d := range list {
			u := &m.units[d]
			if !u.alive() || u.state == Stopping || u.def.OnDependencyFailure == targets.Leave || !m.loses(d, c) {
				continue
			}
			u.held = u.def.OnDependencyFailure == targets.StopIt
			u.along = true
			m.stop(d, why)
			m.takeAlong(d)
		}
	}
}

// loses says whether d has lost what it needs with c: by depends_on, or as the last of depends_on_any that was ready.
func (m *Machine) loses(d, c int) bool {
	for _, n := range m.edges.needs[d] {
		if n == c {
			return true
		}
	}
	for _, n := range m.edges.anyOf[d] {
		if s := m.units[n].state; s == Ready || s == Done || m.units[n].asking.skipped {
			return false
		}
	}
	return true
}

// afterFailure decides after a failed run is down: another start after its delay, or what comes when attempts are
// used up (R12).
func (m *Machine) afterFailure(c int) {
	u := &m.units[c]
	r := u.recovery()
	if u.readyAt != 0 && r.ResetAfter > 0 && m.now-u.readyAt >= r.ResetAfter {
		u.failures, u.exponent = history{}, 0
	}
	now := m.now.Milliseconds()
	used := u.failures.since(now-r.Window.Milliseconds()) >= r.Attempts
	u.failures.add(now)
	retry := !m.safe && u.exitClass() == plainExit && (r.Action == targets.Retry || r.Action == targets.Restart && (!used || r.Then == targets.Retry))
	if !retry {
		m.giveUp(c)
		return
	}
	m.setDue(c, m.now+delay(u.def.Name, r, u.exponent))
	u.exponent = min(u.exponent+1, math.MaxUint8) // as far as a record can count
	m.move(c, Down, u.cause)
}

// giveUp leaves c failed, and calls for the ladder where recovery asks for it.
func (m *Machine) giveUp(c int) {
	u := &m.units[c]
	m.move(c, Failed, u.cause)
	if u.raises() {
		m.raised = append(m.raised, c)
	}
}

// delay is the time before the next start: growing by backoff up to max_delay, of which the jitter's share
// depends on the name and the attempt, so that many do not start at one instant and each always at the same.
func delay(name string, r *targets.Recovery, exponent int) time.Duration {
	limit := float64(math.MaxInt64 / 4)
	if r.MaxDelay > 0 {
		limit = float64(r.MaxDelay)
	}
	growth := min(math.Pow(max(r.Backoff, 1), float64(exponent)), math.MaxInt64)
	d := min(float64(r.Delay)*growth, limit)
	share := float64(hash(name, uint64(exponent))>>11) / (1 << 53)
	d -= d * r.Jitter * share
	return time.Duration(d)
}

// hash is FNV-1a over a name and a number.
func hash(name string, n uint64) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	for range 8 {
		h = (h ^ n&0xff) * 1099511628211
		n >>= 8
	}
	return h
}

// forgive lets c start afresh: a start by hand, an activation, a changed definition (R12).
func (m *Machine) forgive(c int) {
	u := &m.units[c]
	u.failures, u.exponent, u.held, u.failedOnce = history{}, 0, false, false
	m.retest(c)
	m.changed(c)
	if u.alive() {
		return
	}
	m.setDue(c, 0)
	u.failing = false
	if u.state == Failed {
		m.move(c, Down, m.whyWanted(c))
	}
}
