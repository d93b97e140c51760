package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
)

func statusCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "status [NAME]", Short: "Show the live state, one line each", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var reply control.StatusReply
			if err := o.call("GetStatus", control.NameParam{Name: first(args)}, &reply); err != nil {
				return err
			}
			s := &reply.Status
			return o.print(c, s, func(w *writer) { w.status(s, len(args) == 0) })
		},
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (w *writer) status(s *control.Status, whole bool) {
	if whole {
		ready, wanted := 0, 0
		for i := range s.Components {
			if !s.Components[i].Wanted {
				continue
			}
			wanted++
			if s.Components[i].State == "ready" {
				ready++
			}
		}
		w.line("target %s: %s for %s; %d of %d wanted components ready", orNone(s.Target), w.state(s.State), span(now()-s.SinceMS), ready, wanted)
		if s.Watchdog != "" {
			w.line("watchdog: %s", s.Watchdog)
		}
		for _, n := range s.Notes {
			w.line("note: %s", n)
		}
	}
	var rows [][]string
	for i := range s.Components {
		rows = append(rows, w.row(&s.Components[i]))
	}
	if len(rows) > 0 {
		w.table([]string{"COMPONENT", "STATE", "FOR", "PID", "RUN", "MEMORY", "CPU", "WHY"}, rows)
	}
}

func (w *writer) row(c *control.Component) []string {
	pid, since := "-", "-"
	if c.PID != 0 {
		pid = strconv.Itoa(c.PID)
	}
	if c.SinceMS != 0 {
		since = span(now() - c.SinceMS)
	}
	return []string{c.Name, w.state(c.State), since, pid, strconv.Itoa(int(c.Run)), size(c.MemoryBytes), span(c.CPUMS), remark(c)}
}

// remark is what a person should know of a component beyond its state.
func remark(c *control.Component) string {
	var parts []string
	if c.Reason != "" {
		parts = append(parts, c.Reason)
	}
	parts = append(parts, c.Missed...)
	if c.Health == "degraded" {
		parts = append(parts, "degraded")
	}
	if c.StatusText != "" {
		parts = append(parts, "“"+c.StatusText+"”")
	}
	if len(c.Conditions) > 0 {
		parts = append(parts, "raises "+strings.Join(c.Conditions, ", "))
	}
	if c.Restarts > 0 {
		parts = append(parts, fmt.Sprintf("%d restarts", c.Restarts))
	}
	return strings.Join(parts, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

func showCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show everything about a component", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var reply control.ShowReply
			if err := o.call("Show", control.NameParam{Name: args[0]}, &reply); err != nil {
				return err
			}
			d := &reply.Detail
			return o.print(c, d, func(w *writer) { w.detail(d) })
		},
	}
}

func (w *writer) detail(d *control.Detail) {
	c := &d.Component
	w.line("%s: %s", c.Name, w.state(c.State))
	if d.Description != "" {
		w.line("  %s", d.Description)
	}
	for _, cause := range d.Causes {
		w.line("  %s", cause)
	}
	rows := [][]string{
		{"  kind", d.Kind}, {"  pid", strconv.Itoa(c.PID)}, {"  processes", fmt.Sprint(d.Processes)}, {"  run", strconv.Itoa(int(c.Run))},
		{"  conditions", strings.Join(c.Conditions, " ")}, {"  restarts", strconv.Itoa(c.Restarts)}, {"  last exit", exitText(c.Exit)}, {"  started at", sinceBoot(c.StartMS)},
		{"  ready at", sinceBoot(c.ReadyMS)}, {"  health", strings.Join(append([]string{c.Health}, c.Missed...), "; ")},
		{"  heartbeat", orDash(c.Heartbeat)}, {"  memory", size(c.MemoryBytes)}, {"  cpu", span(c.CPUMS)}, {"  cgroup", orNone(d.Cgroup)},
		{"  needs", orNone(strings.Join(d.Needs, " "))}, {"  needed by", orNone(strings.Join(d.NeededBy, " "))},
	}
	rows = append(rows, statistics(d.Statistics)...)
	for _, p := range d.Definition {
		rows = append(rows, []string{"  " + p.Key, p.Value})
	}
	w.table([]string{"", ""}, rows)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func exitText(e *control.Exit) string {
	switch {
	case e == nil:
		return "-"
	case e.Code != nil:
		return "exit " + strconv.Itoa(*e.Code)
	case e.Core:
		return "killed by " + e.Signal + ", core dumped"
	}
	return "killed by " + e.Signal
}

func listCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all components and run targets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var reply control.ListReply
			if err := o.call("List", control.Empty{}, &reply); err != nil {
				return err
			}
			return o.print(c, reply.Entries, func(w *writer) {
				var rows [][]string
				for _, e := range reply.Entries {
					mark := ""
					if e.Active {
						mark = "*"
					}
					rows = append(rows, []string{e.Name, e.Kind, mark, e.Description})
				}
				w.table([]string{"NAME", "KIND", "ACTIVE", "DESCRIPTION"}, rows)
			})
		},
	}
}

func whyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "why NAME", Short: "Explain the present state of a component", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var reply control.WhyReply
			if err := o.call("Why", control.NameParam{Name: args[0]}, &reply); err != nil {
				return err
			}
			return o.print(c, reply.Causes, func(w *writer) {
				for _, cause := range reply.Causes {
					w.line("%s", cause)
				}
			})
		},
	}
}
