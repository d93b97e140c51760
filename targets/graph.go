package targets

// Graph is the configuration as edges between component numbers. An edge to a target has become edges to its
// members (R2). Every list is sorted and without doubles. A checked graph has no cycle over Needs, AnyOf, Wants
// and After together.
type Graph struct {
	Config *Config

	Needs     [][]int // depends_on
	AnyOf     [][]int // depends_on_any
	Wants     [][]int // wants
	After     [][]int // after
	Conflicts [][]int // conflicts, made symmetric (R7)

	NeededBy [][]int // the same edges from the other end
	AnyOfBy  [][]int
	WantedBy [][]int
	BeforeOf [][]int

	Order []int // all components, dependencies first, ties in name order
}

// Reason says why a component is in a closure: through which edge, from which component or target.
type Reason struct {
	Edge string // "depends_on", "depends_on_any", "wants", "started by hand"
	From string // a name; "" for what was started by hand
}

// Closure is who is wanted when a target is active and some components were started by hand.
type Closure struct {
	In        []bool   // by component number
	Essential []bool   // reached from the target by depends_on alone (R4)
	Because   []Reason // by component number; the first reason in breadth-first name order
}
