package logs

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// MaxLine bounds a line of the log in bytes; what is longer is split.
const MaxLine = 8 << 10

// Source tells the streams of a component apart.
type Source byte

// The sources of a line.
const (
	Out     Source = 'o' // its standard output
	Err     Source = 'e' // its standard error
	Orderly Source = '-' // Orderly about it
)

// Line is one line of the log. On disk it is
//
//	2026-11-22T10:15:04.123456Z 12.345678 3o text
//
// with the wall clock, the seconds since boot, the run and the source. Orderly's own lines are in a file of their
// own, and begin with the name that they are about.
type Line struct {
	Name   string // of the file, not in the line
	Wall   time.Time
	Mono   time.Duration // since boot
	Run    uint32
	Source Source
	Text   string
}

// linePrefix is about what the log adds to a line: a flood of short lines must not be let through because its bytes
// are few.
const linePrefix = 48

const wallForm = "2006-01-02T15:04:05.000000Z"

// appendLine writes a line in the form of the disk. Control bytes that could end or forge a line become '?'.
func appendLine(b []byte, l *Line) []byte {
	b = l.Wall.UTC().AppendFormat(b, wallForm)
	b = fmt.Appendf(b, " %d.%06d ", l.Mono/time.Second, l.Mono%time.Second/time.Microsecond)
	b = strconv.AppendUint(b, uint64(l.Run), 10)
	b = append(b, byte(l.Source), ' ')
	start := len(b)
	b = append(b, l.Text...)
	for i := start; i < len(b); i++ {
		if b[i] == '\n' || b[i] == '\r' || b[i] == 0 {
			b[i] = '?'
		}
	}
	return append(b, '\n')
}

// parseLine reads a line of the disk without its newline.
func parseLine(name string, b []byte) (Line, bool) {
	wall, rest, ok1 := bytes.Cut(b, []byte{' '})
	mono, rest, ok2 := bytes.Cut(rest, []byte{' '})
	tag, text, ok3 := bytes.Cut(rest, []byte{' '})
	if !ok1 || !ok2 || !ok3 || len(tag) < 2 {
		return Line{}, false
	}
	at, err1 := time.Parse(wallForm, string(wall))
	since, err2 := parseMono(mono)
	run, err3 := strconv.ParseUint(string(tag[:len(tag)-1]), 10, 32)
	source := Source(tag[len(tag)-1])
	if err1 != nil || err2 != nil || err3 != nil || (source != Out && source != Err && source != Orderly) {
		return Line{}, false
	}
	return Line{Name: name, Wall: at, Mono: since, Run: uint32(run), Source: source, Text: string(text)}, true
}

func parseMono(b []byte) (time.Duration, error) {
	sec, micro, ok := bytes.Cut(b, []byte{'.'})
	if !ok || len(micro) != 6 {
		return 0, strconv.ErrSyntax
	}
	s, err := strconv.ParseUint(string(sec), 10, 32)
	if err != nil {
		return 0, err
	}
	us, err := strconv.ParseUint(string(micro), 10, 32)
	return time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond, err
}
