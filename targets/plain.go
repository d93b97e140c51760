package targets

import "strings"

// plain reads the TOML that most configurations are written in: tables under headers, plain keys, strings of one line, decimal
// numbers, booleans, lists, inline tables. It takes a fifth of the decoder's time, of which a boot has little. It is no judge: of all
// else, right or wrong, it says that it is not plain, and what that means is the decoder's to say.
func plain(data []byte) (tree map[string]any, ok bool) {
	root := &plainTable{keys: map[string]any{}}
	p := &plainReader{text: string(data)}
	into := root
	for p.blank(true); p.i < len(p.text); p.blank(true) {
		if p.take('[') {
			into = p.header(root)
		} else {
			p.pair(into.keys)
		}
		p.blank(false)
		if p.odd || p.i < len(p.text) && p.text[p.i] != '\n' {
			return nil, false
		}
	}
	return root.keys, !p.odd
}

// plainTable is a table that headers lead to.
type plainTable struct {
	keys   map[string]any
	inside map[string]*plainTable // those of keys that headers lead to
	headed bool                   // by its own header, which may be there once
}

// plainReader reads on as long as it is plain.
type plainReader struct {
	text string
	i    int
	odd  bool // it is not
}

// header is the rest of a header, behind its bracket, and gives the table that it opens.
func (p *plainReader) header(t *plainTable) *plainTable {
	for {
		p.blank(false)
		name := p.key()
		p.blank(false)
		next := t.inside[name]
		if _, known := t.keys[name]; known && next == nil {
			p.odd = true
		}
		if p.odd {
			return t
		}
		if next == nil {
			next = &plainTable{keys: map[string]any{}}
			if t.inside == nil {
				t.inside = map[string]*plainTable{}
			}
			t.keys[name], t.inside[name] = next.keys, next
		}
		t = next
		if p.take(']') {
			p.odd = t.headed
			t.headed = true
			return t
		}
		p.must('.')
	}
}

// pair is key = value.
func (p *plainReader) pair(into map[string]any) {
	name := p.key()
	p.blank(false)
	p.must('=')
	p.blank(false)
	if _, known := into[name]; known {
		p.odd = true
	}
	if !p.odd {
		into[name] = p.value()
	}
}

func (p *plainReader) key() string {
	if p.i < len(p.text) && p.text[p.i] == '"' {
		return p.string()
	}
	from := p.i
	for p.i < len(p.text) && bare(p.text[p.i]) {
		p.i++
	}
	p.odd = p.odd || p.i == from
	return p.text[from:p.i]
}

func (p *plainReader) value() any {
	if p.i == len(p.text) {
		p.odd = true
		return nil
	}
	switch p.text[p.i] {
	case '"', '\'':
		return p.string()
	case '[':
		return p.list()
	case '{':
		return p.table()
	}
	return p.word()
}

// string is one of one line.
func (p *plainReader) string() string {
	quote := p.text[p.i]
	from := p.i + 1
	var before []byte // all up to the last escape
	for p.i = from; p.i < len(p.text); p.i++ {
		switch c := p.text[p.i]; {
		case c == quote:
			p.i++
			p.odd = p.odd || p.i == from+1 && before == nil && p.i < len(p.text) && p.text[p.i] == quote // of several lines
			if before == nil {
				return p.text[from : p.i-1]
			}
			return string(append(before, p.text[from:p.i-1]...))
		case c == '\\' && quote == '"':
			before = append(append(before, p.text[from:p.i]...), p.escape())
			from = p.i + 1
		case c < ' ' && c != '\t' || c == 0x7f:
			p.odd = true
		}
	}
	p.odd = true
	return ""
}

// escape goes to the second character of an escape and gives what both mean.
func (p *plainReader) escape() byte {
	const letters, meanings = `btnfr"\`, "\b\t\n\f\r\"\\"
	if p.i+1 < len(p.text) {
		p.i++
		if n := strings.IndexByte(letters, p.text[p.i]); n >= 0 {
			return meanings[n]
		}
	}
	p.odd = true
	return 0
}

func (p *plainReader) list() []any {
	all := []any{}
	p.i++
	for p.blank(true); !p.odd && !p.take(']'); p.blank(true) {
		all = append(all, p.value())
		p.blank(true)
		if !p.take(',') {
			p.must(']')
			return all
		}
	}
	return all
}

func (p *plainReader) table() map[string]any {
	all := map[string]any{}
	p.i++
	p.blank(false)
	if p.take('}') {
		return all
	}
	for !p.odd {
		p.blank(false)
		p.pair(all)
		p.blank(false)
		if p.take('}') {
			return all
		}
		p.must(',')
	}
	return all
}

// word is a number or a boolean.
func (p *plainReader) word() any {
	from := p.i
	for p.i < len(p.text) && strings.IndexByte(" \t\n,]}#", p.text[p.i]) < 0 {
		p.i++
	}
	switch w := p.text[from:p.i]; w {
	case "true", "false":
		return w == "true"
	default:
		return p.number(w)
	}
}

// number is a decimal one that is not too large.
func (p *plainReader) number(w string) int64 {
	const most = 18 // digits
	if len(w) == 0 || len(w) > most || w[0] == '0' && len(w) > 1 {
		p.odd = true
	}
	n := int64(0)
	for i := range len(w) {
		if w[i] < '0' || w[i] > '9' {
			p.odd = true
		}
		n = n*10 + int64(w[i]-'0')
	}
	return n
}

// blank skips white space and a comment, and with lines all up to what follows.
func (p *plainReader) blank(lines bool) {
	for p.i < len(p.text) {
		switch c := p.text[p.i]; {
		case c == ' ' || c == '\t' || c == '\n' && lines:
			p.i++
		case c == '#' && !p.odd:
			p.comment()
		default:
			return
		}
	}
}

// comment goes to the end of the line.
func (p *plainReader) comment() {
	for ; p.i < len(p.text) && p.text[p.i] != '\n'; p.i++ {
		if c := p.text[p.i]; c < ' ' && c != '\t' || c == 0x7f {
			p.odd = true
			return
		}
	}
}

// take steps over a character that is there.
func (p *plainReader) take(c byte) bool {
	if p.i == len(p.text) || p.text[p.i] != c {
		return false
	}
	p.i++
	return true
}

// must steps over a character that has to be there.
func (p *plainReader) must(c byte) { p.odd = !p.take(c) || p.odd }
