package targets

import (
	"cmp"
	"fmt"
	"slices"
)

// maxProblems bounds what one load reports, so that a file of garbage does not become a list of garbage.
const maxProblems = 1000

// Load reads, merges and checks the sources. A configuration that has faults is nil, and the problems say all of
// them at once; notices come with a configuration that is used.
func Load(sources []Source) (*Config, Problems) {
	_, config, problems := load(sources)
	return config, problems
}

func load(sources []Source) (*loader, *Config, Problems) {
	l := &loader{}
	for _, s := range sources {
		l.files = append(l.files, file{Source: s})
	}
	slices.SortStableFunc(l.files, func(a, b file) int { return cmp.Compare(a.rank(), b.rank()) })
	for i := range l.files {
		l.decode(&l.files[i])
	}
	d := l.read(l.merged())
	if !l.broken {
		l.check(&d.Config)
	}
	problems := l.problems.tidy()
	if l.dropped > 0 {
		problems = append(problems, Problem{What: fmt.Sprintf("and %d more problems", l.dropped)})
	}
	if problems.Fatal() {
		return l, nil, problems
	}
	pickMaps(d.Components)
	for i := range d.Components {
		d.Components[i].Start = startDigest(&d.Components[i])
	}
	return l, &d.Config, problems
}

// loader is one load on its way from files to a configuration.
type loader struct {
	files     []file // those that override come later
	broken    bool   // a file could not be decoded: names may be unknown only because they stand in it
	templates templates
	problems  Problems
	dropped   int // problems beyond maxProblems
}

// file is a source with what has been found out about it.
type file struct {
	Source
	tree map[string]any
	keys *scanner // nil until a problem needs a position
}

func (l *loader) add(p Problem) {
	if len(l.problems) == maxProblems {
		l.dropped++
		return
	}
	l.problems = append(l.problems, p)
}

// full reports whether more problems would only be counted; finding their positions and hints is then wasted.
func (l *loader) full() bool { return len(l.problems) == maxProblems }

// fault reports a problem with the key at path.
func (l *loader) fault(path string, at side, what, hint string) {
	if l.full() {
		l.dropped++
		return
	}
	where, key := l.find(path, at)
	l.add(Problem{File: where.file, Line: where.line, Col: where.col, Key: key, What: what, Hint: hint})
}
