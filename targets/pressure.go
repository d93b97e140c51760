package targets

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// PressureResources are what a pressure can be about, in the order of PressureMark.
func PressureResources() []string { return []string{"cpu", "io", "memory"} }

// The kernel's bounds of a window (kernel/sched/psi.c).
const leastWindow, mostWindow = 500 * time.Millisecond, 10 * time.Second

// String is the mark as it is written.
func (p PressureMark) String() string {
	kind := "some "
	if p.Full {
		kind = "full "
	}
	return kind + p.Stall.String() + "/" + p.Window.String()
}

// readPressure reads a mark for each resource over those that are there.
func readPressure(v value, to *[]PressureMark) {
	all := slices.Clone(*to)
	if readTable(v, pressureFields(), &all) != nil {
		slices.SortFunc(all, func(a, b PressureMark) int { return strings.Compare(a.Resource, b.Resource) })
		*to = all
	}
}

func pressureFields() []field[[]PressureMark] {
	var fields []field[[]PressureMark]
	for _, name := range PressureResources() {
		fields = append(fields, field[[]PressureMark]{name, func(v value, to *[]PressureMark) { v.pressure(to) }})
	}
	return fields
}

// pressure reads one, or "none" in the place of one that a template has.
func (v value) pressure(to *[]PressureMark) {
	rest := slices.DeleteFunc(*to, func(p PressureMark) bool { return p.Resource == v.name })
	if v.x == "none" {
		*to = rest
		return
	}
	var p PressureMark
	if parsed(v, &p, parsePressure) {
		p.Resource = v.name
		*to = append(rest, p)
	}
}

// parsePressure reads "some 150ms/1s": how many wait, for how long, in which time.
func parsePressure(text string) (p PressureMark, what, hint string) {
	const form = `write "some 150ms/1s", "full 50ms/1s" or "none"`
	kind, times, ok := strings.Cut(text, " ")
	stall, window, ok2 := strings.Cut(times, "/")
	if !ok || !ok2 || kind != "some" && kind != "full" {
		return p, strconv.Quote(text) + " is not a pressure", form
	}
	p.Full = kind == "full"
	for _, half := range []struct {
		text string
		to   *time.Duration
	}{{stall, &p.Stall}, {window, &p.Window}} {
		if *half.to, what, hint = parseDuration(half.text); what != "" {
			return p, what, hint
		}
	}
	switch {
	case p.Window < leastWindow || p.Window > mostWindow:
		return p, p.Window.String() + " is no window", leastWindow.String() + " to " + mostWindow.String()
	case p.Stall < time.Microsecond || p.Stall > p.Window:
		return p, p.Stall.String() + " is not a part of " + p.Window.String(), form
	}
	return p, "", ""
}
