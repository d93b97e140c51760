package oci

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// walker holds a tree against a type, and each field against what is said of it.
type walker struct {
	*report
	fields map[string]Field
}

// place is a value in the file: its path, and the one that the table has for all of its kind.
type place struct{ path, rule string }

func (p place) member(name string) place { return place{join(p.path, name), join(p.rule, name)} }

func (p place) element(i int) place {
	return place{fmt.Sprintf("%s[%d]", p.path, i), p.rule + "[]"}
}

// key is one of a table whose names are free.
func (p place) key(name string) place {
	return place{p.path + "[" + strconv.Quote(name) + "]", p.rule + ".*"}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// value checks one value, and tells what is not supported. It reports false where the value is of another type.
func (w *walker) value(n *node, t reflect.Type, at place) {
	if n.kind == literalKind && n.literal == nil {
		return // as if it were not there, as Go programs write what is empty
	}
	if !w.verdict(n, at) {
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Struct && n.kind == objectKind:
		w.object(n, t, at)
	case t.Kind() == reflect.Map && n.kind == objectKind:
		for _, m := range n.members {
			w.text(m.value, m.name, at)
			w.value(m.value, t.Elem(), at.key(m.name))
		}
	case t.Kind() == reflect.Slice && n.kind == listKind:
		for i, e := range n.list {
			w.value(e, t.Elem(), at.element(i))
		}
	case n.kind != literalKind || !w.literal(n, t, at):
		w.refuse(n, at.path, fmt.Sprintf(mistyped+"%s, not %s", typeName(t), n.describe()))
	}
}

// verdict tells what the table says of a field; false: nothing below it is looked at.
func (w *walker) verdict(n *node, at place) bool {
	f, known := w.fields[shared(at.rule)]
	if !known || n.empty() && f.Verdict != Done {
		return true
	}
	switch f.Verdict {
	case No:
		w.refuse(n, at.path, because("is not supported", f.Text))
		return false
	case Noted:
		w.note(n, at.path, because("is not used", f.Text))
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

func (w *walker) object(n *node, t reflect.Type, at place) {
	types := members(t)
	for _, m := range n.members {
		field, known := types[m.name]
		if !known {
			w.refuse(m.value, join(at.path, m.name), "is not known: nothing is left out in silence"+near(m.name, types))
			continue
		}
		w.value(m.value, field, at.member(m.name))
	}
}

// near hints at a member that differs in the case of its letters only.
func near(name string, types map[string]reflect.Type) string {
	for known := range types {
		if strings.EqualFold(known, name) {
			return "; did you mean " + known + "?"
		}
	}
	return ""
}

// members are the names and types of a struct as JSON has them.
func members(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && f.Anonymous {
			for name, inner := range members(f.Type) {
				all[name] = inner
			}
			continue
		}
		if name != "" && name != "-" {
			all[name] = f.Type
		}
	}
	return all
}

// literal tries one against a type.
func (w *walker) literal(n *node, t reflect.Type, at place) bool {
	if s, ok := n.literal.(string); ok {
		w.text(n, s, at)
	}
	b, err := json.Marshal(n.literal)
	return err == nil && json.Unmarshal(b, reflect.New(t).Interface()) == nil
}

// text refuses what would end early where the kernel reads it.
func (w *walker) text(n *node, s string, at place) {
	if strings.IndexByte(s, 0) >= 0 {
		w.refuse(n, at.path, "has a NUL in it")
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
