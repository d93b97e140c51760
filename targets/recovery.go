package targets

import (
	"slices"
	"strconv"
	"strings"
)

// RecoveryOf is what follows a failure of the component, before or after it was ready.
func (c *Component) RecoveryOf(ready bool) *Recovery {
	if !ready && c.StartRecovery != nil {
		return c.StartRecovery
	}
	return &c.Recovery
}

// SameRecovery says whether two definitions answer every failure alike.
func (c *Component) SameRecovery(other *Component) bool {
	return c.Recovery == other.Recovery && *c.RecoveryOf(false) == *other.RecoveryOf(false) &&
		slices.Equal(c.NoRestartExitCodes, other.NoRestartExitCodes) && slices.Equal(c.RebootExitCodes, other.RebootExitCodes)
}

// Replaces says whether the recovery ends in another component.
func (r *Recovery) Replaces() bool {
	return r.Action == Replace || r.Action == Restart && r.Then == Replace
}

// keyedRecovery is a recovery with the key that it is written under.
type keyedRecovery struct {
	key string
	*Recovery
}

func (c *Component) recoveries() []keyedRecovery {
	list := []keyedRecovery{{"recovery", &c.Recovery}}
	if c.StartRecovery != nil {
		list = append(list, keyedRecovery{"start_recovery", c.StartRecovery})
	}
	return list
}

// readStartRecovery reads start_recovery. Keys that are not written are those of [defaults.component.start_recovery] if there
// is one, else those of the component's own recovery.
func readStartRecovery(v value, c *Component) {
	r := *c.RecoveryOf(false)
	readRecovery(v, &r)
	c.StartRecovery = &r
}

// codes reads a list of exit codes, sorted and without doubles, and reports whether it is one.
func (v value) codes(to *[]int) bool {
	codes, fine := []int{}, true
	isList := v.each("a list of exit codes", func(e value) {
		n, ok := e.integer(0, 255)
		codes, fine = append(codes, int(n)), fine && ok
	})
	if !isList || !fine {
		return false
	}
	slices.Sort(codes)
	*to = slices.Compact(codes)
	return true
}

// checkExitCodes finds codes that mean two things. The default success code of a daemon means nothing: a daemon that ends
// unasked has failed with any.
func (v value) checkExitCodes(c *Component, ownSuccess bool) {
	type class struct {
		key   string
		codes []int
	}
	classes := []class{{"no_restart_exit_codes", c.NoRestartExitCodes}, {"reboot_exit_codes", c.RebootExitCodes}}
	if c.Kind == Oneshot || ownSuccess {
		classes = slices.Insert(classes, 0, class{"success_exit_codes", c.SuccessExitCodes})
	}
	for i, later := range classes {
		for _, earlier := range classes[:i] {
			var both []string
			for _, code := range later.codes {
				if slices.Contains(earlier.codes, code) {
					both = append(both, strconv.Itoa(code))
				}
			}
			if both != nil {
				v.l.fault(v.path()+"."+later.key, atKey, strings.Join(both, ", ")+" also in "+earlier.key, "an exit code has one meaning")
			}
		}
	}
}

// checkReplacements holds every replacement against the graph: it must be another component that can run while the failed
// one is down, and together with all that is wanted then.
func (l *loader) checkReplacements(g *Graph) {
	c := g.Config
	for x := range c.Components {
		for _, r := range c.Components[x].recoveries() {
			if !r.Replaces() || r.Replacement == "" { // a missing one has been reported
				continue
			}
			if what, hint := g.replaceable(x, r.Replacement); what != "" {
				l.fault(c.Components[x].path()+"."+r.key+".replacement", atValue, what, hint)
			}
		}
	}
}

// replaceable says what is wrong with a replacement of x; "" when nothing is.
func (g *Graph) replaceable(x int, name string) (what, hint string) {
	c := g.Config
	y, known := c.Component(name)
	if !known {
		if _, target := c.Target(name); target {
			return strconv.Quote(name) + " is a target, not a component", `action = "activate" goes to a target`
		}
		names := make([]string, 0, len(c.Components))
		for i := range c.Components {
			names = append(names, c.Components[i].Name)
		}
		return "no component is named " + strconv.Quote(name), meant(name, names)
	}
	self := c.Components[x].Name
	if y == x {
		return strconv.Quote(name) + " would replace itself", ""
	}
	needed := make([]bool, len(c.Components))
	g.essential(y, needed)
	if needed[x] {
		return strconv.Quote(name) + " cannot run without " + strconv.Quote(self) + ", which has failed by then", ""
	}
	if chain := g.replacedInTurn(x); chain != nil {
		return "replaces in a circle: " + strings.Join(chain, " -> "), ""
	}
	return g.crowded(x, y), ""
}

// replacedInTurn follows replacements from x and returns the names of the circle when they lead back to it.
func (g *Graph) replacedInTurn(x int) []string {
	c := g.Config
	before, seen := map[int]int{}, []int{x}
	for i := 0; i < len(seen); i++ {
		for _, r := range c.Components[seen[i]].recoveries() {
			y, known := c.Component(r.Replacement)
			if !known || !r.Replaces() || slices.Contains(seen[1:], y) {
				continue
			}
			if y != x {
				before[y] = seen[i]
				seen = append(seen, y)
				continue
			}
			chain := []string{c.Components[x].Name}
			for at := seen[i]; at != x; at = before[at] {
				chain = append(chain, c.Components[at].Name)
			}
			chain = append(chain, c.Components[x].Name)
			slices.Reverse(chain)
			return chain
		}
	}
	return nil
}

// crowded says which conflict there is where y runs in place of x; "" when there is none. x itself is down then: that the
// two cannot run side by side is no obstacle.
func (g *Graph) crowded(x, y int) string {
	c := g.Config
	for t := range c.Targets {
		without, in := g.Closure(t, nil).In, g.Closure(t, []int{y}).In
		if !without[x] {
			continue
		}
		for a := range in {
			for _, b := range g.Conflicts[a] {
				if in[a] && in[b] && a < b && a != x && b != x && !(without[a] && without[b]) {
					return strconv.Quote(c.Components[a].Name) + " and " + strconv.Quote(c.Components[b].Name) +
						" conflict, and would both be wanted in target " + c.Targets[t].Name
				}
			}
		}
	}
	return ""
}
