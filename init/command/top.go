package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
	"github.com/orderly-init/orderly/targets"
)

// top is one refresh of the table: rates over the time between two measurements.
type top struct {
	TimeMS     float64  `json:"time_ms"` // since boot
	SpanMS     float64  `json:"span_ms"` // what the rates are over
	Target     string   `json:"target"`
	State      string   `json:"state"`
	Components []topRow `json:"components"`
}

type topRow struct {
	Name     string  `json:"name"`
	State    string  `json:"state"`
	CPU      float64 `json:"cpu_percent"` // of one processor
	Memory   int64   `json:"memory_bytes"`
	Tasks    int     `json:"tasks"`
	Read     float64 `json:"read_bytes_per_second"`
	Write    float64 `json:"write_bytes_per_second"`
	Restarts int     `json:"restarts"`

	Throttled float64          `json:"throttled_percent"` // of the time, summed over processors
	Pressure  []control.Waited `json:"pressure"`
	Beats     *int             `json:"beats"`
	BeatsMin  int              `json:"beats_min"`
	Why       string           `json:"why"`
}

// topSorts are the orders of the rows, the greatest first where it is a number.
func topSorts() map[string]func(a, b *topRow) int {
	return map[string]func(a, b *topRow) int{
		"cpu":      func(a, b *topRow) int { return cmp.Compare(b.CPU, a.CPU) },
		"memory":   func(a, b *topRow) int { return cmp.Compare(b.Memory, a.Memory) },
		"tasks":    func(a, b *topRow) int { return cmp.Compare(b.Tasks, a.Tasks) },
		"io":       func(a, b *topRow) int { return cmp.Compare(b.Read+b.Write, a.Read+a.Write) },
		"restarts": func(a, b *topRow) int { return cmp.Compare(b.Restarts, a.Restarts) },
		"state":    func(a, b *topRow) int { return strings.Compare(a.State, b.State) },
		"name":     func(_, _ *topRow) int { return 0 },
	}
}

// topSortNames are the orders by name, as the help has them.
func topSortNames() []string {
	return []string{"cpu", "memory", "tasks", "io", "restarts", "state", "name"}
}

// topFlags are the flags of top.
type topFlags struct {
	sort     string
	interval time.Duration
	count    int
	once     bool
}

func topCommand(o *options) *cobra.Command {
	f := &topFlags{}
	c := &cobra.Command{
		Use: "top", Short: "Show what components use, live", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if !o.json && f.count == 0 && isTerminal(os.Stdout) {
				return tried(o.liveTop(f))
			}
			return o.plainTop(c, f)
		},
	}
	c.Flags().StringVar(&f.sort, "sort", "cpu", "order of the rows: "+strings.Join(topSortNames(), ", "))
	c.Flags().DurationVar(&f.interval, "interval", time.Second, "time between two refreshes")
	c.Flags().IntVarP(&f.count, "count", "n", 0, "print so many tables, one after the other")
	c.Flags().BoolVar(&f.once, "once", false, "print one table")
	c.MarkFlagsMutuallyExclusive("count", "once")
	return c
}

// topLeast bounds the interval: measuring costs.
const topLeast = 100 * time.Millisecond

func (f *topFlags) check() error {
	if f.once {
		f.count = 1
	}
	switch {
	case !slices.Contains(topSortNames(), f.sort):
		hint := ""
		if near := targets.Nearest(f.sort, topSortNames()); len(near) > 0 {
			hint = "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return fmt.Errorf("no order %q%s", f.sort, hint)
	case f.interval < topLeast:
		return fmt.Errorf("--interval %v is shorter than %v", f.interval, topLeast)
	case f.count < 0:
		return fmt.Errorf("--count %d is less than 0", f.count)
	}
	return nil
}

// plainTop prints one table after the other, each after an interval, without escapes in a pipe.
func (o *options) plainTop(c *cobra.Command, f *topFlags) error {
	before, err := o.usage()
	if err != nil {
		return err
	}
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for n := 0; f.count == 0 || n < f.count; n++ {
		<-tick.C
		after, err := o.usage()
		if err != nil {
			return err
		}
		t := rates(before, after, f.sort)
		if err := o.printLine(c, t, func(w *writer) {
			if n > 0 {
				w.line("")
			}
			w.top(&t)
		}); err != nil {
			return err
		}
		before = after
	}
	return nil
}

// usage measures; a manager that is replaced meanwhile is asked again.
func (o *options) usage() (*control.UsageReply, error) {
	var reply control.UsageReply
	err := o.call("GetUsage", control.Empty{}, &reply)
	if errors.Is(err, control.ErrGone) {
		err = o.call("GetUsage", control.Empty{}, &reply)
	}
	return &reply, err
}

// rates makes a refresh of two measurements. A component that was not there before has used nothing before; a count that has
// become smaller began anew.
func rates(before, after *control.UsageReply, by string) top {
	t := top{TimeMS: after.TimeMS, SpanMS: after.TimeMS - before.TimeMS, Target: after.Target, State: after.State, Components: []topRow{}}
	was := map[string]*control.Usage{}
	for i := range before.Components {
		was[before.Components[i].Component.Name] = &before.Components[i]
	}
	for i := range after.Components {
		u := &after.Components[i]
		old := was[u.Component.Name]
		if old == nil {
			old = &control.Usage{}
		}
		c := &u.Component
		t.Components = append(t.Components, topRow{
			Name: c.Name, State: c.State, Memory: c.MemoryBytes, Tasks: u.Tasks, Restarts: c.Restarts,
			CPU:       100 * grown(old.Component.CPUMS, c.CPUMS) / max(t.SpanMS, 1),
			Read:      1000 * grown(float64(old.ReadBytes), float64(u.ReadBytes)) / max(t.SpanMS, 1),
			Write:     1000 * grown(float64(old.WriteBytes), float64(u.WriteBytes)) / max(t.SpanMS, 1),
			Throttled: 100 * grown(old.Throttled, u.Throttled) / max(t.SpanMS, 1), Pressure: u.Pressure,
			Beats: u.Beats, BeatsMin: u.BeatsMin, Why: why(c),
		})
	}
	order := topSorts()[by]
	slices.SortStableFunc(t.Components, func(a, b topRow) int { return cmp.Or(order(&a, &b), strings.Compare(a.Name, b.Name)) })
	return t
}

// grown is the growth of a count. What was not there at the first look is not a rate, and nor is what has become less.
func grown(before, after float64) float64 {
	if after < before {
		return after
	}
	return after - before
}

// why is the remark without what has a column of its own, and without what a component could steer the terminal with.
func why(c *control.Component) string {
	short := *c
	short.Restarts = 0
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, remark(&short))
}

func (w *writer) top(t *top) {
	var cpu float64
	var memory int64
	for i := range t.Components {
		cpu += t.Components[i].CPU
		memory += t.Components[i].Memory
	}
	w.line("target %s: %s; %d components, cpu %s, memory %s", orNone(t.Target), w.state(t.State), len(t.Components), percent(cpu), size(memory))
	rows := make([][]string, 0, len(t.Components))
	for i := range t.Components {
		rows = append(rows, w.topRow(&t.Components[i]))
	}
	w.table([]string{"COMPONENT", "STATE", "CPU", "MEMORY", "TASKS", "READ/S", "WRITE/S", "THROTTLED", "PRESSURE", "RESTARTS", "BEATS", "WHY"}, rows)
}

func (w *writer) topRow(r *topRow) []string {
	beats := "-"
	if r.Beats != nil {
		beats = strconv.Itoa(*r.Beats) + "/" + strconv.Itoa(r.BeatsMin)
	}
	return []string{
		r.Name, w.state(r.State), percent(r.CPU), size(r.Memory), count(r.Tasks), size(int64(r.Read)), size(int64(r.Write)), orDash(throttled(r.Throttled)), waits(r.Pressure),
		count(r.Restarts), beats, r.Why,
	}
}

// throttled is how much of the time cpu_max holds a component back.
func throttled(p float64) string {
	if p < 0.05 {
		return ""
	}
	return percent(p)
}

// waits are the resources that a component waits for, and how much of the time.
func waits(list []control.Waited) string {
	var texts []string
	for _, p := range list {
		if p.Avg10 >= 1 {
			texts = append(texts, p.Resource+" "+strconv.FormatFloat(p.Avg10, 'f', 0, 64)+"%")
		}
	}
	return orDash(strings.Join(texts, " "))
}

func percent(p float64) string { return strconv.FormatFloat(p, 'f', 1, 64) + "%" }

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
