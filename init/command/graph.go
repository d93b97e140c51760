package command

import (
	"fmt"
	"strings"

	"github.com/orderly-init/orderly/control"
)

// drawn is a graph in the form that is drawn: edges by where they start.
type drawn struct {
	nodes map[string]control.Node
	edges map[string][]control.Edge
	seen  map[string]bool
}

// tree prints the graph as an indented tree from the target, or from every target. What has been printed once is
// only named again.
func (w *writer) tree(g *control.GraphReply, target string) {
	d := drawn{nodes: map[string]control.Node{}, edges: map[string][]control.Edge{}, seen: map[string]bool{}}
	for _, n := range g.Nodes {
		d.nodes[n.Name] = n
	}
	below := map[string]bool{}
	for _, e := range g.Edges {
		d.edges[e.From] = append(d.edges[e.From], e)
		if e.Kind != "conflicts" {
			below[e.To] = true
		}
	}
	if target != "" {
		w.branch(&d, target, "", "")
		return
	}
	for _, n := range g.Nodes {
		if !below[n.Name] {
			w.branch(&d, n.Name, "", "")
		}
	}
}

// branch prints one node and what it needs below it.
func (w *writer) branch(d *drawn, name, indent, kind string) {
	n := d.nodes[name]
	label := name
	if n.Kind == "target" {
		label = "[" + name + "]"
	}
	if kind != "" && kind != "depends_on" {
		label += " (" + kind + ")"
	}
	if n.State != "" {
		label += " " + w.state(n.State)
	}
	if d.seen[name] && len(d.edges[name]) > 0 {
		w.line("%s%s …", indent, label)
		return
	}
	w.line("%s%s", indent, label)
	d.seen[name] = true
	for _, e := range d.edges[name] {
		w.branch(d, e.To, indent+"  ", e.Kind)
	}
}

// The looks of nodes and edges in a picture (graphviz.org).
var (
	dotFill = map[string]string{
		"ready": "palegreen", "failed": "salmon", "starting": "khaki", "stopping": "khaki", "backoff": "orange", "waiting": "lightyellow", "down": "lightgrey",
	}
	dotStyle = map[string]string{
		"depends_on": "solid", "depends_on_any": "bold", "wants": "dashed", "after": "dotted", "conflicts": "dotted",
	}
)

// dot prints the graph for graphviz.
func (w *writer) dot(g *control.GraphReply) {
	w.line("digraph orderly {")
	w.line("  rankdir=LR; node [style=filled, fillcolor=white];")
	for _, n := range g.Nodes {
		shape := "ellipse"
		switch n.Kind {
		case "target":
			shape = "box"
		case "oneshot":
			shape = "octagon"
		}
		attributes := []string{"shape=" + shape}
		if fill := dotFill[n.State]; fill != "" {
			attributes = append(attributes, "fillcolor="+fill)
		}
		w.line("  %q [%s];", n.Name, strings.Join(attributes, ", "))
	}
	for _, e := range g.Edges {
		extra := ""
		if e.Kind == "conflicts" {
			extra = ", dir=none, color=red"
		}
		w.line("  %q -> %q [style=%s, tooltip=%q%s];", e.From, e.To, dotStyle[e.Kind], e.Kind, extra)
	}
	fmt.Fprintln(w, "}")
}
