package targets

import "time"

// Config is one checked configuration with every default filled in.
type Config struct {
	InitialTarget  string // never empty in a checked configuration
	FallbackTarget string // "" is none

	OnFallbackFailure      FallbackAction
	FallbackFailureCommand []string      // argv, for FallbackCommand
	ShutdownTimeout        time.Duration // everything still alive is killed after it
	StateDirectory         string        // what must outlive a reboot
	RebootLimit            int           // reboots that nobody asked for before the rescue instead; 0 is no limit
	RebootWindow           time.Duration // in which they are counted, of uptime

	Control  Control
	Log      Log
	System   System
	Watchdog Watchdog

	Filters    []Filter    // in name order
	Networks   []Network   // in name order
	Components []Component // in name order; the index is the component's number
	Targets    []Target    // in name order; the index is the target's number
}

// FallbackAction says what happens when the fallback target failed as well (R12).
type FallbackAction uint8

// The actions of on_fallback_failure. The zero value is reboot.
const (
	FallbackReboot FallbackAction = iota
	FallbackPoweroff
	FallbackHalt
	FallbackCommand
	FallbackWatchdog
)

// Control is the [control] table: who may use the control socket.
type Control struct {
	Group     string // members may change; root always may. "" is nobody else
	ReadGroup string // members may look; "" is everybody
	Mode      uint32 // of the socket file
}

// Log is the [log] table.
type Log struct {
	Directory string
	MaxSize   int64 // bytes of one component's log before rotation
	Console   Level // what reaches the console
}

// Level orders messages by weight. The zero value is Info.
type Level int8

// The levels, as the console setting names them.
const (
	Debug Level = iota - 1
	Info
	Warning
	Error
	Silent // nothing reaches the console ("off")
)

// System is the [system] table: what PID 1 sets up before the first component.
type System struct {
	Hostname    string
	Modules     []string
	Sysctl      []Setting // in key order
	MachineID   string    // "transient", "persistent" or "" (left alone)
	CtrlAltDel  string    // "reboot", "poweroff", "halt", "ignore"
	PowerButton string    // "poweroff", "reboot", "halt", "ignore"
	Mounts      []Mount   // in the order written
}

// Setting is one key with its value.
type Setting struct{ Key, Value string }

// Mount is one [[system.mounts]] entry.
type Mount struct {
	Source, Target, Type, Options string
	Fsck                          bool // run fsck.TYPE before mounting
}

// Kind tells a component that stays from one that ends.
type Kind uint8

// The kinds. The zero value is Daemon.
const (
	Daemon Kind = iota
	Oneshot
)

// Component is one [component.NAME] table, or one instance of it.
type Component struct {
	Name        string // NAME, or NAME@INSTANCE
	Description string
	Kind        Kind
	Detached    bool // supervision = "none": let go when it is ready

	Process // how it is started
	Edges   // who it needs

	StartTimeout  time.Duration // exec until ready; 0 is no limit
	StopTimeout   time.Duration // stop signal until SIGKILL; 0 kills at once
	StopSignal    int
	AbortSignal   int      // instead of the stop signal, to one whose heartbeat is lost
	StopCommand   []string // argv; instead of the stop signal
	StopAction    []string // a built-in action as the stop command of a oneshot
	ReloadSignal  int      // 0 is none
	ReloadCommand []string

	OnDependencyFailure OnFailure
	SuccessExitCodes    []int // of a oneshot; sorted; never empty
	NoRestartExitCodes  []int // sorted; a failed run that ended so is not started again
	RebootExitCodes     []int // sorted; a failed run that ended so reboots the machine
	Ready               Ready
	Heartbeat           Heartbeat
	Recovery            Recovery
	StartRecovery       *Recovery        // after failures before ready; nil is Recovery
	StartConditions     []StartCondition // in the order written, at most MaxStartConditions
	PIDFile             string           // names the main process of one that forks into the background; "" is none
	Notify              bool             // it has NOTIFY_SOCKET though its readiness does not need it

	// Start is a digest of every key that a start uses: two equal digests mean that a running process need not
	// be restarted to get from one definition to the other (R14).
	Start uint64
}

// Process is how the program of a component is started.
type Process struct {
	Command             []string // argv, no shell
	DebugArguments      []string // behind those of Command, for a start with --debug
	Action              []string // a built-in action instead: its name and its words, checked; oneshots only
	Environment         []Setting
	PassEnvironment     []string // names of variables of Orderly's own environment; one that is not set there is left out
	EnvironmentFiles    []EnvironmentFile
	WorkingDirectory    string   // "" is /
	User, Group         string   // a name or digits; "" is root's, or the caller's where Orderly is not root
	SupplementaryGroups []string // nil: the user's own; empty: none
	Umask               uint32
	OwnUmask            bool   // it is written: of interest where a bundle has one
	Terminal            string // a device that becomes the controlling terminal; "" is none
	Output              Output
	Limits              []Limit // in the order of LimitNames; what is not in it is as Orderly was started
	Scheduling          Scheduling
	Security            Security
	RootDirectory       string     // becomes the root of a process that is no container otherwise; "" is the machine's
	Boot                *Boot      // nil is none: it is done instead of a program
	Container           *Container // nil is none
	Resources           Resources  // of its cgroup; a change takes effect without a restart
	OptionalSteps       []string   // of OptionalStepNames, sorted: those may fail, and the component is then degraded
}

// EnvironmentFile is a file of NAME=value lines; an optional one (written with a leading "-") may be missing.
type EnvironmentFile struct {
	Path     string
	Optional bool
}

// Output is the [component.NAME.output] table: "log", "null", "console", "inherit", "file:PATH" or "pipe:NAME".
type Output struct {
	Stdout, Stderr string // default "log"
	Stdin          string // default "null"; "console", "file:PATH" or "pipe:NAME"
	RateLimit      int64  // bytes per second that reach the log, default 1 MiB; 0 is no limit
}

// Edges are the names that a component or target refers to, in the order written.
type Edges struct {
	DependsOn, DependsOnAny, Wants, After, Conflicts []string
}

// OnFailure says what happens to a component when one it depends on failed at run time (R11).
type OnFailure uint8

// The values of on_dependency_failure. The zero value is Leave.
const (
	Leave OnFailure = iota
	RestartIt
	StopIt
)

// When is the kind of a readiness condition.
type When uint8

// The readiness conditions.
const (
	Started  When = iota // exec has succeeded
	Exited               // ended with an accepted exit code; the only one of a oneshot
	Notified             // READY=1 on NOTIFY_SOCKET
	File                 // a path exists or is absent
	Socket               // something listens
	FD                   // a newline on a descriptor
	Raised               // an application has raised a condition
	Beating              // the first heartbeat
	Probe                // a command ends with 0
	HTTP                 // a web server answers well
	Printed              // a line of its output matches
	Forked               // pid_file names a process of it; the default of one that has a pid_file
)

// Ready is the readiness condition of a component: exactly one.
type Ready struct {
	When         When
	Path         string        // File
	Absent       bool          // File: ready when the path is gone
	Network      string        // Socket: "tcp", "udp", "unix", "vsock"
	Address      string        // Socket: HOST:PORT, CID:PORT or a path; HTTP: HOST:PORT
	FD           int           // FD: the number in the child
	Condition    string        // Raised: its name
	Command      []string      // Probe: argv
	Pattern      string        // Printed: a regular expression that compiles
	ProbeTimeout time.Duration // Probe and HTTP: one that takes longer has not held
	PollInterval time.Duration // where the kernel gives no event
}

// Recovery is what happens after failures (R12).
type Recovery struct {
	Action      Action
	Attempts    int           // automatic restarts within Window; 0 is none, at most MaxAttempts
	Window      time.Duration // sliding
	Delay       time.Duration // before the first restart
	Backoff     float64       // the next delay is this many times longer
	MaxDelay    time.Duration
	ResetAfter  time.Duration // of being ready: the exponent starts afresh
	Jitter      float64       // 0..1: this share of the delay depends on name and attempt
	Then        Action        // when used up
	Target      string        // for Activate
	Replacement string        // for Replace: the component that is wanted in place of the failed one
}

// MaxAttempts bounds attempts: each failure in the window is remembered in the fixed-size facts record.
const MaxAttempts = 32

// Action is one step of the recovery ladder.
type Action uint8

// The actions. Restart is the default action, Escalate the default end.
const (
	Restart  Action = iota
	Escalate        // the active target's recovery, then the fallback target
	Activate        // another target
	Stop            // stay failed, never essential
	Retry           // restart without end
	Reboot
	Replace // another component is wanted in its place; it stays failed, never essential
	Ignore  // as Stop, and no dependent goes along with the failure
)

// Target is one [target.NAME] table.
type Target struct {
	Name              string
	Description       string
	Edges                           // DependsOn and Wants only
	TransitionTimeout time.Duration // 0 is none
	Recovery          string        // the target to activate when an essential component is given up; "" is none
}
