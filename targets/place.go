package targets

import (
	"bytes"
	"strconv"
	"strings"
)

// place is a position in a file, for people.
type place struct {
	file      string
	line, col int
}

// String is file:line:col.
func (p place) String() string {
	return p.file + ":" + strconv.Itoa(p.line) + ":" + strconv.Itoa(p.col)
}

// side chooses which of several files a problem is shown in, and whether at the key or at its value.
type side uint8

const (
	atValue side = iota // of the file that wins
	atKey               // in the file that wins
	atTable             // the key in the first file that has it: tables are merged, none wins
)

// find returns where path stands, and the path that stands there: what a component or target has not written itself
// is looked for in its templates and in the defaults. What is written nowhere is shown at the table that it would be in.
func (l *loader) find(path string, at side) (place, string) {
	key := path
	for ; path != ""; path = parent(path) {
		for i, home := range l.homes(path) {
			if f, s, ok := l.spot(home, at); ok {
				return f.placeOf(s, at), l.homes(key)[i]
			}
		}
		at = atTable
	}
	if len(l.files) == 0 {
		return place{}, key
	}
	return place{l.files[0].Path, 1, 1}, key
}

// written reports whether a key stands in any file. It costs a scan of them: for paths that end in a problem.
func (l *loader) written(path string) bool {
	_, _, ok := l.spot(path, atKey)
	return ok
}

func (l *loader) spot(path string, at side) (*file, spot, bool) {
	for i := range l.files {
		f := &l.files[i]
		if at != atTable {
			f = &l.files[len(l.files)-1-i]
		}
		if s, ok := f.index().spots[path]; ok {
			return f, s, true
		}
	}
	return nil, spot{}, false
}

// homes are the places where a key of a component or target may be written, those that win first: its own table, its
// templates, the defaults. For a key below it they are as many, in the same order.
func (l *loader) homes(path string) []string {
	homes := []string{path}
	kind, rest, _ := strings.Cut(path, ".")
	name, key, inside := strings.Cut(rest, ".")
	if !inside || kind != "component" && kind != "target" && kind != "template" {
		return homes
	}
	if kind == "component" {
		for _, from := range l.templates.chains[name] {
			homes = append(homes, join("template", from)+"."+key)
		}
	}
	if kind == "template" {
		kind = "component"
	}
	return append(homes, "defaults."+kind+"."+key)
}

// parent is the path of the table or list around a path. A quoted key may hold dots; cutting inside it only finds
// nothing and goes on to the next.
func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, '['), 0)]
}

// index finds the keys of the file, once, when there is something to say about it.
func (f *file) index() *scanner {
	if f.keys == nil {
		f.keys = index(f.Data)
	}
	return f.keys
}

func (f *file) placeOf(s spot, at side) place {
	if at == atValue {
		return f.place(s.value)
	}
	return f.place(s.key)
}

// place turns an offset into line and column. The decoder's offsets may lie one byte outside the file.
func (f *file) place(offset int) place {
	before := f.Data[:min(max(offset, 0), len(f.Data))]
	return place{
		file: f.Path,
		line: 1 + bytes.Count(before, []byte{'\n'}),
		col:  len(before) - bytes.LastIndexByte(before, '\n'),
	}
}

// moveAbove tells where a key of the table at path must go, when it stands after a header inside that table and so
// belongs to another one. It is "" where that is not the reason.
func (f *file) moveAbove(path string, offset int) string {
	spots, prefix := f.index().spots, path+"."
	if path == "" {
		prefix = ""
	} else if spots[path].how != headed {
		return ""
	}
	first := len(f.Data)
	for p, s := range spots {
		if s.how == headed && strings.HasPrefix(p, prefix) {
			first = min(first, s.key)
		}
	}
	if first >= offset {
		return ""
	}
	return "; move it above line " + strconv.Itoa(f.place(first).line)
}

// join is the path of a key in the table at path, written as TOML would have it.
func join(path, name string) string {
	if !bareName(name) {
		name = strconv.Quote(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// element is the path of the nth element of the list at path.
func element(path string, n int) string { return path + "[" + strconv.Itoa(n) + "]" }

// bareName reports whether TOML takes the name without quotes; it is also what a component's name must look like.
func bareName(name string) bool {
	for i := range len(name) {
		if !bare(name[i]) {
			return false
		}
	}
	return name != ""
}

func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
