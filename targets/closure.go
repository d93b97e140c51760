package targets

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

// Closure follows depends_on, depends_on_any and wants from a target, -1 for none, and from the components started
// by hand (R2). What comes from a component that is started by hand is not essential.
func (g *Graph) Closure(target int, started []int) Closure {
	n := len(g.Config.Components)
	c := Closure{In: make([]bool, n), Essential: make([]bool, n), Because: make([]Reason, n)}
	seen := make([]bool, len(g.nodes))
	var queue []int
	if target >= 0 {
		queue = append(queue, n+target)
		seen[n+target] = true
		g.essential(n+target, c.Essential)
	}
	for _, x := range started {
		if !seen[x] {
			seen[x] = true
			c.In[x], c.Because[x] = true, Reason{Edge: "started by hand"}
			queue = append(queue, x)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, e := range g.nodes[queue[0]] {
			if e.kind > wants || seen[e.to] {
				continue
			}
			seen[e.to] = true
			queue = append(queue, e.to)
			if e.to < n {
				c.In[e.to], c.Because[e.to] = true, Reason{e.kind.String(), g.Config.nodeName(queue[0])}
			}
		}
	}
	return c
}

// essential marks the components that node reaches by depends_on alone.
func (g *Graph) essential(node int, marks []bool) {
	seen := make([]bool, len(g.nodes))
	seen[node] = true
	for stack := []int{node}; len(stack) > 0; {
		last := len(stack) - 1
		at := stack[last]
		stack = stack[:last]
		for _, e := range g.nodes[at] {
			if e.kind != needs || seen[e.to] {
				continue
			}
			seen[e.to] = true
			stack = append(stack, e.to)
			if e.to < len(marks) {
				marks[e.to] = true
			}
		}
	}
}
