package oci

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a bundle, or that is not done.
type Problem struct {
	File      string
	Line, Col int    // of the value, from 1; 0: it is about something that is not there
	Path      string // of the field, "mounts[3].options"
	What      string
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	for _, part := range []string{p.Path, p.What} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	return b.String()
}

// Refused is a bundle that is not started, with all that is wrong with it.
type Refused []Problem

func (r Refused) Error() string {
	lines := make([]string, 0, len(r))
	for _, p := range r {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "; ")
}

// report gathers what is found in one file.
type report struct {
	file     string
	data     []byte
	problems []Problem
	notes    []Problem
}

func (r *report) refuse(n *node, path, what string) {
	r.problems = append(r.problems, r.at(n, path, what))
}

// note tells what is not done, and need not be.
func (r *report) note(n *node, path, what string) { r.notes = append(r.notes, r.at(n, path, what)) }

func (r *report) at(n *node, path, what string) Problem {
	p := Problem{File: r.file, Path: path, What: what}
	if n != nil {
		p.Line, p.Col = position(r.data, n.offset)
	}
	return p
}

// sorted puts them in the order of the file. What is said of a value that has not even the right type is not worth telling.
func sorted(list []Problem) []Problem {
	slices.SortStableFunc(list, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Col-b.Col) })
	var last Problem
	return slices.DeleteFunc(list, func(p Problem) bool {
		follows := p.Line == last.Line && p.Col == last.Col && strings.HasPrefix(last.What, mistyped)
		if !follows {
			last = p
		}
		return follows
	})
}

// mistyped begins what is said of a value of the wrong type.
const mistyped = "must be "

// position is the line and the column, in bytes from 1.
func position(data []byte, offset int) (line, col int) {
	before := data[:min(offset, len(data))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
