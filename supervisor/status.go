package supervisor

// State is what a component is in, as shown. Stored states are down, starting, ready, stopping, failed and done;
// waiting and backoff are derived from "down", and done is shown as ready.
type State uint8

// The states.
const (
	Down State = iota
	Starting
	Ready
	Stopping
	Failed
	Done    // a oneshot that ended well
	Waiting // derived: wanted and down, held back by somebody
	Backoff // derived: wanted and down until its next start
)

// Top is the state of the whole.
type Top uint8

// The top states, as status shows them.
const (
	Settled Top = iota
	Transition
	Degraded
	Fallback
	ShuttingDown
)

// Status is how a process ended: an exit code, or a signal.
type Status struct {
	Code   int // 0..255, when Signal is 0
	Signal int
	Core   bool

	Unknown bool // of an adopted process whose parent is another one: nobody else is told
}

// Result is the answer to a request.
type Result struct {
	Kind     ResultKind
	Target   string
	By       string // superseded by which target or request
	Failed   []Failure
	Degraded []Failure // not essential, not ready
	Hints    []string  // for a refusal: what the caller may have meant
	Why      string    // for a refusal or failure without a component
	Took     int64     // nanoseconds from acceptance
	Changes  []Change  // of an Apply
}

// ResultKind is the verdict of a Result.
type ResultKind uint8

// The verdicts.
const (
	ResultDone ResultKind = iota
	ResultFailed
	ResultSuperseded
	ResultRefused
)

// Change is what an Apply does to one component: "start", "stop", "restart" or "update".
type Change struct{ Name, What string }

// Failure names a component that did not become ready, the step that failed and why.
type Failure struct{ Name, Step, Reason string }
