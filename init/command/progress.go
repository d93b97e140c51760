package command

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/control"
)

// progress is one live line on a terminal: what a transition waits for, for how long, of what limit. The daemon
// tells when something changes; the seconds in between are counted here.
type progress struct {
	mu   sync.Mutex
	last *control.Progress
	tick *time.Ticker
	quit chan struct{}
}

func newProgress(on bool) *progress {
	p := &progress{}
	if !on {
		return p
	}
	p.tick, p.quit = time.NewTicker(100*time.Millisecond), make(chan struct{})
	go func() {
		for {
			select {
			case <-p.tick.C:
				p.draw()
			case <-p.quit:
				return
			}
		}
	}()
	return p
}

func (p *progress) show(now *control.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now != nil {
		p.last = now
	}
}

// end removes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tick == nil {
		return
	}
	p.tick.Stop()
	close(p.quit)
	p.tick = nil
	fmt.Fprint(os.Stderr, "\r\x1b[K")
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || p.tick == nil {
		return
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K"+cut(progressText(p.last, now()), width()))
}

// progressText is the line: counts first, then who is waited for.
func progressText(p *control.Progress, at float64) string {
	parts := []string{fmt.Sprintf("%s: %d of %d ready", p.Target, p.Ready, p.Wanted)}
	for _, w := range p.Waiting {
		t := fmt.Sprintf("%s %s %s", w.Name, w.State, span(max(at-w.SinceMS, 0)))
		if w.LimitMS > 0 {
			t += " of " + span(w.LimitMS)
		}
		parts = append(parts, t)
	}
	return strings.Join(parts, ", ")
}

func width() int {
	ws, err := unix.IoctlGetWinsize(2, unix.TIOCGWINSZ)
	if err != nil || ws.Col == 0 {
		return 80
	}
	return int(ws.Col)
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) < n {
		return s
	}
	return string(r[:max(n-2, 0)]) + "…"
}
