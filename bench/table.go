package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// goal is what a figure is held against. The zero value holds it against nothing.
type goal struct {
	kind  goalKind
	limit float64
}

type goalKind uint8

const (
	noGoal  goalKind = iota
	atMost           // of the figure, in its unit
	ofFloor          // of the figure divided by the floor's
)

// row is one line of the table.
type row struct {
	name  string
	unit  string
	floor float64 // 0: there is none
	got   float64
	goal  goal
}

func (r row) ratio() float64 { return r.got / r.floor }

func (r row) met() bool {
	switch r.goal.kind {
	case atMost:
		return r.got <= r.goal.limit
	case ofFloor:
		return r.ratio() <= r.goal.limit
	case noGoal:
	}
	return true
}

type table []row

func (t table) print(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WORKLOAD\tFLOOR\tORDERLY\tRATIO\tGOAL\t")
	for _, r := range t {
		floor, ratio := "-", "-"
		if r.floor != 0 {
			floor, ratio = figure(r.floor, r.unit), fmt.Sprintf("%.2f", r.ratio())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.name, floor, figure(r.got, r.unit), ratio, r.want(), r.verdict())
	}
	w.Flush()
}

// figure has three digits that mean something.
func figure(x float64, unit string) string {
	switch {
	case x == 0 || x >= 100:
		return fmt.Sprintf("%.0f %s", x, unit)
	case x >= 10:
		return fmt.Sprintf("%.1f %s", x, unit)
	}
	return fmt.Sprintf("%.2f %s", x, unit)
}

func (r row) want() string {
	switch r.goal.kind {
	case atMost:
		return fmt.Sprintf("%g %s", r.goal.limit, r.unit)
	case ofFloor:
		return fmt.Sprintf("%g x floor", r.goal.limit)
	case noGoal:
	}
	return "-"
}

func (r row) verdict() string {
	switch {
	case r.goal.kind == noGoal:
		return ""
	case r.met():
		return "ok"
	}
	return "MISSED"
}

// quantile is the value below which the part q of the values lies; 0 where there are none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// hostLoad is the load of the last minute (proc_loadavg(5)): others may use the host.
func hostLoad() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
