package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting: the deepest field of the spec lies at 7.
const maxDepth = 32

// node is one value of a JSON text, with its place.
type node struct {
	offset  int
	literal any // string, json.Number, bool, nil; not of an object or a list
	members []member
	list    []*node
	kind    kind
}

type member struct {
	name  string
	value *node
}

type kind uint8

const (
	literalKind kind = iota
	objectKind
	listKind
)

// fault is where something is wrong that ends the reading.
type fault struct {
	offset int
	what   string
}

func (e *fault) Error() string { return e.what }

// decode fills in a value as encoding/json does. That knows no places but of what is no JSON; what is of another type is found when
// the tree is held against the schema.
func decode(data []byte, into any) error {
	if !utf8.Valid(data) {
		return &fault{invalidAt(data), "is not UTF-8"}
	}
	err := json.Unmarshal(data, into)
	var s *json.SyntaxError
	switch {
	case !errors.As(err, &s):
		return err
	case int(s.Offset) == len(data) && strings.HasPrefix(s.Error(), "unexpected end"):
		return &fault{len(data), "ends in the middle"}
	}
	return &fault{max(0, int(s.Offset)-1), s.Error()}
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// parse makes the tree of a text, which is JSON: decode has seen it.
func parse(data []byte) (*node, error) {
	p := &parser{data: string(data)}
	return p.value(0)
}

// parser goes through a text in which nothing is wrong, but for what JSON allows and a bundle must not have.
type parser struct {
	data  string // what it finds are parts of it
	at    int
	nodes []node // made, and not used yet
}

// node makes one; some at a time, since there are hundreds.
func (p *parser) node() *node {
	if len(p.nodes) == 0 {
		p.nodes = make([]node, 64)
	}
	n := &p.nodes[0]
	p.nodes = p.nodes[1:]
	n.offset = p.at
	return n
}

// next is the first byte of the next token.
func (p *parser) next() byte {
	for {
		switch c := p.data[p.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			p.at++
		default:
			return c
		}
	}
}

func (p *parser) value(depth int) (n *node, err error) {
	c := p.next()
	n = p.node()
	if depth > maxDepth {
		return nil, &fault{n.offset, fmt.Sprintf("is nested deeper than %d", maxDepth)}
	}
	switch c {
	case '{':
		p.at++
		n.kind = objectKind
		err = p.members(n, depth)
	case '[':
		p.at++
		n.kind = listKind
		err = p.elements(n, depth)
	case '"':
		n.literal, err = p.text()
	default:
		n.literal = p.word()
	}
	return n, err
}

func (p *parser) members(n *node, depth int) error {
	var seen names
	for p.next() != '}' {
		at := p.at
		name, err := p.text()
		if err != nil {
			return err
		}
		if seen.has(n.members, name) {
			return &fault{at, fmt.Sprintf("%q is there twice", name)}
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, v})
	}
	p.at++
	return nil
}

// names finds out whether a name is there already: of few by looking, of many by a table.
type names map[string]bool

const few = 16

func (s *names) has(members []member, name string) bool {
	if len(members) < few {
		return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
	}
	if *s == nil {
		*s = names{}
		for _, m := range members {
			(*s)[m.name] = true
		}
	}
	had := (*s)[name]
	(*s)[name] = true
	return had
}

func (p *parser) elements(n *node, depth int) error {
	for p.next() != ']' {
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.list = append(n.list, v)
	}
	p.at++
	return nil
}

// text is a string, which begins here.
func (p *parser) text() (s string, err error) {
	from, plain := p.at, true
	for p.at++; p.data[p.at] != '"'; p.at++ {
		if p.data[p.at] == '\\' {
			plain = false
			p.at++
		}
	}
	p.at++
	if plain {
		return p.data[from+1 : p.at-1], nil
	}
	return s, json.Unmarshal([]byte(p.data[from:p.at]), &s)
}

// word is a number, or one of the three words.
func (p *parser) word() any {
	from := p.at
	for p.at < len(p.data) && strings.IndexByte(" \t\r\n,]}", p.data[p.at]) < 0 {
		p.at++
	}
	switch word := p.data[from:p.at]; word {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	default:
		return json.Number(word)
	}
}

// empty reports whether a value asks for nothing: null, false, "", an empty list or object.
func (n *node) empty() bool {
	switch n.kind {
	case objectKind:
		for _, m := range n.members {
			if !m.value.empty() {
				return false
			}
		}
		return true
	case listKind:
		return len(n.list) == 0
	case literalKind:
	}
	return n.literal == nil || n.literal == false || n.literal == ""
}

// member is one by its name; nil: it is not there.
func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// element is one of a list; nil: it is not there.
func (n *node) element(i int) *node {
	if n == nil || i >= len(n.list) {
		return nil
	}
	return n.list[i]
}
