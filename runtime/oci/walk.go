package oci

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// walker holds a tree against the schema.
type walker struct {
	*report
	at place
}

// into checks a value that is one step further in.
func (w *walker) into(to step, n *node, s *shape) {
	w.at = append(w.at, to)
	w.value(n, s)
	w.at = w.at[:len(w.at)-1]
}

// value checks one value, and tells what is not supported.
func (w *walker) value(n *node, s *shape) {
	if n.kind == literalKind && n.literal == nil {
		return // as if it were not there, as Go programs write what is empty
	}
	if !w.verdict(n, s) {
		return
	}
	switch {
	case s.of.Kind() == reflect.Struct && n.kind == objectKind:
		w.object(n, s)
	case s.of.Kind() == reflect.Map && n.kind == objectKind:
		for _, m := range n.members {
			w.text(m.value, m.name)
			w.into(step{name: m.name, sort: toEntry}, m.value, s.inner)
		}
	case s.of.Kind() == reflect.Slice && n.kind == listKind:
		for i, e := range n.list {
			w.into(step{index: i, sort: toElement}, e, s.inner)
		}
	case n.kind != literalKind || !w.literal(n, s.of):
		w.refuse(n, w.at.String(), fmt.Sprintf(mistyped+"%s, not %s", typeName(s.of), n.describe()))
	}
}

// verdict tells what the table says of a field; false: nothing below it is looked at.
func (w *walker) verdict(n *node, s *shape) bool {
	f := &s.said
	if !s.known || f.Verdict != Done && n.empty() {
		return true
	}
	switch f.Verdict {
	case No:
		w.refuse(n, w.at.String(), because("is not supported", f.Text))
		return false
	case Noted:
		w.note(n, w.at.String(), because("is not used", f.Text))
	case Done, Partly:
	}
	return true
}

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

func (w *walker) object(n *node, s *shape) {
	for _, m := range n.members {
		inner := s.members[m.name]
		if inner == nil {
			w.refuse(m.value, join(w.at.String(), m.name), "is not known: nothing is left out in silence"+s.near(m.name))
			continue
		}
		w.into(step{name: m.name}, m.value, inner)
	}
}

// literal holds one against a type, as encoding/json does.
func (w *walker) literal(n *node, t reflect.Type) bool {
	switch v := n.literal.(type) {
	case string:
		w.text(n, v)
		return t.Kind() == reflect.String || t.Kind() == reflect.Interface
	case bool:
		return t.Kind() == reflect.Bool || t.Kind() == reflect.Interface
	case json.Number:
		return fits(v.String(), t)
	}
	return false
}

// fits says whether a number is one of a type.
func fits(number string, t reflect.Type) bool {
	var err error
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		_, err = strconv.ParseInt(number, 10, t.Bits())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		_, err = strconv.ParseUint(number, 10, t.Bits())
	case reflect.Float32, reflect.Float64:
		_, err = strconv.ParseFloat(number, t.Bits())
	default:
		return t.Kind() == reflect.Interface
	}
	return err == nil
}

// text refuses what would end early where the kernel reads it.
func (w *walker) text(n *node, s string) {
	if strings.IndexByte(s, 0) >= 0 {
		w.refuse(n, w.at.String(), "has a NUL in it")
	}
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number of 0 to 2^%d-1", t.Bits())
	}
	return fmt.Sprintf("a whole number of -2^%d to 2^%d-1", t.Bits()-1, t.Bits()-1)
}

func (n *node) describe() string {
	switch {
	case n.kind == objectKind:
		return "an object"
	case n.kind == listKind:
		return "a list"
	}
	switch v := n.literal.(type) {
	case string:
		return "a string"
	case json.Number:
		if len(v) < 40 {
			return v.String()
		}
		return "a number"
	}
	return fmt.Sprint(n.literal)
}
