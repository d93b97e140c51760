package targets

import (
	"maps"
	"slices"
	"strconv"
)

// value is one value of the tree with the way to it. Its methods read it as a type: what fits is stored, what does
// not is reported and leaves the default in place, so that one run finds everything.
type value struct {
	l    *loader
	up   *value // the table or list it stands in; nil for the whole configuration
	name string // its key there
	nth  int    // its place in a list, from 1; 0 for a key
	x    any
	keys func() []string // the keys of a table while it is being read
}

// field is one key of a table that becomes a T. Without read it is a key that this version does not have.
type field[T any] struct {
	key  string
	read func(value, *T)
}

// readTable reads the keys of a table and reports those that it does not know.
func readTable[T any](v value, fields []field[T], to *T) map[string]any {
	table, ok := v.table()
	if !ok {
		return nil
	}
	v.keys = func() []string { return available(fields) }
	order := make([]int, 0, 32) // of the keys that are there: the fields are read in theirs
	for key := range table {
		if i := slices.IndexFunc(fields, func(f field[T]) bool { return f.key == key }); i >= 0 {
			order = append(order, i)
		}
	}
	slices.Sort(order)
	for _, i := range order {
		f := fields[i]
		inner := value{l: v.l, up: &v, name: f.key, x: table[f.key]}
		if f.read == nil {
			inner.faultAt(atKey, "unknown key", "this version does not have it")
			continue
		}
		f.read(inner, to)
	}
	if len(order) < len(table) {
		unknownKeys(v, fields, table)
	}
	return table
}

// available lists the keys that can be used.
func available[T any](fields []field[T]) []string {
	var keys []string
	for _, f := range fields {
		if f.read != nil {
			keys = append(keys, f.key)
		}
	}
	return keys
}

func unknownKeys[T any](v value, fields []field[T], table map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		known := slices.ContainsFunc(fields, func(f field[T]) bool { return f.key == key })
		if known {
			continue
		}
		if v.l.full() {
			v.l.dropped++
			continue
		}
		inner := value{l: v.l, up: &v, name: key, x: table[key]}
		inner.faultAt(atKey, "unknown key", inner.belongs())
	}
}

// belongs is the hint for an unknown key: that it is one of a table further out, written below the header of a table
// inside that, or one that comes close.
func (v value) belongs() string {
	for out := v.up.up; out != nil; out = out.up {
		if out.keys == nil || !slices.Contains(out.keys(), v.name) {
			continue
		}
		owner := out.path()
		if owner == "" {
			owner = "the top level"
		}
		hint := strconv.Quote(v.name) + " is a key of " + owner
		if f, s, ok := v.l.spot(v.path(), atKey); ok {
			hint += f.moveAbove(out.path(), s.key)
		}
		return hint
	}
	return meant(v.name, v.up.keys())
}

func (v value) path() string {
	switch {
	case v.up == nil:
		return ""
	case v.nth > 0:
		return element(v.up.path(), v.nth-1)
	}
	return join(v.up.path(), v.name)
}

func (v value) fault(what, hint string) { v.faultAt(atValue, what, hint) }

func (v value) faultAt(at side, what, hint string) { v.l.fault(v.path(), at, what, hint) }
