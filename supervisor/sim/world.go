package sim

import (
	"slices"
	"time"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// world is the processes and what is going to happen to them. It knows no rule.
type world struct {
	seed   uint64
	now    time.Duration
	due    []happening // the next one last
	count  int
	sets   map[string]*set   // by component: the processes of its newest run
	asked  map[string]uint32 // by component: the test of its start conditions that goes on
	mild   bool              // new runs do well
	exits  uint64            // of the keeper's ring
	epoch  int               // of managers: what was on its way to an earlier one is lost
	notice func(notice)      // what the manager is told, at the time it is told
}

// happening is one thing that is going to happen.
type happening struct {
	at    time.Duration
	order int
	do    func()
}

// notice is what the manager is told of a run; the event is made when it is told.
type notice struct {
	set   *set
	event func(component int) supervisor.Event
}

// mainState is how far a main process is.
type mainState uint8

const (
	queued mainState = iota // the manager has not cloned it yet
	cloned                  // between clone and exec
	executed
	ended
	unmade // taken back before the clone
)

// set is the processes of one run: the main one, what it left behind, and commands about it.
type set struct {
	name     string
	run      uint32
	when     targets.When
	plan     plan
	main     mainState
	failed   bool // no program ran
	status   supervisor.Status
	memory   string // the kernel killed the main process, and why
	seq      uint64
	pressed  bool // a stop signal waits for exec
	struck   bool // a kill does
	kids     int
	commands []*command
	ready    bool
	closed   bool // the readiness channel, without a word
	heard    bool // what the channel said has been read
	watched  bool // the manager waits for its end
	gone     bool // its component left the configuration, or let go of it
	held     bool // before its exec
	told     time.Duration
	pulse    pulse
	fork     fork
}

type command struct {
	kind supervisor.Command
	plan commandPlan
}

func (s *set) mainAlive() bool { return s.main == cloned || s.main == executed }

// alive says whether the run has any process but commands.
func (s *set) alive() bool { return s != nil && (s.mainAlive() || s.kids > 0) }

// empty is what the kernel says of the cgroup: commands are in it too.
func (s *set) empty() bool { return !s.alive() && len(s.commands) == 0 }

// after lets something happen after a time.
func (w *world) after(d time.Duration, do func()) {
	w.count++
	h := happening{w.now + d, w.count, do}
	i := len(w.due)
	for i > 0 && w.due[i-1].at <= h.at {
		i--
	}
	w.due = slices.Insert(w.due, i, h)
}

// next takes what happens next.
func (w *world) next() happening {
	h := w.due[len(w.due)-1]
	w.due = w.due[:len(w.due)-1]
	return h
}

// tell gives the manager a notice after a while, never before an earlier one of the same run.
func (w *world) tell(s *set, what string, event func(c int) supervisor.Event) {
	late := throw(w.seed, "late", s.name, int(s.run), what, int(w.now)).span(0, 20*time.Millisecond)
	s.told = max(s.told, w.now+late)
	epoch := w.epoch
	w.after(s.told-w.now, func() {
		if epoch == w.epoch {
			w.notice(notice{s, event})
		}
	})
}

func (w *world) tellLaunched(s *set) {
	w.tell(s, "launched", func(c int) supervisor.Event {
		if s.failed {
			return supervisor.LaunchFailed{Component: c, Run: s.run, Step: "exec", Why: "no such file or directory"}
		}
		return supervisor.Launched{Component: c, Run: s.run}
	})
}

func (w *world) tellReady(s *set) {
	w.tell(s, "ready", func(c int) supervisor.Event {
		s.heard = true
		return s.readyEvent(c)
	})
}

func (w *world) tellClosed(s *set) {
	w.tell(s, "closed", func(c int) supervisor.Event {
		s.heard = true
		return supervisor.NeverReady{Component: c, Run: s.run, Why: "closed"}
	})
}

// tellExited comes from the keeper's ring; whether the group is empty is looked at when it is told.
func (w *world) tellExited(s *set) {
	first := s.fork.on && !s.fork.over
	w.tell(s, "exited", func(c int) supervisor.Event {
		if ev := w.follow(s, c); ev != nil || first && s.fork.over {
			return ev
		}
		s.watched = !s.empty()
		return s.exitOf(c)
	})
}

func (w *world) tellEmptied(s *set) {
	w.tell(s, "emptied", func(c int) supervisor.Event { return supervisor.Emptied{Component: c, Run: s.run} })
}

func (w *world) tellLost(s *set) {
	w.tell(s, "lost", func(c int) supervisor.Event { return supervisor.Lost{Component: c, Run: s.run} })
}

// launch begins a run of a component.
func (w *world) launch(def *targets.Component, run uint32, held bool) {
	s := &set{name: def.Name, run: run, when: def.Ready.When, held: held,
		plan: planOf(w.seed, def.Name, run, def.Kind == targets.Oneshot, w.mild)}
	s.pulse = pulseOf(w.seed, def, run, w.mild)
	s.fork = forkOf(w.seed, def, run, &s.plan, w.mild)
	w.sets[def.Name] = s
	if s.plan.queued > 0 {
		w.after(s.plan.queued, func() { w.clone(s) })
		return
	}
	w.clone(s)
}

func (w *world) clone(s *set) {
	if s.main != queued {
		return
	}
	s.main = cloned
	w.after(s.plan.exec, func() { w.exec(s) })
}

func (w *world) exec(s *set) {
	if s.main != cloned || s.held {
		return
	}
	if s.plan.noExec {
		s.failed, s.status = true, supervisor.Status{Code: 127}
		w.tellLaunched(s)
		w.end(s, s.status)
		return
	}
	s.main, s.kids = executed, s.plan.kids
	s.pulse.begin(w.now)
	w.tellLaunched(s)
	if s.plan.ready != never && s.when != targets.Started && s.when != targets.Forked {
		w.after(s.plan.ready, func() { w.becomeReady(s) })
	}
	if s.plan.closed != never && s.when == targets.FD {
		w.after(s.plan.closed, func() { w.closeChannel(s) })
	}
	if s.plan.exit != never && !s.fork.on {
		w.after(s.plan.exit, func() { w.exit(s) })
	}
	w.forks(s)
	if s.pressed {
		w.press(s)
	}
	if s.struck {
		w.after(0, func() { w.end(s, supervisor.Status{Signal: 9}) })
	}
}

func (w *world) becomeReady(s *set) {
	if (s.main == executed || s.fork.on && s.alive()) && !s.ready {
		s.ready = true
		w.tellReady(s)
	}
}

func (w *world) closeChannel(s *set) {
	if s.main == executed && !s.ready {
		s.closed = true
		w.tellClosed(s)
	}
}

// exit is the end that the run's plan has; in a mild world what is ready goes on.
func (w *world) exit(s *set) {
	if !w.mild || !s.ready {
		w.starve(s)
		w.end(s, s.plan.status)
	}
}

// end is the end of the main process.
func (w *world) end(s *set, how supervisor.Status) {
	if !s.mainAlive() {
		return
	}
	w.exits++
	if !s.fork.on || s.fork.over || s.kids == 0 {
		s.pulse.end(w.now)
	}
	s.main, s.status, s.seq = ended, how, w.exits
	early := s.empty() && throw(w.seed, "early", s.name, int(s.run)).chance(5)
	if early && !s.failed {
		w.tellEmptied(s)
	}
	w.tellExited(s)
	w.emptied(s) // where another manager does not know that it was the main process
	if s.kids > 0 && s.plan.kidsLive != never {
		w.after(s.plan.kidsLive, func() { w.endKids(s) })
	}
}

func (w *world) endKids(s *set) {
	if s.kids == 0 {
		return
	}
	s.kids = 0
	w.emptied(s)
}

// emptied tells the end of the last process when somebody waits for it.
func (w *world) emptied(s *set) {
	if s.watched && s.empty() {
		s.watched = false
		w.tellEmptied(s)
	}
}

// unmake takes a run back that has not been cloned.
func (w *world) unmake(s *set) bool {
	if s.main != queued {
		return false
	}
	s.main = unmade
	w.tellLost(s)
	return true
}

// signal is the stop signal to the main process or to all.
func (w *world) signal(s *set, group bool) {
	if w.unmake(s) {
		return
	}
	w.press(s)
	if group && s.kids > 0 && s.plan.kidsTerm != never {
		w.after(s.plan.kidsTerm, func() { w.endKids(s) })
	}
}

func (w *world) press(s *set) {
	switch {
	case s.main == cloned:
		s.pressed = true
	case s.main == executed && s.plan.term != never:
		w.after(s.plan.term, func() { w.end(s, supervisor.Status{Signal: 15}) })
	}
}

// kill ends everything that the run has; some need their time for it (uninterruptible sleep). Where it comes before the exec it may
// be the main process alone that gets it, when that has made others.
func (w *world) kill(s *set) {
	if w.unmake(s) {
		return
	}
	if s.main == cloned && !s.held && throw(w.seed, "struck", s.name, int(s.run)).chance(50) {
		s.struck = true
		return
	}
	w.after(s.plan.kill, func() {
		for _, c := range slices.Clone(s.commands) {
			w.endCommand(s, c, supervisor.Status{Signal: 9})
		}
		w.end(s, supervisor.Status{Signal: 9})
		w.endKids(s)
	})
}

func (w *world) runCommand(s *set, kind supervisor.Command) {
	c := &command{kind, commandPlanOf(w.seed, s.name, s.run, kind)}
	if c.plan.fails {
		w.tell(s, "no command", func(n int) supervisor.Event {
			return supervisor.CommandEnded{Component: n, Run: s.run, Command: kind, Why: "exec: no such file or directory"}
		})
		return
	}
	s.commands = append(s.commands, c)
	if c.plan.ends != never {
		w.after(c.plan.ends, func() { w.endCommand(s, c, c.plan.status) })
	}
}

func (w *world) endCommand(s *set, c *command, how supervisor.Status) {
	i := slices.Index(s.commands, c)
	if i < 0 {
		return
	}
	s.commands = slices.Delete(s.commands, i, i+1)
	w.tell(s, "command", func(n int) supervisor.Event {
		return supervisor.CommandEnded{Component: n, Run: s.run, Command: c.kind, Status: how}
	})
	if c.kind == supervisor.StopCommand && how == (supervisor.Status{}) && c.plan.stops {
		w.after(max(s.plan.term, 0), func() { w.end(s, supervisor.Status{}) })
	}
	w.emptied(s)
}

// cancel kills the commands of a kind.
func (w *world) cancel(s *set, kind supervisor.Command) {
	for _, c := range slices.Clone(s.commands) {
		if c.kind == kind {
			w.after(0, func() { w.endCommand(s, c, supervisor.Status{Signal: 9}) })
		}
	}
}
