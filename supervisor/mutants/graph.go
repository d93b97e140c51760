package main

// graphFaults are about the graph, the closure of a target and how files become one configuration.
func graphFaults() []mutant {
	const closure, graph, cycle, check = "targets/closure.go", "targets/graph.go", "targets/cycle.go", "targets/check.go"
	const source, read, tree, digest = "targets/source.go", "targets/read.go", "targets/tree.go", "targets/digest.go"
	return []mutant{
		{closure, `if e.kind > wants || seen[e.to] {`, `if e.kind >= wants || seen[e.to] {`,
			"what is merely wanted is not in the closure"},
		{closure, `if e.kind != needs || seen[e.to] {`, `if e.kind > anyOf || seen[e.to] {`,
			"depends_on_any makes essential"},
		{graph, `lists[conflicts][y] = append(lists[conflicts][y], x)`, `_ = y`,
			"a conflict holds in one direction only"},
		{graph, `len(g.Needs[x]) + len(g.AnyOf[x]) + len(g.Wants[x]) + len(g.After[x])`, `len(g.Needs[x]) + len(g.AnyOf[x]) + len(g.Wants[x])`,
			"after does not order"},
		{graph, "if _, needed := slices.BinarySearch(m.needed, y); !needed {\n\t\t\t\tadd(wants, y)", "if _, needed := slices.BinarySearch(m.needed, y); !needed {\n\t\t\t\tadd(needs, y)",
			"what a needed target merely wants is needed"},
		{graph, `members{g.reach(t, needs, needs), g.reach(t, needs, wants)}`, `members{g.reach(t, needs, needs), g.reach(t, needs, needs)}`,
			"a target has no members that it merely wants"},
		{graph, "found = append(found, e.to)\n\t\t\t\tcontinue", "found = append(found, e.to)",
			"members of a target are what its members depend on as well"},
		{cycle, `e.kind == conflicts || e.to == x`, `e.kind >= after || e.to == x`,
			"a cycle over after is not found"},
		{cycle, "slices.Reverse(cycle[1:])\n", "",
			"a cycle is told backwards"},
		{check, `if closures[t].In[x] && closures[t].In[y] {`, `if closures[t].In[x] && closures[t].In[y] && closures[t].Essential[x] {`,
			"two in conflict may both be wanted by a target"},
		{check, `totals[y] > totals[below[x]])`, `totals[y] < totals[below[x]])`,
			"the shortest chain of stops is compared with shutdown_timeout"},
		{source, `return 2*s.Layer + 1`, `return 2*s.Layer - 1`,
			"a drop-in is overridden by the file that it is for"},
		{read, `for _, from := range slices.Backward(chain) {`, `for _, from := range chain {`,
			"the farther template wins over the nearer"},
		{tree, "override(a, b)\n", "_ = a\n\t\t\t_ = b\n",
			"a table in a drop-in is not merged"},
		{digest, "d.texts(c.Command)\n", "",
			"another command does not restart a component"},
	}
}
