package control

// The types that travel. Their JSON is what `--json` prints; the interface definition says the same in varlink,
// and a test compares the two. Times are milliseconds, since boot where they are points in time.

// Status is the state of the whole machine.
type Status struct {
	Version    int         `json:"version"` // 1
	Target     string      `json:"target"`
	State      string      `json:"state"` // transition, settled, degraded, fallback, shutdown
	SinceMS    float64     `json:"since_ms"`
	PID1       bool        `json:"pid1"`
	Notes      []string    `json:"notes"`    // what is not as it should be: a rescue configuration, safe mode, …
	Watchdog   string      `json:"watchdog"` // how it is fed; "" where there is none
	Components []Component `json:"components"`
}

// Component is the state of one component.
type Component struct {
	Name        string   `json:"name"`
	State       string   `json:"state"`
	PID         int      `json:"pid"`
	Run         uint32   `json:"run"`
	Restarts    int      `json:"restarts"`
	Wanted      bool     `json:"wanted"`
	Exit        *Exit    `json:"exit"`
	Reason      string   `json:"reason"`
	Health      string   `json:"health"` // ok, degraded
	Missed      []string `json:"missed"` // optional steps of the start that failed, and why
	StatusText  string   `json:"status_text"`
	Conditions  []string `json:"conditions"` // that it has raised
	StartMS     float64  `json:"start_ms"`
	ReadyMS     float64  `json:"ready_ms"`
	SinceMS     float64  `json:"since_ms"`  // of the present state
	Heartbeat   string   `json:"heartbeat"` // what was counted in the last window; "" where it does not beat
	MemoryBytes int64    `json:"memory_bytes"`
	CPUMS       float64  `json:"cpu_ms"`
}

// Usage is one component with what it uses. Time and bytes count up while its processes live; where no cgroup counts, the
// processes that are gone are no longer in the sum of the bytes.
type Usage struct {
	Component  Component `json:"component"`
	Tasks      int       `json:"tasks"` // threads
	ReadBytes  int64     `json:"read_bytes"`
	WriteBytes int64     `json:"write_bytes"`
	Throttled  float64   `json:"throttled_ms"` // how long cpu_max has held it back
	Pressure   []Waited  `json:"pressure"`     // what its processes wait for; empty where the kernel does not count it
	Beats      *int      `json:"beats"`        // counted in the last window; null where there was none
	BeatsMin   int       `json:"beats_min"`
}

// Waited is the share of the last 10 seconds, in percent, in which some process waited for a resource.
type Waited struct {
	Resource string  `json:"resource"` // cpu, memory, io
	Avg10    float64 `json:"avg10"`
}

// Exit is how the last run ended.
type Exit struct {
	Code   *int   `json:"code,omitempty"`
	Signal string `json:"signal,omitempty"`
	Core   bool   `json:"core,omitempty"`
}

// Detail is everything about one component: its state, its definition, its neighbours.
type Detail struct {
	Component   Component `json:"component"`
	Description string    `json:"description"`
	Kind        string    `json:"kind"`
	Definition  []Pair    `json:"definition"` // keys of the configuration that are in force
	Needs       []string  `json:"needs"`
	NeededBy    []string  `json:"needed_by"`
	Causes      []string  `json:"causes"`
	Processes   []int     `json:"processes"`
	Cgroup      string    `json:"cgroup"`

	Statistics *Statistics `json:"statistics"` // of its cgroup; null where it has none
}

// Inside is how another process gets into a container: where that is, and what its own process may do.
type Inside struct {
	PID             int      `json:"pid"`
	Cgroup          string   `json:"cgroup"`     // the directory; "" where there is none
	Namespaces      []string `json:"namespaces"` // to be entered, by their names in the configuration
	User            string   `json:"user"`       // names of the container's root; "" is root
	Group           string   `json:"group"`
	Groups          []string `json:"groups"`      // supplementary ones,
	UserGroups      bool     `json:"user_groups"` // or those of the user
	Env             []string `json:"env"`
	Capabilities    []int    `json:"capabilities"`     // by number,
	AllCapabilities bool     `json:"all_capabilities"` // or all
	Ambient         []int    `json:"ambient"`
	NoNewPrivileges bool     `json:"no_new_privileges"`
	Filter          []int64  `json:"filter"` // of system calls, words of struct sock_filter
}

// Pair is one key with its value.
type Pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Entry is one line of the list.
type Entry struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"` // daemon, oneshot, target
	Description string `json:"description"`
	Active      bool   `json:"active"` // a target that is active, a component that is wanted
}

// Result is the answer to an activation and to start, stop, restart and reload.
type Result struct {
	Target   string    `json:"target"`
	Result   string    `json:"result"` // done, failed, superseded, refused
	By       string    `json:"by"`     // superseded by what
	Why      string    `json:"why"`
	Failed   []Failure `json:"failed"`
	Degraded []Failure `json:"degraded"`
	TookMS   float64   `json:"took_ms"`
}

// Failure names a component that did not become ready, the step that failed, and why.
type Failure struct {
	Name   string `json:"name"`
	Step   string `json:"step"`
	Reason string `json:"reason"`
}

// Progress is what a transition in progress waits for.
type Progress struct {
	Target  string    `json:"target"`
	Ready   int       `json:"ready"`
	Wanted  int       `json:"wanted"`
	Waiting []Waiting `json:"waiting"`
}

// Waiting is one component that the transition waits for.
type Waiting struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	SinceMS float64 `json:"since_ms"` // point in time since boot
	LimitMS float64 `json:"limit_ms"` // 0 is none
}

// Plan is what a switch would do, in waves: what is in one wave happens side by side.
type Plan struct {
	Target string     `json:"target"`
	Keep   []string   `json:"keep"`
	Waves  []PlanWave `json:"waves"`
}

// PlanWave is one wave of a plan.
type PlanWave struct {
	Stop  []string `json:"stop"`
	Start []string `json:"start"`
}

// Event is one line of the event stream.
type Event struct {
	Seq       uint64  `json:"seq"`
	TimeMS    float64 `json:"time_ms"`
	Kind      string  `json:"kind"` // component, target, system, gap
	Component string  `json:"component"`
	Run       uint32  `json:"run"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Target    string  `json:"target"`
	Reason    string  `json:"reason"`
}

// Past is one run of a component that has ended, or runs.
type Past struct {
	Name    string  `json:"name"`
	Run     uint32  `json:"run"`
	StartMS float64 `json:"start_ms"`
	ReadyMS float64 `json:"ready_ms"` // 0 where it never was
	EndMS   float64 `json:"end_ms"`   // 0 where it still runs
	Exit    string  `json:"exit"`
	Reason  string  `json:"reason"`
}

// LogLine is one line of a log.
type LogLine struct {
	Name   string  `json:"name"`
	Time   string  `json:"time"` // RFC 3339, wall clock
	TimeMS float64 `json:"time_ms"`
	Run    uint32  `json:"run"`
	Source string  `json:"source"` // out, err, orderly
	Text   string  `json:"text"`
}

// Node is a component or target of the graph.
type Node struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // daemon, oneshot, target
	State string `json:"state"`
}

// Edge is one edge of the graph, as written in the configuration.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	Kind string `json:"kind"` // depends_on, depends_on_any, wants, after, conflicts
}

// Change is one difference that an apply makes.
type Change struct {
	Name   string `json:"name"`
	Change string `json:"change"` // start, stop, restart, update
}
