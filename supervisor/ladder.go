package supervisor

import (
	"time"

	"github.com/orderly-init/orderly/targets"
)

// The ladder's fixed numbers (R12).
const (
	fallbackAttempts = 3                // tries of the fallback target
	fallbackDelay    = time.Second      // before the second; then doubling
	fallbackLimit    = time.Minute      // at most
	calm             = 60 * time.Second // settled for so long: a later failure is another episode
)

// ladder is what is remembered of one episode of failures. A caller's request ends the episode, and so does calm.
type ladder struct {
	visited []bool        // by target: entered in this episode
	again   bool          // the target that names itself has been retried
	led     bool          // to the active target
	fallen  bool          // the fallback target was reached by the ladder
	tries   int           // of the fallback target
	retryAt time.Duration // of the next try of the fallback; 0 is none
	doneAt  time.Duration // when the last transition ended
}

// firstTry counts a caller's activation of the fallback target as a try.
func (m *Machine) firstTry(target int) int {
	if target == m.fallback() {
		return 1
	}
	return 0
}

// fallback is the number of fallback_target, or None.
func (m *Machine) fallback() int { return m.targetNumber(m.graph.Config.FallbackTarget) }

func (m *Machine) targetNumber(name string) int {
	if t, ok := m.graph.Config.Target(name); ok {
		return t
	}
	return None
}

// climb acts on failures of a settled machine: the calls that components raised, and the fallback's next try.
func (m *Machine) climb() bool {
	if m.ladder.retryAt != 0 && m.ladder.retryAt <= m.now {
		m.ladder.retryAt = 0
		m.table.markMachine()
		again := m.target != None && m.target == m.fallback() // another configuration may have another one
		if again && m.count.lacking > 0 {
			m.ladder.tries++
			return m.enter(m.target)
		}
	}
	for len(m.raised) > 0 {
		c := m.raised[0]
		m.raised = m.raised[1:]
		m.table.mark(c)
		u := &m.units[c]
		if u.state != Failed || !u.wanted || !u.essential && u.lastAction() == targets.Escalate {
			continue
		}
		if m.escalate(c, m.name(c)+": "+u.cause.String()) {
			return true
		}
	}
	return false
}

// rebootRaised lets recovery "reboot" of a component that is not essential act during a transition; every other
// call waits for its end (R13).
func (m *Machine) rebootRaised() bool {
	for _, c := range m.raised {
		if u := &m.units[c]; u.state == Failed && u.wanted && u.lastAction() == targets.Reboot {
			m.end(Reboot, m.name(c)+": "+u.cause.String())
			return true
		}
	}
	return false
}

// escalate takes the next step after the culprit's recovery is used up, or after a time-out (None): the target
// that the component names, the active target's recovery, the fallback target, the last resort.
func (m *Machine) escalate(culprit int, reason string) bool {
	if m.ladder.doneAt != 0 && m.now-m.ladder.doneAt >= calm {
		m.ladder = ladder{doneAt: m.ladder.doneAt, led: m.ladder.led, fallen: m.ladder.fallen, tries: m.firstTry(m.target)}
	}
	m.visit(m.target)
	action := targets.Escalate
	if culprit != None && m.units[culprit].state == Failed {
		action = m.units[culprit].lastAction()
	}
	switch action {
	case targets.Reboot:
		m.end(Reboot, reason)
		return true
	case targets.Activate:
		if t := m.targetNumber(m.units[culprit].recovery().Target); t != None && m.mayEnter(t) {
			return m.enter(t)
		}
	case targets.Escalate, targets.Restart, targets.Retry, targets.Stop, targets.Replace, targets.Ignore:
	}
	return m.nextTarget()
}

// mayEnter says whether the ladder may go to t: no target is entered twice, but one that names itself retries once.
func (m *Machine) mayEnter(t int) bool {
	if t == m.target && t != m.fallback() && !m.ladder.again {
		m.ladder.again = true
		return true
	}
	return m.ladder.visited == nil || !m.ladder.visited[t]
}

func (m *Machine) visit(t int) {
	if t == None {
		return
	}
	if m.ladder.visited == nil {
		m.ladder.visited = make([]bool, len(m.roots))
	}
	m.ladder.visited[t] = true
	m.table.markTargets()
}

func (m *Machine) nextTarget() bool {
	fallback := m.fallback()
	if m.target == None {
		return false
	}
	if m.target == fallback {
		return m.retryFallback()
	}
	recovery := m.targetNumber(m.graph.Config.Targets[m.target].Recovery)
	if recovery != None && m.mayEnter(recovery) {
		return m.enter(recovery)
	}
	if fallback == None {
		return false
	}
	if m.ladder.tries >= fallbackAttempts { // left by recovery "activate" of a component in it
		return m.retryFallback()
	}
	m.ladder.tries++
	return m.enter(fallback)
}

// retryFallback waits for the next try of the fallback, or ends with the last resort.
func (m *Machine) retryFallback() bool {
	if m.fallback() == None || m.ladder.retryAt != 0 || m.ladder.tries > fallbackAttempts {
		return false
	}
	m.ladder.fallen = m.target == m.fallback()
	if m.ladder.tries == fallbackAttempts {
		m.ladder.tries++
		m.table.markMachine()
		m.emit(LastResort{Action: m.graph.Config.OnFallbackFailure})
		return false
	}
	m.ladder.retryAt = m.now + min(fallbackDelay<<(max(m.ladder.tries, 1)-1), fallbackLimit)
	m.table.markMachine()
	return false
}

// enter begins the activation of a target by recovery.
func (m *Machine) enter(t int) bool {
	m.ladder.led = m.ladder.led || t != m.target
	m.ladder.fallen = t == m.fallback()
	m.ladder.retryAt = 0
	m.visit(t)
	m.begin(request{at: m.now, target: t}, recovered)
	return true
}
