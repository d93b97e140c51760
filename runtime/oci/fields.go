package oci

import (
	_ "embed" // the table
	"strings"
)

// Verdict is what becomes of a field.
type Verdict uint8

// The verdicts. Of what the table does not name nothing is known, and it is refused.
const (
	No     Verdict = iota // refused, unless it is empty
	Noted                 // not carried out, and told so
	Partly                // carried out but for what the text says, which is refused
	Done                  // carried out
)

func (v Verdict) String() string { return [...]string{"no", "noted", "partly", "yes"}[v] }

// Field is what is said of one field.
type Field struct {
	Path    string // with [] for the elements of a list and .* for those of a table
	Verdict Verdict
	Text    string
}

// table has a line for each field of the spec, in its order.
//
//go:embed fields.txt
var table string

// Fields are all fields of the spec, in its order. Hooks of all kinds have one schema, hooks.*[], and so have maps of ids.
func Fields() []Field {
	var list []Field
	for line := range strings.Lines(table) {
		words := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(words) < 2 {
			continue
		}
		f := Field{Path: words[0]}
		for v := No; v <= Done; v++ {
			if v.String() == words[1] {
				f.Verdict = v
			}
		}
		if len(words) == 3 {
			f.Text = words[2]
		}
		list = append(list, f)
	}
	return list
}

func fieldsByPath() map[string]Field {
	all := map[string]Field{}
	for _, f := range Fields() {
		all[f.Path] = f
	}
	return all
}

// shared is the path under which the table has what is the same in several places.
func shared(path string) string {
	if i := strings.Index(path, "[]."); i > 0 && strings.HasPrefix(path, "hooks.") {
		return "hooks.*" + path[i:]
	}
	if i := strings.Index(path, "idMappings[]."); i > 0 {
		return "*" + path[i:]
	}
	if i := strings.Index(path, ".throttle"); i > 0 && strings.Contains(path[i:], "[].") {
		return path[:i] + ".throttle*" + path[i+strings.Index(path[i:], "[]."):]
	}
	return path
}
