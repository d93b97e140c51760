package netns

import (
	"sync"
	"time"
)

// A member that asks without end must not have the processor of the one who answers: so many questions are answered
// in a while, on a whole network. What is beyond waits in the kernel, and is thrown away there when it becomes too much.
const (
	paceWhile = 100 * time.Millisecond
	paceMost  = 500
)

// pace counts what is done. The zero value has done nothing.
type pace struct {
	mu    sync.Mutex
	since time.Time // when the present while began
	done  int       // in it
}

// next says how long to wait before one more thing is done.
func (p *pace) next(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.since) >= paceWhile {
		p.since, p.done = now, 0
	}
	p.done++
	if p.done <= paceMost {
		return 0
	}
	return paceWhile - now.Sub(p.since)
}
