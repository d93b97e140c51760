package manager

import (
	"context"

	"github.com/orderly-init/orderly/supervisor"
)

// callers are those who wait: for the answer to a request, or for something to change. It belongs to the loop.
type callers struct {
	last    supervisor.Request
	waiting map[supervisor.Request]func(supervisor.Result)
	news    chan struct{} // closed at the next change; nil where nobody waits for one
}

// answer hands a result to its caller, who may have gone.
func (c *callers) answer(a supervisor.Answer) {
	if hear, ok := c.waiting[a.Request]; ok {
		delete(c.waiting, a.Request)
		hear(a.Result)
	}
}

// notice tells everybody who waits for a change.
func (c *callers) notice() {
	if c.news != nil {
		close(c.news)
		c.news = nil
	}
}

// change returns a channel that is closed at the next change.
func (c *callers) change() <-chan struct{} {
	if c.news == nil {
		c.news = make(chan struct{})
	}
	return c.news
}

// enter gives a caller its number.
func (c *callers) enter(hear func(supervisor.Result)) supervisor.Request {
	if c.waiting == nil {
		c.waiting = map[supervisor.Request]func(supervisor.Result){}
	}
	c.last++
	c.waiting[c.last] = hear
	return c.last
}

// request has a caller's request made by the loop and returns the channel of its result. A caller that has gone
// changes nothing: the transition goes on.
func (m *Manager) request(post func(supervisor.Request) error) (results <-chan supervisor.Result, err error) {
	ch := make(chan supervisor.Result, 1)
	ok := m.loop.Call(func() {
		id := m.callers.enter(func(r supervisor.Result) { ch <- r })
		if err = post(id); err != nil {
			delete(m.callers.waiting, id)
		}
	})
	if !ok {
		return nil, errEnding
	}
	return ch, err
}

// result is request and the waiting for its result.
func (m *Manager) result(ctx context.Context, make func(supervisor.Request) error) (supervisor.Result, error) {
	results, err := m.request(make)
	if err != nil {
		return supervisor.Result{}, err
	}
	select {
	case r := <-results:
		return r, nil
	case <-ctx.Done():
		return supervisor.Result{}, ctx.Err()
	}
}
