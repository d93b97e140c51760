package supervisor

import "github.com/orderly-init/orderly/targets"

// Event is one thing that happened: a request, or a fact from the kernel. Events that name a run other than
// the component's present one change nothing (an exit of an old run, a readiness that came late).
type Event interface{ event() }

// Request numbers a caller who waits for an Answer; 0 is nobody.
type Request uint64

// Activate asks for a run target.
type Activate struct {
	Request   Request
	Target    int
	Queue     bool // wait for the transition in progress to end
	StopFirst bool // all stops before the first start
}

// Start, Stop and Restart ask for components by hand (R3); Reload sends reload_signal or runs reload_command.
type (
	Start struct {
		Request    Request
		Components []int
		Debug      bool // with debug_arguments, this once
		Hold       bool // stopped before the exec, until it is started again; the caller does not wait
	}
	Stop struct {
		Request    Request
		Components []int
	}
	Restart struct {
		Request    Request
		Components []int
	}
	Reload struct {
		Request    Request
		Components []int
	}
)

// Adopt makes a process that something else has started the main process of a component. Release lets go of the
// processes of components: they live on without supervision.
type (
	Adopt struct {
		Request   Request
		Component int
		PID       int
	}
	Release struct {
		Request    Request
		Components []int
	}
)

// Shutdown asks for the end. It outranks all that came before it.
type Shutdown struct {
	Request Request
	End     End
	Why     string // where no person asks for it
}

// End is how the machine, or the program when it is not PID 1, ends.
type End uint8

// The ends. The zero value is "it goes on".
const (
	GoOn End = iota
	Poweroff
	Reboot
	Halt
	Kexec
	Exit // not PID 1: the program ends with status 0
)

// Apply swaps the configuration between two events (R14). The new graph may number components differently.
type Apply struct {
	Request Request
	Graph   *targets.Graph
	Version uint32 // see [StoredVersion]
	Back    string // the target to go to where recovery led to the active one, or that is removed; "" is none: it stays, or nothing is done
}

// Launched tells that exec has succeeded; LaunchFailed that it has not: no program ran, Step and Why say where.
type (
	Launched struct {
		Component int
		Run       uint32
	}
	LaunchFailed struct {
		Component int
		Run       uint32
		Step      string // the failing step, e.g. "exec /usr/bin/x"
		Why       string // e.g. "no such file or directory"
	}
)

// BecameReady tells that the readiness condition holds.
type BecameReady struct {
	Component int
	Run       uint32
}

// NeverReady tells that the readiness condition of a run cannot hold any more: its channel was closed without a word.
// That is a failed start, also when the program goes on.
type NeverReady struct {
	Component int
	Run       uint32
	Why       string
}

// Exited tells how the main process ended. Empty says that no process of its group is left; where it is false
// an Emptied follows when that is so.
type Exited struct {
	Component int
	Run       uint32
	Seq       uint64 // of the keeper's exit ring, stored with the fact it changes
	Status    Status
	Memory    string // the kernel killed it for want of memory: which limit was reached; "" is not so
	Empty     bool
}

// Emptied tells that no process of the component is left.
type Emptied struct {
	Component int
	Run       uint32
}

// CommandEnded tells how a stop_command or reload_command ended.
type CommandEnded struct {
	Component int
	Run       uint32
	Command   Command
	Status    Status
	Why       string // when it could not be started
}

// Reported is what a component says of itself on its notify socket.
type Reported struct {
	Component int
	Run       uint32
	Text      string // STATUS=, "" is unchanged
	Blank     bool   // STATUS= without a text, which takes the one before back
	Degraded  bool
	Healthy   bool // takes Degraded back
	Stopping  bool
	MainPID   int
	Extend    int64 // EXTEND_TIMEOUT_USEC in nanoseconds, 0 is none
}

// Lost tells, after a manager's death, that a run has no process that anybody knows of (R16).
type Lost struct {
	Component int
	Run       uint32
}

// Beats tells how often components have beaten since they were last looked at (see BeatsDue).
type Beats struct{ List []Beat }

// Beat is the count of one run.
type Beat struct {
	Component int
	Run       uint32
	Count     int
	Frozen    bool // by the cgroup freezer: it cannot beat
}

// Triggered tells that a component itself asks to be treated as one whose heartbeat is lost (WATCHDOG=trigger,
// sd_notify(3)).
type Triggered struct {
	Component int
	Run       uint32
}

// Tick tells that time has passed: the deadline is due.
type Tick struct{}

// Command is a helper program of a component.
type Command uint8

// The commands.
const (
	StopCommand Command = iota + 1
	ReloadCommand
)

func (Activate) event()     {}
func (Start) event()        {}
func (Stop) event()         {}
func (Restart) event()      {}
func (Reload) event()       {}
func (Adopt) event()        {}
func (Release) event()      {}
func (Shutdown) event()     {}
func (Apply) event()        {}
func (Launched) event()     {}
func (LaunchFailed) event() {}
func (BecameReady) event()  {}
func (NeverReady) event()   {}
func (Exited) event()       {}
func (Emptied) event()      {}
func (CommandEnded) event() {}
func (Reported) event()     {}
func (Lost) event()         {}
func (Beats) event()        {}
func (Triggered) event()    {}
func (Tick) event()         {}

// ofRun is an event about one run of a component. One that names another run than the present one changes nothing.
type ofRun interface {
	Event
	of() (component int, run uint32)
}

func (e Launched) of() (int, uint32)     { return e.Component, e.Run }
func (e LaunchFailed) of() (int, uint32) { return e.Component, e.Run }
func (e BecameReady) of() (int, uint32)  { return e.Component, e.Run }
func (e NeverReady) of() (int, uint32)   { return e.Component, e.Run }
func (e Exited) of() (int, uint32)       { return e.Component, e.Run }
func (e Emptied) of() (int, uint32)      { return e.Component, e.Run }
func (e CommandEnded) of() (int, uint32) { return e.Component, e.Run }
func (e Reported) of() (int, uint32)     { return e.Component, e.Run }
func (e Announced) of() (int, uint32)    { return e.Component, e.Run }
func (e Lost) of() (int, uint32)         { return e.Component, e.Run }
func (e Triggered) of() (int, uint32)    { return e.Component, e.Run }
