package sim

import (
	"slices"

	"github.com/orderly-init/orderly/supervisor"
	"github.com/orderly-init/orderly/targets"
)

// wanted is R2 to R4, worked out anew from the configuration and the marks.
func (j *judge) wanted(after *supervisor.Snapshot) {
	g := j.p.machine.Graph()
	w := wish{g: g, marks: after.Components, in: make([]bool, len(g.Needs)), target: map[string]bool{}}
	essential := wish{g: g, marks: after.Components, in: make([]bool, len(g.Needs)), target: map[string]bool{}, strict: true}
	if !j.ending {
		w.node(after.Target)
		essential.node(after.Target)
		for i := range after.Components {
			if after.Components[i].Started {
				w.node(after.Components[i].Name)
			}
		}
	}
	for i := range after.Components {
		c := &after.Components[i]
		in := !c.Removed && w.in[c.Component]
		forgone := isForgone(j.units[c.Component].def, c)
		if c.Wanted != in || !c.Removed && c.Essential != (essential.in[c.Component] && !forgone) {
			j.fail("wanted", "%s: wanted %v, essential %v", c.Name, c.Wanted, c.Essential)
		}
	}
}

// wish is one walk over what is written: depends_on alone, or every edge that makes something wanted.
type wish struct {
	g      *targets.Graph
	marks  []supervisor.ComponentStatus
	in     []bool
	target map[string]bool
	strict bool
}

func (w *wish) node(name string) {
	config := w.g.Config
	if c, ok := config.Component(name); ok {
		if w.in[c] || w.marks[c].Stopped {
			return
		}
		w.in[c] = true
		for _, list := range [][]int{w.g.Needs[c], w.g.AnyOf[c], w.g.Wants[c]} {
			for _, n := range list {
				w.node(config.Components[n].Name)
			}
			if w.strict {
				break
			}
		}
		if by := replacedBy(&config.Components[c], &w.marks[c]); by != "" {
			w.node(by)
		}
		return
	}
	t, ok := config.Target(name)
	if !ok || w.target[name] {
		return
	}
	w.target[name] = true
	lists := config.Targets[t].DependsOn
	if !w.strict {
		lists = slices.Concat(lists, config.Targets[t].Wants)
	}
	for _, n := range lists {
		w.node(n)
	}
}
