package targets

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawConfig draws components and targets without cycles: each name may refer only to names of a lower rank, and
// the ranks are shuffled, so that name order and dependency order have nothing to do with each other.
func drawConfig(t *rapid.T) *Config {
	c := &Config{}
	for i := range rapid.IntRange(1, 9).Draw(t, "components") {
		c.Components = append(c.Components, Component{Name: fmt.Sprintf("c%d", i)})
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "targets") {
		c.Targets = append(c.Targets, Target{Name: fmt.Sprintf("t%d", i)})
	}
	ranks := rapid.Permutation(c.names()).Draw(t, "ranks")
	for rank, name := range ranks {
		lists := func(label string) []string {
			var list []string
			for _, lower := range ranks[:rank] {
				if rapid.IntRange(0, 5).Draw(t, label) == 0 {
					list = append(list, lower)
				}
			}
			return list
		}
		if i, ok := c.Target(name); ok {
			c.Targets[i].Edges = Edges{DependsOn: lists("depends"), Wants: lists("wants")}
			continue
		}
		i, _ := c.Component(name)
		c.Components[i].Edges = Edges{lists("depends"), lists("any"), lists("wants"), lists("after"), nil}
		c.Components[i].Conflicts = rapid.SliceOfNDistinct(rapid.SampledFrom(ranks), 0, 2, rapid.ID).Draw(t, "conflicts")
	}
	return c
}

// naive is the same graph by the words of the rules, with sets of names and recursion.
type naive struct{ c *Config }

// names are what a component or target writes under the kinds.
func (n naive) names(name string, kinds ...edgeKind) []string {
	var e Edges
	if i, ok := n.c.Component(name); ok {
		e = n.c.Components[i].Edges
	} else if i, ok := n.c.Target(name); ok {
		e = n.c.Targets[i].Edges
	}
	var list []string
	for _, k := range kinds {
		list = append(list, e.byKind()[k]...)
	}
	return list
}

// members are the components that a name stands for, through targets over the kinds.
func (n naive) members(name string, kinds ...edgeKind) map[string]bool {
	if _, ok := n.c.Component(name); ok {
		return map[string]bool{name: true}
	}
	all := map[string]bool{}
	for _, inner := range n.names(name, kinds...) {
		for m := range n.members(inner, kinds...) {
			all[m] = true
		}
	}
	return all
}

// edges are the components that a component has an edge of a kind to.
func (n naive) edges(name string, kind edgeKind) map[string]bool {
	all := map[string]bool{}
	for _, to := range n.names(name, kind) {
		for m := range n.members(to, needs, wants) {
			if kind != needs || n.members(to, needs)[m] {
				all[m] = true
			}
		}
	}
	if kind == wants {
		for _, to := range n.names(name, needs) {
			for m := range n.members(to, needs, wants) {
				if !n.members(to, needs)[m] {
					all[m] = true
				}
			}
		}
	}
	if kind == conflicts {
		for i := range n.c.Components {
			for _, to := range n.c.Components[i].Conflicts {
				if n.members(to, needs, wants)[name] {
					all[n.c.Components[i].Name] = true
				}
			}
		}
	}
	delete(all, name)
	return all
}

// closure is all that is reached from the names over the kinds.
func (n naive) closure(from []string, kinds ...edgeKind) map[string]bool {
	all := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if !all[name] {
			all[name] = true
			for _, next := range n.names(name, kinds...) {
				visit(next)
			}
		}
	}
	for _, name := range from {
		visit(name)
	}
	return all
}

func (n naive) numbers(set map[string]bool) []int {
	var list []int
	for i := range n.c.Components {
		if set[n.c.Components[i].Name] {
			list = append(list, i)
		}
	}
	return list
}

func marked(marks []bool) []int {
	var list []int
	for i, in := range marks {
		if in {
			list = append(list, i)
		}
	}
	return list
}

func TestGraphAgainstNaive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		g, n := NewGraph(c), naive{c}
		for x := range c.Components {
			name := c.Components[x].Name
			for kind, list := range [][]int{needs: g.Needs[x], anyOf: g.AnyOf[x], wants: g.Wants[x], after: g.After[x], conflicts: g.Conflicts[x]} {
				if diff := cmp.Diff(n.numbers(n.edges(name, edgeKind(kind))), list); diff != "" {
					t.Fatalf("%s of %s (-want +got):\n%s", edgeKind(kind), name, diff)
				}
			}
		}
		for i, back := range [][][]int{g.NeededBy, g.AnyOfBy, g.WantedBy, g.BeforeOf} {
			forth := [][][]int{g.Needs, g.AnyOf, g.Wants, g.After}[i]
			for x := range back {
				for y := range forth {
					if slices.Contains(back[x], y) != slices.Contains(forth[y], x) {
						t.Fatalf("%s: the two ends of %d and %d differ", edgeKind(i), y, x)
					}
				}
			}
		}
		checkOrder(t, g)
	})
}

// checkOrder: at each place stands the first component by name of which all dependencies stand before it.
func checkOrder(t *rapid.T, g *Graph) {
	done := make([]bool, len(g.Needs))
	for place, x := range g.Order {
		first := slices.IndexFunc(g.Config.Components, func(c Component) bool {
			y, _ := g.Config.Component(c.Name)
			before := func(z int) bool { return !done[z] }
			return !done[y] && !slices.ContainsFunc(slices.Concat(g.Needs[y], g.AnyOf[y], g.Wants[y], g.After[y]), before)
		})
		if x != first {
			t.Fatalf("place %d of %v is %d, want %d", place, g.Order, x, first)
		}
		done[x] = true
	}
	if len(g.Order) != len(done) {
		t.Fatalf("order %v of %d components", g.Order, len(done))
	}
}

func TestClosureAgainstNaive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		g, n := NewGraph(c), naive{c}
		target := rapid.IntRange(-1, len(c.Targets)-1).Draw(t, "target")
		started := rapid.SliceOfNDistinct(rapid.IntRange(0, len(c.Components)-1), 0, 2, rapid.ID).Draw(t, "started")
		var from, essentialFrom []string
		if target >= 0 {
			from = append(from, c.Targets[target].Name)
			essentialFrom = from
		}
		for _, x := range started {
			from = append(from, c.Components[x].Name)
		}
		got := g.Closure(target, started)
		if diff := cmp.Diff(n.numbers(n.closure(from, needs, anyOf, wants)), marked(got.In)); diff != "" {
			t.Fatalf("closure (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(n.numbers(n.closure(essentialFrom, needs)), marked(got.Essential)); diff != "" {
			t.Fatalf("essential (-want +got):\n%s", diff)
		}
		reached := n.closure(from, needs, anyOf, wants)
		for x, why := range got.Because {
			checkReason(t, n, reached, got, started, x, why)
		}
	})
}

func checkReason(t *rapid.T, n naive, reached map[string]bool, c Closure, started []int, x int, why Reason) {
	kind := slices.Index([]string{needs.String(), anyOf.String(), wants.String()}, why.Edge)
	switch {
	case !c.In[x]:
		if why != (Reason{}) {
			t.Fatalf("%d is not in the closure because %v", x, why)
		}
	case slices.Contains(started, x):
		if why != (Reason{Edge: "started by hand"}) {
			t.Fatalf("%d was started by hand, not because %v", x, why)
		}
	case kind < 0 || !reached[why.From] || !slices.Contains(n.names(why.From, edgeKind(kind)), n.c.Components[x].Name):
		t.Fatalf("%d is not in the closure because %v", x, why)
	}
}

// TestMembers goes through targets, and says why each component is wanted.
func TestMembers(t *testing.T) {
	t.Parallel()
	cfg, problems := Load([]Source{{Path: "a.toml", Data: []byte(`
initial_target = "outer"
[component.a]
command = ["/a"]
depends_on = ["d"]
[component.b]
command = ["/b"]
[component.c]
command = ["/c"]
[component.d]
command = ["/d"]
depends_on_any = ["c"]
[component.e]
command = ["/e"]
depends_on = ["outer"]
[target.inner]
depends_on = ["b"]
wants = ["c"]
[target.outer]
depends_on = ["a", "inner"]
`)}})
	if problems != nil {
		t.Fatal(problems)
	}
	g := NewGraph(cfg)
	outer, _ := cfg.Target("outer")
	if diff := cmp.Diff([]int{0, 1, 2}, g.Members(outer)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]int{{0, 1}, {2}}, [][]int{g.Needs[4], g.Wants[4]}); diff != "" {
		t.Errorf("edges of e (-want +got):\n%s", diff)
	}
	want := Closure{
		In:        []bool{true, true, true, true, true},
		Essential: []bool{true, true, false, true, false},
		Because: []Reason{
			{"depends_on", "outer"}, {"depends_on", "inner"}, {"wants", "inner"}, {"depends_on", "a"}, {"started by hand", ""},
		},
	}
	if diff := cmp.Diff(want, g.Closure(outer, []int{4})); diff != "" {
		t.Errorf("closure (-want +got):\n%s", diff)
	}
}

// TestBigGraphs are shapes that a careless walk takes exponential or quadratic time for, or too much stack.
func TestBigGraphs(t *testing.T) {
	t.Parallel()
	chain := &Config{Targets: []Target{{Name: "t"}}}
	for i := range 5000 {
		c := Component{Name: fmt.Sprintf("c%05d", i)}
		if i > 0 {
			c.DependsOn = []string{fmt.Sprintf("c%05d", i-1)}
		}
		chain.Components = append(chain.Components, c)
	}
	chain.Targets[0].DependsOn = []string{"c04999"}
	fan := &Config{Targets: []Target{{Name: "t"}}}
	for i := range 5000 {
		fan.Components = append(fan.Components, Component{Name: fmt.Sprintf("c%05d", i)})
		fan.Targets[0].DependsOn = append(fan.Targets[0].DependsOn, fmt.Sprintf("c%05d", i))
	}
	diamonds := &Config{Components: []Component{{Name: "c"}}}
	for level := range 20 {
		for side := range 2 {
			d := Target{Name: fmt.Sprintf("d%02d-%d", level, side), Edges: Edges{DependsOn: []string{"c"}}}
			if level > 0 {
				d.DependsOn = []string{fmt.Sprintf("d%02d-0", level-1), fmt.Sprintf("d%02d-1", level-1)}
			}
			diamonds.Targets = append(diamonds.Targets, d)
		}
	}
	for name, c := range map[string]*Config{"chain": chain, "fan": fan, "diamonds": diamonds} {
		g := NewGraph(c)
		in := marked(g.Closure(len(c.Targets)-1, nil).Essential)
		if len(in) != len(c.Components) || len(g.Order) != len(c.Components) {
			t.Errorf("%s: %d of %d components", name, len(in), len(c.Components))
		}
	}
}
