package command

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orderly-init/orderly/control"
)

func logCommand(o *options) *cobra.Command {
	var p control.LogParam
	var since string
	c := &cobra.Command{
		Use: "log [NAME]", Short: "Print what components and Orderly have said", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p.Name = first(args)
			if p.Lines < 0 {
				return fmt.Errorf("--lines %d is less than 0", p.Lines)
			}
			from, err := moment(since)
			if err != nil {
				return err
			}
			p.SinceMS = from
			return o.stream("Log", p, func(b json.RawMessage, last bool) error {
				var reply control.LogReply
				if err := json.Unmarshal(b, &reply); err != nil || last {
					return err
				}
				return o.printLine(c, reply.Line, func(w *writer) { w.logLine(&reply.Line) })
			})
		},
	}
	c.Flags().BoolVarP(&p.Follow, "follow", "f", false, "go on with what comes")
	c.Flags().IntVarP(&p.Lines, "lines", "n", 0, "only the newest lines")
	c.Flags().StringVar(&since, "since", "", "only what is newer: a duration such as 10m, or a time as RFC 3339 writes it")
	return c
}

// moment reads a duration back from now, or a time; the result is in milliseconds of the Unix epoch.
func moment(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return float64(time.Now().Add(-d).UnixMilli()), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, fmt.Errorf("--since %q: neither a duration back (10m) nor a time (2026-01-02T15:04:05Z)", s)
	}
	return float64(t.UnixMilli()), nil
}

func (w *writer) logLine(l *control.LogLine) {
	mark := map[string]string{"out": "", "err": "", "orderly": "* "}[l.Source]
	text := l.Text
	if w.color && l.Source == "orderly" {
		text = grey + text + plain
	}
	w.line("[%12.6f] %s: %s%s", l.TimeMS/1000, l.Name, mark, text)
}

func eventsCommand(o *options) *cobra.Command {
	var p control.EventsParam
	c := &cobra.Command{
		Use: "events", Short: "Print life and death, readiness and transitions", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.stream("Events", p, func(b json.RawMessage, last bool) error {
				var reply control.EventsReply
				if err := json.Unmarshal(b, &reply); err != nil || last {
					return err
				}
				return o.printLine(c, reply.Event, func(w *writer) { w.event(&reply.Event) })
			})
		},
	}
	c.Flags().BoolVarP(&p.Follow, "follow", "f", false, "go on with what comes")
	c.Flags().Uint64Var(&p.After, "after", 0, "only events after the one with this number")
	return c
}

func (w *writer) event(e *control.Event) {
	head := fmt.Sprintf("%6d [%12.6f] ", e.Seq, e.TimeMS/1000)
	reason := ""
	if e.Reason != "" {
		reason = " (" + e.Reason + ")"
	}
	switch e.Kind {
	case "component":
		w.line("%s%s run %d: %s -> %s%s", head, e.Component, e.Run, e.From, w.state(e.To), reason)
	case "target":
		w.line("%starget %s: %s%s", head, orNone(e.Target), w.state(e.To), reason)
	default:
		w.line("%s%s: %s", head, e.Kind, e.Reason)
	}
}

func historyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "history [NAME]", Short: "Print past runs", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var reply control.HistoryReply
			if err := o.call("History", control.NameParam{Name: first(args)}, &reply); err != nil {
				return err
			}
			return o.print(c, reply.Runs, func(w *writer) {
				var rows [][]string
				for _, r := range reply.Runs {
					rows = append(rows, []string{r.Name, strconv.Itoa(int(r.Run)), sinceBoot(r.StartMS), sinceBoot(r.ReadyMS), sinceBoot(r.EndMS), strings.TrimSpace(r.Reason)})
				}
				w.table([]string{"COMPONENT", "RUN", "START", "READY", "END", "REASON"}, rows)
			})
		},
	}
}
