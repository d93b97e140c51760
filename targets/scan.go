package targets

import "strings"

// maxNesting bounds lists in lists and the parts of a dotted key: the decoder recurses, and its work grows with the
// square of the parts.
const maxNesting = 32

// mention says how a key got into a file.
type mention uint8

const (
	implied  mention = iota // by the header of a table inside it
	dotted                  // by a dotted key, a.b = 1 implies a
	headed                  // by its own table header
	assigned                // by key = value
)

// spot is where a key stands in a file, as byte offsets.
type spot struct {
	key   int
	value int // the key again where there is a header instead of a value
	how   mention
}

// scanner finds where the keys of a TOML file stand. It judges nothing, that is the decoder's duty: what it does not
// understand it skips to the end of the line.
type scanner struct {
	data  []byte
	i     int
	table string          // path of the open table
	count map[string]int  // path of an array of tables: how many elements so far
	spots map[string]spot // by path; nil when only the nesting is looked at
	twice []twice
	deep  int // offset of the first value that is nested too deep, else -1
	parts []part
}

// twice is a key that stands in one file more than once.
type twice struct {
	path          string
	first, second int
}

// part is one part of a dotted key.
type part struct {
	name string
	at   int
}

// index finds every key of a file.
func index(data []byte) *scanner {
	s := &scanner{data: data, count: map[string]int{}, spots: map[string]spot{}, deep: -1}
	s.file()
	return s
}

// nestedTooDeep finds the first value that the decoder must not see, else -1.
func nestedTooDeep(data []byte) int {
	s := &scanner{data: data, deep: -1}
	s.file()
	return s.deep
}

func (s *scanner) file() {
	for s.deep < 0 || s.spots != nil {
		s.blank(true)
		if s.end() {
			return
		}
		if s.data[s.i] == '[' {
			s.header()
		} else {
			s.pair(s.table, 0)
		}
		s.restOfLine()
	}
}

func (s *scanner) header() {
	s.i++
	array := s.at('[')
	if array {
		s.i++
	}
	parts := s.key()
	path := ""
	for i, p := range parts {
		path = s.join(path, p.name)
		here := spot{p.at, p.at, implied}
		if i < len(parts)-1 {
			s.note(path, here)
			if n := s.count[path]; n > 0 {
				path = s.element(path, n-1)
			}
			continue
		}
		here.how = headed
		n := s.count[path]
		if n == 0 {
			s.note(path, here)
		}
		if array && s.spots != nil {
			s.count[path] = n + 1
			path = s.element(path, n)
			s.note(path, here)
		}
	}
	s.table = path
}

// pair reads key = value inside the table at path.
func (s *scanner) pair(path string, depth int) {
	parts := s.key()
	s.blank(false)
	if len(parts) == 0 || !s.at('=') {
		return
	}
	s.i++
	s.blank(false)
	for i, p := range parts {
		path = s.join(path, p.name)
		here := spot{p.at, p.at, dotted}
		if i == len(parts)-1 {
			here.value, here.how = s.i, assigned
		}
		s.note(path, here)
	}
	s.value(path, depth)
}

func (s *scanner) value(path string, depth int) {
	if depth > maxNesting {
		s.tooDeep(s.i)
		s.i = len(s.data)
	}
	if s.end() {
		return
	}
	switch s.data[s.i] {
	case '"', '\'':
		s.text()
	case '[':
		s.list(path, depth)
	case '{':
		s.inline(path, depth)
	default:
		for !s.end() && strings.IndexByte(",]}#\n", s.data[s.i]) < 0 {
			s.i++
		}
	}
}

func (s *scanner) list(path string, depth int) {
	s.i++
	for n := 0; ; n++ {
		s.blank(true)
		if s.at(']') {
			s.i++
			return
		}
		start := s.i
		where := s.element(path, n)
		s.note(where, spot{s.i, s.i, assigned})
		s.value(where, depth+1)
		s.blank(true)
		if s.at(',') {
			s.i++
		}
		if s.i == start {
			return
		}
	}
}

func (s *scanner) inline(path string, depth int) {
	s.i++
	for {
		s.blank(true)
		if s.at('}') {
			s.i++
			return
		}
		start := s.i
		s.pair(path, depth+1)
		s.blank(true)
		if s.at(',') {
			s.i++
		}
		if s.i == start {
			return
		}
	}
}

func (s *scanner) note(path string, here spot) {
	if s.spots == nil {
		return
	}
	old, known := s.spots[path]
	if !known || old.how == implied && here.how != implied {
		s.spots[path] = here
		return
	}
	again := here.how == implied && old.how == assigned ||
		here.how != implied && (here.how != dotted || old.how != dotted)
	if again {
		s.twice = append(s.twice, twice{path, old.key, here.key})
	}
}

func (s *scanner) tooDeep(at int) {
	if s.deep < 0 {
		s.deep = at
	}
}

func (s *scanner) join(path, name string) string {
	if s.spots == nil {
		return ""
	}
	return join(path, name)
}

func (s *scanner) element(path string, n int) string {
	if s.spots == nil {
		return ""
	}
	return element(path, n)
}

func (s *scanner) end() bool      { return s.i >= len(s.data) }
func (s *scanner) at(c byte) bool { return !s.end() && s.data[s.i] == c }
