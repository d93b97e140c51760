package supervisor

import "github.com/orderly-init/orderly/targets"

// Effect is one thing to do. Effects are performed in order, after the changed facts have been stored.
type Effect interface{ effect() }

// Launch starts the main process of a component as the given run.
type Launch struct {
	Component int
	Run       uint32
	Debug     bool // with debug_arguments
	Hold      bool // stopped before the exec; SIGCONT lets it go on
}

// TakeIn makes a process the main one of a run, as if it had been launched; an Exited follows like for any other, at
// once when it is gone already.
type TakeIn struct {
	Component int
	Run       uint32
	PID       int
}

// LetGo ends the supervision of a run: its processes live on, and no Exited or Emptied follows.
type LetGo struct {
	Component int
	Run       uint32
}

// RunCommand runs stop_command or reload_command; a CommandEnded follows. Cancel ends one that is still running,
// with everything it started.
type (
	RunCommand struct {
		Component int
		Run       uint32
		Command   Command
	}
	CancelCommand struct {
		Component int
		Run       uint32
		Command   Command
	}
)

// Signal goes to the main process, or to every process of the component when Group is set.
type Signal struct {
	Component int
	Run       uint32
	Signal    int
	Group     bool
}

// Kill ends every process of the component at once; an Exited (if the main process was alive) and an Emptied follow.
type Kill struct {
	Component int
	Run       uint32
}

// Changed is one line of the event stream: a component went from one state to another, and why.
type Changed struct {
	Component int
	Run       uint32
	From, To  State
	Reason    string // a cause in words: "wanted by full", "exit 1", "start timeout 2s", "dependency x failed"
}

// Moved is one line of the event stream about the machine: a transition began, was superseded, ended.
type Moved struct {
	Top    Top
	Target int
	Reason string
}

// Answer ends a request.
type Answer struct {
	Request Request
	Result  Result
}

// Renumbered tells, before anything else of an Apply, the new number of each old component and target, or None.
// A removed component that still has to stop keeps a number, behind those of the new graph.
type Renumbered struct{ Components, Targets []int }

// Finish tells that everything is down after a Shutdown: the last system calls follow.
type Finish struct{ End End }

// LastResort tells that the fallback target failed for good (R12).
type LastResort struct{ Action targets.FallbackAction }

// Bug reports what cannot happen: logged in life, fatal in simulation.
type Bug struct{ Text string }

func (Launch) effect()        {}
func (TakeIn) effect()        {}
func (LetGo) effect()         {}
func (RunCommand) effect()    {}
func (CancelCommand) effect() {}
func (Signal) effect()        {}
func (Kill) effect()          {}
func (Changed) effect()       {}
func (Moved) effect()         {}
func (Answer) effect()        {}
func (Renumbered) effect()    {}
func (Finish) effect()        {}
func (LastResort) effect()    {}
func (Bug) effect()           {}
