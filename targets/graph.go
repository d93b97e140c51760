package targets

import (
	"cmp"
	"container/heap"
	"slices"
	"sort"
	"strings"
)

// Graph is the configuration as edges between component numbers. An edge to a target has become edges to its
// members (R2). Every list is sorted and without doubles. A checked graph has no cycle over Needs, AnyOf, Wants
// and After together.
//
// What depends on a target needs the members that the target reaches by depends_on, and wants those that it reaches
// by wants.
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

	nodes   [][]edge  // as written: components by number, then targets
	members []members // by target
}

// edge is one written edge, to a component or, from len(Components) on, to a target.
type edge struct {
	kind edgeKind
	to   int
}

type edgeKind uint8

const (
	needs edgeKind = iota
	anyOf
	wants
	after
	conflicts
)

// String is the key that the edge is written with.
func (k edgeKind) String() string {
	return [...]string{"depends_on", "depends_on_any", "wants", "after", "conflicts"}[k]
}

// members are the components that a target stands for.
type members struct {
	needed []int // reached by depends_on
	all    []int // reached by depends_on or wants
}

// NewGraph turns a configuration into its graph. Names that are unknown are left out: Load has refused them.
func NewGraph(cfg *Config) *Graph {
	n := len(cfg.Components)
	g := &Graph{Config: cfg, nodes: cfg.edges(), members: make([]members, len(cfg.Targets))}
	for t := range cfg.Targets {
		g.members[t] = members{g.reach(t, needs, needs), g.reach(t, needs, wants)}
	}
	lists := [][][]int{needs: make([][]int, n), anyOf: make([][]int, n), wants: make([][]int, n), after: make([][]int, n), conflicts: make([][]int, n)}
	for x := range n {
		for _, e := range g.nodes[x] {
			g.flatten(lists, x, e)
		}
	}
	for x := range n {
		for _, y := range lists[conflicts][x] {
			lists[conflicts][y] = append(lists[conflicts][y], x)
		}
	}
	for kind := range lists {
		for x, list := range lists[kind] {
			slices.Sort(list)
			lists[kind][x] = slices.Compact(list)
		}
	}
	g.Needs, g.AnyOf, g.Wants, g.After, g.Conflicts = lists[needs], lists[anyOf], lists[wants], lists[after], lists[conflicts]
	g.NeededBy, g.AnyOfBy, g.WantedBy, g.BeforeOf = reversed(g.Needs), reversed(g.AnyOf), reversed(g.Wants), reversed(g.After)
	g.Order = g.order()
	return g
}

// flatten adds one written edge of x. x itself may be a member of a target that it conflicts with; an edge to itself
// says nothing.
func (g *Graph) flatten(lists [][][]int, x int, e edge) {
	add := func(kind edgeKind, ys ...int) {
		for _, y := range ys {
			if y != x {
				lists[kind][x] = append(lists[kind][x], y)
			}
		}
	}
	n := len(lists[needs])
	switch {
	case e.to < n:
		add(e.kind, e.to)
	case e.kind == needs:
		m := g.members[e.to-n]
		add(needs, m.needed...)
		for _, y := range m.all {
			if _, needed := slices.BinarySearch(m.needed, y); !needed {
				add(wants, y)
			}
		}
	default:
		add(e.kind, g.members[e.to-n].all...)
	}
}

// Members returns the components of a target, also through targets that it includes, sorted.
func (g *Graph) Members(target int) []int { return slices.Clone(g.members[target].all) }

// reach finds the components that a target reaches over edges of the two kinds, through targets only.
func (g *Graph) reach(target int, kinds ...edgeKind) []int {
	n := len(g.Config.Components)
	seen := map[int]bool{n + target: true}
	found := []int{}
	for queue := []int{n + target}; len(queue) > 0; queue = queue[1:] {
		for _, e := range g.nodes[queue[0]] {
			if seen[e.to] || !slices.Contains(kinds, e.kind) {
				continue
			}
			seen[e.to] = true
			if e.to < n {
				found = append(found, e.to)
				continue
			}
			queue = append(queue, e.to)
		}
	}
	slices.Sort(found)
	return found
}

// order sorts topologically; of those that may come next the first by name comes (Kahn 1962).
func (g *Graph) order() []int {
	missing := make([]int, len(g.Needs))
	var next intHeap
	for x := range missing {
		missing[x] = len(g.Needs[x]) + len(g.AnyOf[x]) + len(g.Wants[x]) + len(g.After[x])
		if missing[x] == 0 {
			next.IntSlice = append(next.IntSlice, x)
		}
	}
	order := make([]int, 0, len(missing))
	for len(next.IntSlice) > 0 {
		x := heap.Pop(&next).(int)
		order = append(order, x)
		for _, waiting := range [][]int{g.NeededBy[x], g.AnyOfBy[x], g.WantedBy[x], g.BeforeOf[x]} {
			for _, y := range waiting {
				if missing[y]--; missing[y] == 0 {
					heap.Push(&next, y)
				}
			}
		}
	}
	return order
}

// intHeap is a heap of numbers, the smallest first.
type intHeap struct{ sort.IntSlice }

// Push adds a number at the end, for container/heap.
func (h *intHeap) Push(x any) { h.IntSlice = append(h.IntSlice, x.(int)) }

// Pop takes the number at the end, for container/heap.
func (h *intHeap) Pop() any {
	last := len(h.IntSlice) - 1
	x := h.IntSlice[last]
	h.IntSlice = h.IntSlice[:last]
	return x
}

// reversed returns the edges from their other end. The lists come out sorted because x goes up.
func reversed(lists [][]int) [][]int {
	back := make([][]int, len(lists))
	for x, list := range lists {
		for _, y := range list {
			back[y] = append(back[y], x)
		}
	}
	return back
}

// Component finds a component's number by its name.
func (c *Config) Component(name string) (int, bool) {
	return sort.Find(len(c.Components), func(i int) int { return strings.Compare(name, c.Components[i].Name) }) // copies none of them
}

// Target finds a target's number by its name.
func (c *Config) Target(name string) (int, bool) {
	return slices.BinarySearchFunc(c.Targets, name, func(t Target, name string) int { return strings.Compare(t.Name, name) })
}

// node finds a component or target by its name.
func (c *Config) node(name string) (int, bool) {
	if i, ok := c.Component(name); ok {
		return i, true
	}
	i, ok := c.Target(name)
	return len(c.Components) + i, ok
}

// nodeName is the inverse of node.
func (c *Config) nodeName(node int) string {
	if node < len(c.Components) {
		return c.Components[node].Name
	}
	return c.Targets[node-len(c.Components)].Name
}

// edges lists the written edges of each node, by kind, components before targets, each in name order.
func (c *Config) edges() [][]edge {
	nodes := make([][]edge, 0, len(c.Components)+len(c.Targets))
	for i := range c.Components {
		nodes = append(nodes, c.edgesOf(&c.Components[i].Edges))
	}
	for i := range c.Targets {
		nodes = append(nodes, c.edgesOf(&c.Targets[i].Edges))
	}
	return nodes
}

func (c *Config) edgesOf(written *Edges) []edge {
	var edges []edge
	for kind, names := range written.byKind() {
		for _, name := range names {
			if to, ok := c.node(name); ok {
				edges = append(edges, edge{edgeKind(kind), to})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.to, b.to)) })
	return edges
}

// byKind is the lists of names, indexed by edgeKind.
func (e *Edges) byKind() [5][]string {
	return [5][]string{needs: e.DependsOn, anyOf: e.DependsOnAny, wants: e.Wants, after: e.After, conflicts: e.Conflicts}
}
