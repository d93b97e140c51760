package targets

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// check holds the parts of a configuration against each other.
func (l *loader) check(c *Config) {
	l.checkSpace(c)
	l.checkTargets(c)
	l.checkFilters(c)
	names := c.names()
	for i := range c.Components {
		x := &c.Components[i]
		l.checkNames(c, owner{"component", x.Name, x.Edges}, names)
	}
	for i := range c.Targets {
		x := &c.Targets[i]
		l.checkNames(c, owner{"target", x.Name, x.Edges}, names)
	}
	l.checkPipes(c)
	l.checkShares(c)
	l.checkNetworks(c)
	if l.cycles(c) {
		return
	}
	g := NewGraph(c)
	l.checkConflicts(g)
	l.checkReplacements(g)
	l.checkStopTimes(g)
	l.checkWatchdog(g)
	l.checkStartConditions(g)
}

// names are all names of components and targets.
func (c *Config) names() []string {
	names := make([]string, 0, len(c.Components)+len(c.Targets))
	for i := range c.Components {
		names = append(names, c.Components[i].Name)
	}
	return append(names, c.targetNames()...)
}

func (c *Config) targetNames() []string {
	var names []string
	for i := range c.Targets {
		names = append(names, c.Targets[i].Name)
	}
	return names
}

// checkSpace finds names that are a component and a target.
func (l *loader) checkSpace(c *Config) {
	tables := map[string]bool{}
	for i := range c.Components {
		tables[tableOf(c.Components[i].Name)] = true
	}
	for i := range c.Targets {
		if name := c.Targets[i].Name; tables[name] {
			at, _ := l.find(join("component", name), atTable)
			l.fault(join("target", name), atTable, "the name is taken by a component, at "+at.String(), "components and targets share one name space")
		}
	}
}

// checkTargets checks everything that names a target, and finds the initial one when there is only one.
func (l *loader) checkTargets(c *Config) {
	targets := c.targetNames()
	switch {
	case len(targets) == 0:
		l.fault("target", atTable, "there is no target", "add [target.NAME] with what it depends_on")
		return
	case c.InitialTarget != "":
		l.checkTarget(c, "initial_target", c.InitialTarget)
	case len(targets) == 1:
		c.InitialTarget = targets[0]
	case !l.written("initial_target"):
		l.fault("initial_target", atKey, "is missing, and there are several targets", "one of "+strings.Join(targets[:min(len(targets), 8)], ", "))
	}
	l.checkTarget(c, "fallback_target", c.FallbackTarget)
	for i := range c.Components {
		for _, r := range c.Components[i].recoveries() {
			l.checkTarget(c, c.Components[i].path()+"."+r.key+".target", r.Target)
		}
	}
	for i := range c.Targets {
		l.checkTarget(c, join("target", c.Targets[i].Name)+".recovery.target", c.Targets[i].Recovery)
	}
}

func (l *loader) checkTarget(c *Config, path, name string) {
	if name == "" {
		return
	}
	if _, ok := c.Target(name); ok {
		return
	}
	what, hint := "no target is named "+strconv.Quote(name), meant(name, c.targetNames())
	if _, ok := c.Component(name); ok {
		what, hint = strconv.Quote(name)+" is a component, not a target", ""
	}
	l.fault(path, atValue, what, hint)
}

// owner is a component or target with the names that it refers to.
type owner struct {
	table string // "component" or "target"
	name  string
	edges Edges
}

// path is the key path of one written edge.
func (o owner) path(kind edgeKind, nth int) string {
	return element(join(o.table, tableOf(o.name))+"."+kind.String(), nth)
}

// checkNames checks what a component or target refers to.
func (l *loader) checkNames(c *Config, o owner, names []string) {
	for kind, list := range o.edges.byKind() {
		for i, name := range list {
			_, known := c.node(name)
			switch {
			case known && name == o.name:
				l.fault(o.path(edgeKind(kind), i), atValue, strconv.Quote(name)+" refers to itself", "")
			case !known && l.full():
				l.dropped++
			case !known:
				l.fault(o.path(edgeKind(kind), i), atValue, "no component or target is named "+strconv.Quote(name), c.meant(name, names))
			}
		}
	}
}

// meant is the hint for a name that nobody has: the instances of a component that has some, or what comes close.
func (c *Config) meant(name string, names []string) string {
	var instances []string
	for i := range c.Components {
		if n := c.Components[i].Name; n != name && tableOf(n) == name {
			instances = append(instances, n)
		}
	}
	if instances != nil {
		return "it has instances, write " + asList(strings.Join(instances, " "))
	}
	return meant(name, names)
}

// checkConflicts finds components that exclude each other and yet belong together (R7).
func (l *loader) checkConflicts(g *Graph) {
	c := g.Config
	var closures []Closure
	for x := range c.Components {
		for i, name := range c.Components[x].Conflicts {
			if closures == nil {
				for t := range c.Targets {
					closures = append(closures, g.Closure(t, nil))
				}
			}
			path := owner{"component", c.Components[x].Name, c.Components[x].Edges}.path(conflicts, i)
			for _, y := range g.standsFor(name) {
				if what := g.together(closures, x, y); what != "" {
					l.fault(path, atValue, what, "")
				}
			}
		}
	}
}

// standsFor is the components that a name means.
func (g *Graph) standsFor(name string) []int {
	if i, ok := g.Config.Component(name); ok {
		return []int{i}
	}
	if t, ok := g.Config.Target(name); ok {
		return g.members[t].all
	}
	return nil
}

// together says where two components that conflict are wanted at once; "" when nowhere.
func (g *Graph) together(closures []Closure, x, y int) string {
	c := g.Config
	a, b := c.Components[x].Name, c.Components[y].Name
	if x == y {
		return strconv.Quote(a) + " is a member and would conflict with itself"
	}
	if g.Closure(-1, []int{x}).In[y] {
		return strconv.Quote(a) + " cannot run without " + strconv.Quote(b)
	}
	if g.Closure(-1, []int{y}).In[x] {
		return strconv.Quote(b) + " cannot run without " + strconv.Quote(a)
	}
	var both []string
	for t := range closures {
		if closures[t].In[x] && closures[t].In[y] {
			both = append(both, c.Targets[t].Name)
		}
	}
	if both == nil {
		return ""
	}
	return strconv.Quote(a) + " and " + strconv.Quote(b) + " are both in target " + strings.Join(both, ", ")
}

// checkStopTimes warns when a chain of components may take longer to stop than the shutdown lasts.
func (l *loader) checkStopTimes(g *Graph) {
	c := g.Config
	all := make([]bool, len(c.Components))
	for x := range all {
		all[x] = true
	}
	if _, total := g.slowestStop(all); total <= c.ShutdownTimeout {
		return
	}
	var worst []int
	var longest time.Duration
	for t := range c.Targets {
		if chain, total := g.slowestStop(g.Closure(t, nil).In); total > longest {
			worst, longest = chain, total
		}
	}
	if longest <= c.ShutdownTimeout {
		return
	}
	names := make([]string, 0, len(worst))
	for _, x := range worst {
		names = append(names, c.Components[x].Name)
	}
	if n := len(names); n > 8 {
		names = slices.Concat(names[:4], []string{"..."}, names[n-3:])
	}
	path, at := "shutdown_timeout", atValue
	if !l.written(path) {
		path, at = c.Components[worst[0]].path(), atTable
	}
	where, key := l.find(path, at)
	l.add(Problem{
		File: where.file, Line: where.line, Col: where.col, Key: key, Severity: Notice,
		What: "stopping " + strings.Join(names, ", ") + " in turn may take " + longest.String() +
			", more than shutdown_timeout, " + c.ShutdownTimeout.String(),
		Hint: "what is alive by then is killed",
	})
}

// slowestStop finds the chain of components in a set that takes longest to stop one after the other, dependents
// first, if each uses all its time.
func (g *Graph) slowestStop(in []bool) (chain []int, total time.Duration) {
	totals, below := make([]time.Duration, len(in)), make([]int, len(in))
	top := -1
	for _, x := range g.Order {
		if !in[x] {
			continue
		}
		below[x] = -1
		for _, list := range [][]int{g.Needs[x], g.AnyOf[x], g.Wants[x], g.After[x]} {
			for _, y := range list {
				if in[y] && (below[x] < 0 || totals[y] > totals[below[x]]) {
					below[x] = y
				}
			}
		}
		totals[x] = g.Config.Components[x].stopTime()
		if below[x] >= 0 {
			totals[x] = min(totals[x]+totals[below[x]], maxDuration)
		}
		if top < 0 || totals[x] > totals[top] {
			top = x
		}
	}
	if top < 0 {
		return nil, 0
	}
	for x := top; x >= 0; x = below[x] {
		chain = append(chain, x)
	}
	return chain, totals[top]
}

// HasStopCommand says whether something is run to stop the component: a program or a built-in action.
func (c *Component) HasStopCommand() bool { return len(c.StopCommand) > 0 || len(c.StopAction) > 0 }

// stopTime is how long a component may take to stop. A oneshot has no process left; only its command takes time.
func (c *Component) stopTime() time.Duration {
	if c.Kind == Oneshot && !c.HasStopCommand() {
		return 0
	}
	return c.StopTimeout
}
