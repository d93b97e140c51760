package targets

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Severity tells what makes a load fail from what is only said. The zero value is Fault.
type Severity uint8

// The severities.
const (
	Fault  Severity = iota // the configuration is not used
	Notice                 // it is used, and this is worth a look
)

// String is "error" or "warning".
func (s Severity) String() string {
	if s == Notice {
		return "warning"
	}
	return "error"
}

// Problem is one thing that is wrong with a configuration, and where.
type Problem struct {
	File      string // as it was given; "" when no file is to blame
	Line, Col int    // from 1, the column in bytes; 0 is unknown
	Key       string // the key path, such as component.web.ready.socket; "" when there is none
	What      string
	Hint      string // what to do about it; may be empty
	Severity  Severity
}

// String is the line that orderly check prints: file:line:col: key: what is wrong; hint.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		b.WriteString(strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col) + ":")
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Severity == Notice {
		b.WriteString("warning: ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.What)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems is everything that is wrong, sorted by file, line and column.
type Problems []Problem

// Error joins the problems, one per line.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// Fatal reports whether any of the problems keeps the configuration from being used.
func (ps Problems) Fatal() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == Fault })
}

// tidy sorts and drops what was found twice.
func (ps Problems) tidy() Problems {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.What, b.What), cmp.Compare(a.Hint, b.Hint),
		)
	})
	return slices.Compact(ps)
}
