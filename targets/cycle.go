package targets

import (
	"slices"
	"strings"
)

// maxCycles bounds how many cycles one run reports: in a dense knot each edge closes one.
const maxCycles = 20

// cycles reports cycles over depends_on, depends_on_any, wants and after, also through targets, and whether there
// are any. Each is the shortest through its first name; its last edge then counts as removed and the search goes on.
func (l *loader) cycles(c *Config) bool {
	nodes := c.edges()
	for x := range nodes {
		nodes[x] = slices.DeleteFunc(nodes[x], func(e edge) bool { return e.kind == conflicts || e.to == x })
	}
	for n := 0; ; n++ {
		knot := peel(nodes)
		x := slices.Index(knot, true)
		if x < 0 || n == maxCycles {
			return n > 0
		}
		cycle := shortestCycle(nodes, firstOnCycle(nodes, knot, x))
		l.cycle(c, nodes, cycle)
		last, first := cycle[len(cycle)-1], cycle[0]
		nodes[last] = slices.DeleteFunc(nodes[last], func(e edge) bool { return e.to == first })
	}
}

// peel marks the nodes that are left when those without edges to marked ones are taken away, again and again: the
// cycles and what leads to them.
func peel(nodes [][]edge) []bool {
	left, marked := make([]int, len(nodes)), make([]bool, len(nodes))
	into := make([][]int, len(nodes))
	var free []int
	for x, edges := range nodes {
		left[x], marked[x] = len(edges), true
		for _, e := range edges {
			into[e.to] = append(into[e.to], x)
		}
		if len(edges) == 0 {
			free = append(free, x)
		}
	}
	for ; len(free) > 0; free = free[1:] {
		marked[free[0]] = false
		for _, x := range into[free[0]] {
			if left[x]--; left[x] == 0 {
				free = append(free, x)
			}
		}
	}
	return marked
}

// firstOnCycle walks inside the knot from x until a node comes again, and returns the first node by number on the
// cycle that this closes.
func firstOnCycle(nodes [][]edge, knot []bool, x int) int {
	at := map[int]int{}
	var walk []int
	for {
		if start, again := at[x]; again {
			return slices.Min(walk[start:])
		}
		at[x] = len(walk)
		walk = append(walk, x)
		i := slices.IndexFunc(nodes[x], func(e edge) bool { return knot[e.to] })
		x = nodes[x][i].to
	}
}

// shortestCycle is the nodes of the shortest cycle through start, which is on one.
func shortestCycle(nodes [][]edge, start int) []int {
	from := make([]int, len(nodes))
	for x := range from {
		from[x] = -1
	}
	for queue := []int{start}; from[start] < 0; queue = queue[1:] {
		for _, e := range nodes[queue[0]] {
			if from[e.to] < 0 {
				from[e.to] = queue[0]
				queue = append(queue, e.to)
			}
		}
	}
	cycle := []int{start}
	for x := from[start]; x != start; x = from[x] {
		cycle = append(cycle, x)
	}
	slices.Reverse(cycle[1:])
	return cycle
}

// cycle reports one, at the edge that its first node writes.
func (l *loader) cycle(c *Config, nodes [][]edge, cycle []int) {
	var steps []string
	for i, x := range cycle {
		to := cycle[(i+1)%len(cycle)]
		steps = append(steps, c.nodeName(x)+" "+kindTo(nodes[x], to).String()+" "+c.nodeName(to))
	}
	first, to := cycle[0], cycle[1]
	o := owner{table: "component", name: c.nodeName(first)}
	if n := len(c.Components); first < n {
		o.edges = c.Components[first].Edges
	} else {
		o.table, o.edges = "target", c.Targets[first-n].Edges
	}
	kind := kindTo(nodes[first], to)
	path := o.path(kind, slices.Index(o.edges.byKind()[kind], c.nodeName(to)))
	l.fault(path, atValue, "cycle: "+strings.Join(steps, ", "), "")
}

func kindTo(edges []edge, to int) edgeKind {
	return edges[slices.IndexFunc(edges, func(e edge) bool { return e.to == to })].kind
}
