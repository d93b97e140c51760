package oci

import (
	"reflect"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Schema is what the spec has at each place of a config.json. It is the same for all bundles, is only read once it is there, and takes
// longer to make than a bundle to read: one is enough.
type Schema struct{ root *shape }

// shape is what is known of one value: of which type it must be, what the table says of it, and what may be in it.
type shape struct {
	of      reflect.Type // not a pointer
	said    Field
	known   bool              // the table says something
	members map[string]*shape // of an object
	inner   *shape            // of all elements of a list, or all entries of a table whose names are free
}

// NewSchema makes it of the types of specs-go and the table.
func NewSchema() *Schema {
	return &Schema{shapeOf(reflect.TypeFor[specs.Spec](), "", fieldsByPath())}
}

// shapeOf follows a type; the spec has none that is in itself.
func shapeOf(t reflect.Type, path string, fields map[string]Field) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &shape{of: t}
	s.said, s.known = fields[shared(path)]
	switch t.Kind() {
	case reflect.Struct:
		s.members = map[string]*shape{}
		for name, inner := range members(t) {
			s.members[name] = shapeOf(inner, join(path, name), fields)
		}
	case reflect.Map:
		s.inner = shapeOf(t.Elem(), path+".*", fields)
	case reflect.Slice:
		s.inner = shapeOf(t.Elem(), path+"[]", fields)
	}
	return s
}

// near hints at a member that differs in the case of its letters only.
func (s *shape) near(name string) string {
	for known := range s.members {
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
