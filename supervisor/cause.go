package supervisor

// Cause is why a component is in its state: a code with its operands, so that it survives in the facts table.
type Cause struct {
	Code   Code
	Status Status // of an exit or a command
	Text   string // a name, a limit, or the step that failed and why
}

// Code is the kind of a cause. The zero value is none: the component does what it should.
type Code uint8

// The codes.
const (
	NoCause          Code = iota
	Wanted                // by the target Text, or through Text
	StartedByHand         //
	NotWanted             // by the target Text
	StoppedByHand         //
	RestartedByHand       //
	Redefined             // its definition changed
	Removed               // from the configuration
	EndOfAll              // the end Text, or what about it
	ExecFailed            // Text is "step: why"
	ExitedEarly           // before it was ready
	ExitedLate            // after it was ready
	StartTimeout          // Text is the limit
	DependencyFailed      // the component Text
	DependencyStops       // the component Text
	LostRun               // no process is known after a manager's death
	Unkillable            // SIGKILL did not end it
	CommandFailed         // Text says why when it could not start
	NotReady              // Text says why it cannot become ready
	Adopted               // by hand
	Released              // by hand
	HeldBack              // before the exec, for a debugger
	ConditionFalse        // Text is the start condition and why it does not hold
	Skipped               // Text is the start condition and why it does not hold
	Announces             // the condition Text
	Withdraws             // the condition Text
	AnnouncesTooMuch      // the condition Text
	HeartbeatLost         // Text says what was counted, or that it was asked for
	OutOfMemory           // Text says which limit was reached
	codes
)

func (c Cause) String() string {
	switch c.Code {
	case NoCause:
		return ""
	case Wanted:
		return "wanted by " + c.Text
	case StartedByHand:
		return "started by hand"
	case NotWanted:
		return "not wanted by " + c.Text
	case StoppedByHand:
		return "stopped by hand"
	case RestartedByHand:
		return "restarted by hand"
	case Redefined:
		return "definition changed"
	case Removed:
		return "removed from the configuration"
	case EndOfAll, ExecFailed, NotReady:
		return c.Text
	case ExitedEarly:
		return c.Status.String() + " before ready"
	case ExitedLate:
		return c.Status.String()
	case StartTimeout:
		return "not ready within " + c.Text
	case DependencyFailed:
		return "dependency " + c.Text + " failed"
	case DependencyStops:
		return "dependency " + c.Text + " stops"
	case LostRun:
		return "no process after a manager's death"
	case Unkillable:
		return "cannot be killed"
	case Adopted:
		return "adopted by hand"
	case Released:
		return "released by hand"
	case HeldBack:
		return "held before its exec, until it is started again"
	case CommandFailed:
		return commandText(c)
	case ConditionFalse:
		return "condition " + c.Text
	case Announces:
		return "raises condition " + c.Text
	case Withdraws:
		return "takes condition " + c.Text + " back"
	case AnnouncesTooMuch:
		return "condition " + c.Text + " is one too many: not raised"
	case Skipped:
		return "skipped: condition " + c.Text
	case HeartbeatLost:
		return "heartbeat: " + c.Text
	case OutOfMemory:
		return "oom: " + c.Text
	case codes:
	}
	return ""
}

// reason tells why c is in its state. One that starts after a failure says so.
func (u *unit) reason() string {
	if u.state == Starting && u.cause.Code.fails() {
		return "again after " + u.cause.String()
	}
	return u.cause.String()
}

// fails says whether a cause is the failure of a run.
func (c Code) fails() bool {
	return c == ExecFailed || c == ExitedEarly || c == ExitedLate || c == StartTimeout || c == NotReady ||
		c == ConditionFalse || c == HeartbeatLost || c == OutOfMemory
}

// step names what failed, for a Failure.
func (c Code) step() string {
	switch c {
	case ExecFailed:
		return "exec"
	case ExitedEarly:
		return "exit"
	case ExitedLate:
		return "run"
	case StartTimeout, NotReady:
		return "ready"
	case DependencyFailed, DependencyStops:
		return "dependency"
	case Unkillable:
		return "stop"
	case CommandFailed:
		return "command"
	case ConditionFalse, Skipped:
		return "condition"
	case HeartbeatLost:
		return "heartbeat"
	case OutOfMemory:
		return "memory"
	case NoCause, Wanted, StartedByHand, NotWanted, StoppedByHand, RestartedByHand, Redefined, Removed, EndOfAll,
		LostRun, Adopted, Released, HeldBack, Announces, Withdraws, AnnouncesTooMuch, codes:
	}
	return "waiting"
}

func commandText(c Cause) string {
	if c.Text != "" {
		return "command: " + c.Text
	}
	return "command: " + c.Status.String()
}

func stepText(step, why string) string {
	if step == "" || why == "" {
		return step + why
	}
	return step + ": " + why
}

// whyWanted is the cause of a start.
func (m *Machine) whyWanted(c int) Cause {
	u := &m.units[c]
	if u.started || u.requested {
		return Cause{Code: StartedByHand}
	}
	if m.target == None {
		return Cause{Code: Wanted, Text: u.because.From}
	}
	return Cause{Code: Wanted, Text: m.targetName(m.target)}
}
