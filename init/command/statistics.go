package command

import (
	"fmt"
	"strconv"

	"github.com/orderly-init/orderly/control"
)

// statistics are the rows of show about a component's cgroup: what has been used or has happened, and what has not is left out.
func statistics(s *control.Statistics) [][]string {
	if s == nil {
		return nil
	}
	rows := [][]string{{"  cpu use", fmt.Sprintf("user %s, system %s", span(s.CPU.UserMS), span(s.CPU.SystemMS))}}
	if c := s.CPU; c.Periods > 0 {
		rows = append(rows, []string{"  throttled", fmt.Sprintf("%s in %d of %d periods", span(c.ThrottledMS), c.ThrottledPeriods, c.Periods)})
	}
	rows = append(rows, memoryRows(s.Memory)...)
	if p := s.Pids; p != nil {
		text := fmt.Sprintf("%d, at most %d", p.Current, p.Peak)
		if p.Refused > 0 {
			text += fmt.Sprintf("; %d refused", p.Refused)
		}
		rows = append(rows, []string{"  tasks", text})
	}
	for _, d := range s.IO {
		rows = append(rows, []string{"  io " + d.Device, fmt.Sprintf("read %s in %d, wrote %s in %d", size(d.ReadBytes), d.Reads, size(d.WriteBytes), d.Writes)})
	}
	for _, p := range s.Pressure {
		if p.TotalMS > 0 {
			rows = append(rows, []string{"  pressure " + p.Resource, p.Kind + " " + percents(p.Avg10, p.Avg60, p.Avg300) + " of 10s, 60s, 300s; " + span(p.TotalMS) + " in all"})
		}
	}
	return rows
}

func memoryRows(m *control.MemoryStatistics) [][]string {
	if m == nil {
		return nil
	}
	rows := [][]string{{"  memory use", fmt.Sprintf("%s, at most %s; swap %s, at most %s", size(m.CurrentBytes), size(m.PeakBytes), size(m.SwapBytes), size(m.SwapPeakBytes))}}
	text := ""
	for _, e := range []struct {
		what string
		n    int64
	}{
		{"below memory_low", m.BelowLow}, {"above memory_high", m.AtHigh}, {"at memory_max", m.AtMax}, {"out of memory", m.OOM},
		{"killed", m.Killed}, {"all killed", m.GroupKilled},
	} {
		if e.n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += e.what + " " + strconv.FormatInt(e.n, 10)
	}
	if text == "" {
		return rows
	}
	return append(rows, []string{"  memory events", text})
}

func percents(list ...float64) string {
	text := ""
	for i, p := range list {
		if i > 0 {
			text += " "
		}
		text += percent(p)
	}
	return text
}
