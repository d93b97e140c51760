package targets

import "strconv"

// key reads a dotted key. The parts are valid until the next call.
func (s *scanner) key() []part {
	s.parts = s.parts[:0]
	for {
		s.blank(false)
		at := s.i
		if s.at('"') || s.at('\'') {
			s.text()
		} else {
			for !s.end() && (bare(s.data[s.i]) || s.data[s.i] >= 0x80) {
				s.i++
			}
		}
		if s.i == at {
			return s.parts
		}
		s.parts = append(s.parts, part{s.name(s.data[at:s.i]), at})
		if len(s.parts) > maxNesting {
			s.tooDeep(at)
		}
		s.blank(false)
		if !s.at('.') {
			return s.parts
		}
		s.i++
	}
}

// name is what a key as written stands for.
func (s *scanner) name(raw []byte) string {
	if s.spots == nil {
		return ""
	}
	text := string(raw)
	if len(text) < 2 || (text[0] != '"' && text[0] != '\'') {
		return text
	}
	if text[0] == '"' {
		if plain, err := strconv.Unquote(text); err == nil {
			return plain
		}
	}
	return text[1 : len(text)-1]
}

// text skips a string of any of the four kinds.
func (s *scanner) text() {
	quote := s.data[s.i]
	if s.tripled(quote) {
		s.i += 3
		for !s.end() && !s.tripled(quote) {
			s.letter(quote)
		}
		// A multi-line string may end in up to two quotes of its own.
		for n := 0; n < 5 && s.at(quote); n++ {
			s.i++
		}
		return
	}
	s.i++
	for !s.end() && s.data[s.i] != quote && s.data[s.i] != '\n' {
		s.letter(quote)
	}
	if s.at(quote) {
		s.i++
	}
}

// letter skips one byte of a string, and with a backslash the byte after it.
func (s *scanner) letter(quote byte) {
	if quote == '"' && s.data[s.i] == '\\' && s.i+1 < len(s.data) && s.data[s.i+1] != '\n' {
		s.i++
	}
	s.i++
}

func (s *scanner) tripled(quote byte) bool {
	return s.i+2 < len(s.data) && s.data[s.i] == quote && s.data[s.i+1] == quote && s.data[s.i+2] == quote
}

// blank skips white space, and with lines also line ends and comments.
func (s *scanner) blank(lines bool) {
	for !s.end() {
		switch c := s.data[s.i]; {
		case c == ' ' || c == '\t' || c == '\r':
		case lines && c == '\n':
		case lines && c == '#':
			for !s.end() && s.data[s.i] != '\n' {
				s.i++
			}
			continue
		default:
			return
		}
		s.i++
	}
}

func (s *scanner) restOfLine() {
	for !s.end() && s.data[s.i] != '\n' {
		s.i++
	}
}
