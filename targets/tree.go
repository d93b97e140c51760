package targets

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// decode turns a file into a tree of tables. What the decoder cannot read is one problem, at its position, and the
// file then counts as empty.
func (l *loader) decode(f *file) {
	if trimmed, ok := bytes.CutPrefix(f.Data, []byte("\xef\xbb\xbf")); ok {
		l.add(Problem{File: f.Path, Line: 1, Col: 1, What: "begins with a byte order mark", Hint: "save it as UTF-8 without one"})
		f.Data = trimmed
	}
	if at := notText(f.Data); at >= 0 && !bytes.Contains(f.Data, []byte{0}) { // the decoder counts such bytes wrongly
		l.unreadable(f, at, fmt.Sprintf("invalid UTF-8 byte: 0x%02x", f.Data[at]), "")
		return
	}
	if at := nestedTooDeep(f.Data); at >= 0 {
		l.unreadable(f, at, fmt.Sprintf("nested more than %d levels deep", maxNesting), "")
		return
	}
	err := decodeTree(f)
	var bad toml.ParseError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		l.syntax(f, bad)
	default:
		l.unreadable(f, 0, err.Error(), "")
	}
}

// notText is where the first byte is that is not UTF-8, -1 where there is none.
func notText(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// decodeTree calls the decoder. It reports its own mistakes by a panic with a string; bytes from outside must not
// end the manager, so that is an error like any other.
func decodeTree(f *file) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decode: %v", r)
		}
	}()
	var tree any
	if _, err := toml.Decode(string(f.Data), &tree); err != nil {
		return err
	}
	f.tree, _ = tree.(map[string]any)
	return nil
}

func (l *loader) unreadable(f *file, offset int, what, hint string) {
	l.broken = true
	f.tree = nil
	at := f.place(offset)
	l.add(Problem{File: at.file, Line: at.line, Col: at.col, What: what, Hint: hint})
}

// syntax reports what the decoder found. A key that is there twice is named with its other place.
func (l *loader) syntax(f *file, bad toml.ParseError) {
	at := f.place(bad.Position.Start)
	for _, t := range f.index().twice {
		first, second := f.place(t.first), f.place(t.second)
		if second.line != at.line {
			continue
		}
		l.broken = true
		l.add(Problem{
			File: f.Path, Line: second.line, Col: second.col, Key: t.path, What: "is already set at " + first.String(),
			Hint: f.twiceHint(t),
		})
		return
	}
	what := strings.TrimSuffix(bad.Message, ".")
	if first := []rune(what); len(first) > 1 && unicode.IsUpper(first[0]) && !unicode.IsUpper(first[1]) {
		what = string(unicode.ToLower(first[0])) + string(first[1:])
	}
	l.unreadable(f, bad.Position.Start, what, "")
}

// twiceHint helps with a table that is written in two ways.
func (f *file) twiceHint(t twice) string {
	if f.inHeader(t.first) != f.inHeader(t.second) {
		return "write the table either inline or under its own header"
	}
	return ""
}

// inHeader reports whether the key at offset stands in a [header].
func (f *file) inHeader(offset int) bool {
	before := f.Data[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte{'['})
}

// merged puts the trees of all files into one. Within a class a key may be set once; a later class overrides.
func (l *loader) merged() map[string]any {
	all := map[string]any{}
	for from := 0; from < len(l.files); {
		class := map[string]any{}
		to := from
		for ; to < len(l.files) && l.files[to].rank() == l.files[from].rank(); to++ {
			l.join(class, l.files[to].tree, "", from, to)
		}
		override(all, class)
		from = to
	}
	return all
}

// join adds a file's tree to those of the files from..to before it, in the same class.
func (l *loader) join(into, tree map[string]any, path string, from, to int) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		old, known := into[key]
		if !known {
			into[key] = tree[key]
			continue
		}
		a, isTable := old.(map[string]any)
		b, areBoth := tree[key].(map[string]any)
		if isTable && areBoth {
			l.join(a, b, join(path, key), from, to)
			continue
		}
		l.clash(join(path, key), from, to)
	}
}

// clash reports a key that the file to sets again.
func (l *loader) clash(path string, from, to int) {
	f := &l.files[to]
	at := f.place(f.index().spots[path].key)
	p := Problem{File: at.file, Line: at.line, Col: at.col, Key: path, What: "is already set"}
	for i := from; i < to; i++ {
		if s, ok := l.files[i].index().spots[path]; ok {
			p.What += " at " + l.files[i].place(s.key).String()
			break
		}
	}
	p.Hint = "to override it, use a drop-in or a later directory"
	l.add(p)
}

// override lets from win over into: tables merge, everything else is replaced.
func override(into, from map[string]any) {
	for key, value := range from {
		a, isTable := into[key].(map[string]any)
		b, areBoth := value.(map[string]any)
		if isTable && areBoth {
			override(a, b)
			continue
		}
		into[key] = value
	}
}
