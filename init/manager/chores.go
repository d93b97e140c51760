package manager

import (
	"slices"
	"time"

	"github.com/orderly-init/orderly/init/poll"
)

// chore is something that the loop does at a time, unless it is called off.
type chore struct {
	at  time.Duration
	do  func()
	off bool
}

// callOff has a chore not done; nil is none.
func (c *chore) callOff() {
	if c != nil {
		c.off = true
	}
}

// in has something done after a while.
func (m *Manager) in(d time.Duration, do func()) *chore {
	c := &chore{at: poll.Now() + d, do: do}
	m.chores = append(m.chores, c)
	return c
}

// doChores does what is due, in the order of its time.
func (m *Manager) doChores(now time.Duration) {
	var due []*chore
	m.chores = slices.DeleteFunc(m.chores, func(c *chore) bool {
		if !c.off && c.at <= now {
			due = append(due, c)
		}
		return c.off || c.at <= now
	})
	slices.SortStableFunc(due, func(a, b *chore) int { return int(a.at - b.at) })
	for _, c := range due {
		if !c.off { // by one before it
			c.do()
		}
	}
}

// nextChore is when the next one is due; 0 is never.
func (m *Manager) nextChore() (next time.Duration) {
	for _, c := range m.chores {
		if !c.off && (next == 0 || c.at < next) {
			next = c.at
		}
	}
	return next
}
