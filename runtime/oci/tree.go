package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// syntax is where a text is no JSON.
type syntax struct {
	offset int
	what   string
}

func (e *syntax) Error() string { return e.what }

// parse makes the tree of a whole text.
func parse(data []byte) (*node, error) {
	if !utf8.Valid(data) {
		return nil, &syntax{invalidAt(data), "is not UTF-8"}
	}
	p := &parser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, &syntax{p.start(), "there is more behind the end"}
	}
	return n, nil
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

type parser struct {
	data []byte
	dec  *json.Decoder
}

// start is where the next token begins.
func (p *parser) start() int {
	at := int(p.dec.InputOffset())
	for at < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[at]) >= 0 {
		at++
	}
	return at
}

func (p *parser) token() (json.Token, error) {
	at := p.start()
	t, err := p.dec.Token()
	var s *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.As(err, &s):
		return nil, &syntax{max(0, int(s.Offset)-1), s.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &syntax{len(p.data), "ends in the middle"}
	}
	return nil, &syntax{at, err.Error()}
}

func (p *parser) value(depth int) (*node, error) {
	n := &node{offset: p.start()}
	if depth > maxDepth {
		return nil, &syntax{n.offset, fmt.Sprintf("is nested deeper than %d", maxDepth)}
	}
	t, err := p.token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		n.kind = objectKind
		err = p.members(n, depth)
	case json.Delim('['):
		n.kind = listKind
		err = p.elements(n, depth)
	default:
		n.literal = t
	}
	return n, err
}

func (p *parser) members(n *node, depth int) error {
	seen := map[string]bool{}
	for p.dec.More() {
		at := p.start()
		t, err := p.token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return &syntax{at, "is not a name"}
		}
		if seen[name] {
			return &syntax{at, fmt.Sprintf("%q is there twice", name)}
		}
		seen[name] = true
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, v})
	}
	_, err := p.token()
	return err
}

func (p *parser) elements(n *node, depth int) error {
	for p.dec.More() {
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.list = append(n.list, v)
	}
	_, err := p.token()
	return err
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
