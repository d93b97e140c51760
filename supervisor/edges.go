package supervisor

import "github.com/orderly-init/orderly/targets"

// edges are the graph's edges by component number, with leavers behind the graph's own components (R14).
type edges struct {
	needs, anyOf, wants, after, conflicts [][]int
	neededBy, anyOfBy, wantedBy, beforeOf [][]int
	order                                 []int // dependencies first
	position                              []int // of a component in order
}

func edgesOf(g *targets.Graph) edges {
	e := edges{
		needs: g.Needs, anyOf: g.AnyOf, wants: g.Wants, after: g.After, conflicts: g.Conflicts,
		neededBy: g.NeededBy, anyOfBy: g.AnyOfBy, wantedBy: g.WantedBy, beforeOf: g.BeforeOf,
		order: g.Order,
	}
	e.position = make([]int, len(e.order))
	for i, c := range e.order {
		e.position[c] = i
	}
	return e
}

// lists are all edges that lead to a neighbour of a component.
func (e *edges) lists(c int) [9][]int {
	return [9][]int{e.needs[c], e.anyOf[c], e.wants[c], e.after[c], e.conflicts[c],
		e.neededBy[c], e.anyOfBy[c], e.wantedBy[c], e.beforeOf[c]}
}
