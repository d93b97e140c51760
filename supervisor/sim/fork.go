package sim

import (
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// forks lets some components of some lands go on in the background.
func (l *land) forks(c *targets.Component, version int) {
	d := throw(l.seed, "pid file", c.Name, version)
	if !throw(l.seed, "forking land").chance(25) || c.Kind == targets.Oneshot || !d.chance(50) {
		return
	}
	c.PIDFile, c.Start = "/run/"+c.Name, 1<<33+uint64(version)
	if c.Ready.When == targets.Started || c.Ready.When == targets.FD {
		c.Ready.When = targets.Forked
	}
}

// fork is how one run goes on in the background: its first process ends, and a file names the other one, in either order. Until the
// manager knows of it the other one is a kid.
type fork struct {
	on      bool
	exit    time.Duration // of the first process, from exec
	name    time.Duration // from exec until the file is written, or never
	written bool
	over    bool // the other one is the main process
}

func forkOf(seed uint64, def *targets.Component, run uint32, p *plan, mild bool) fork {
	if def.PIDFile == "" {
		return fork{}
	}
	d := throw(seed, "fork", def.Name, int(run))
	f := fork{on: true, exit: d.span(0, 100*time.Millisecond), name: d.span(0, 150*time.Millisecond)}
	if p.kids == 0 || mild {
		p.kidsLive = never
	}
	if !mild && temperOf(seed, def.Name) != sound && d.chance(20) {
		f.name = never
	}
	p.kids++
	return f
}

// forks begins it at the exec.
func (w *world) forks(s *set) {
	if !s.fork.on {
		return
	}
	w.after(s.fork.exit, func() {
		if !s.fork.over {
			w.end(s, supervisor.Status{})
		}
	})
	if s.fork.name != never {
		w.after(s.fork.name, func() { w.write(s) })
	}
}

// write is the moment when the file names the other process.
func (w *world) write(s *set) {
	if s.kids == 0 {
		return
	}
	s.fork.written = true
	w.tell(s, "named", func(c int) supervisor.Event { return w.follow(s, c) })
}

// follow is what the manager makes of the file: nil where it names nobody of the component, or nobody new.
func (w *world) follow(s *set, c int) supervisor.Event {
	named := supervisor.Named{Component: c, Run: s.run}
	switch {
	case !s.fork.written || s.fork.over || s.main == executed && s.kids == 0:
		return nil
	case s.main == executed:
		return named
	case s.main != ended || s.kids == 0:
		return nil
	}
	s.fork.over, s.watched = true, false
	s.main = executed
	s.kids--
	if s.plan.exit != never {
		w.after(s.plan.exit, func() { w.exit(s) })
	}
	return named
}

// found is what another manager makes of the file.
func (w *world) found(s *set, c int) []supervisor.Event {
	if s.fork.over && s.main == executed {
		return []supervisor.Event{supervisor.Named{Component: c, Run: s.run}}
	}
	if ev := w.follow(s, c); ev != nil {
		return []supervisor.Event{ev}
	}
	return nil
}
