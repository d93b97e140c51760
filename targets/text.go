package targets

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// list reads a list of strings, each through read.
func (v value) list(to *[]string, read func(value, *string) bool) {
	list := []string{}
	fine := true
	isList := v.each("a list of strings", func(e value) {
		var text string
		if !read(e, &text) {
			fine = false
			return
		}
		list = append(list, text)
	})
	if isList && fine {
		*to = list
	}
}

// argv reads a command: a program, by its absolute path or by a name to be found in PATH, and its arguments.
func (v value) argv(to *[]string) {
	var argv []string
	v.list(&argv, func(e value, to *string) bool {
		text, ok := e.string()
		*to = text
		return ok && (e.nth > 1 || e.program(text))
	})
	if argv != nil && len(argv) == 0 {
		v.fault("is empty", `write the program and its arguments, such as ["/bin/true"]`)
		return
	}
	if argv != nil {
		*to = argv
	}
}

func (v value) program(text string) bool {
	switch {
	case text == "":
		v.fault("the program is empty", "")
	case text[0] != '/' && strings.ContainsAny(text, "/ "):
		v.fault(strconv.Quote(text)+" is not a program", "write an absolute path or a plain name, and each argument as a string of its own")
	default:
		return true
	}
	return false
}

// names reads a list of component and target names; that they exist is checked once all are known.
func (v value) names(to *[]string) {
	seen := make(map[string]bool)
	v.list(to, func(e value, to *string) bool {
		text, ok := e.string()
		if ok && seen[text] {
			e.fault(strconv.Quote(text)+" is listed twice", "")
			return false
		}
		seen[text] = true
		*to = text
		return ok
	})
}

// absolute reads an absolute path.
func (v value) absolute(to *string) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	if !path.IsAbs(text) {
		v.fault(strconv.Quote(text)+" is not an absolute path", "")
		return false
	}
	*to = text
	return true
}

// account reads a user or group: a name, or digits written as a string.
func (v value) account(to *string) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	id, err := strconv.ParseUint(text, 10, 64)
	switch {
	case text == "" || strings.ContainsAny(text, ":/, \t\n"):
		v.fault(strconv.Quote(text)+" is not the name of a user or group", "")
	case err == nil && id >= 1<<32-1:
		// The largest number means "leave it" to setuid's relatives (setresuid(2)).
		v.fault(text+" is out of range", "0 to 4294967294")
	default:
		*to = text
		return true
	}
	return false
}

// word reads a string of the characters in names of modules, file systems and the like.
func (v value) word(to *string) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	if text == "" || strings.ContainsAny(text, "/ \t\n") {
		v.fault(strconv.Quote(text)+" is not a name", "")
		return false
	}
	*to = text
	return true
}

// environment reads a table of strings over the variables that are there.
func (v value) environment(to *[]Setting) {
	v.settings(to, func(e value) bool {
		if !isVariable(e.name) {
			e.faultAt(atKey, "is not the name of an environment variable", "")
			return false
		}
		return true
	})
}

func isVariable(name string) bool { return name != "" && !strings.ContainsAny(name, "=\x00") }

// variable reads the name of an environment variable.
func (v value) variable(to *string) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	if !isVariable(text) {
		v.fault(strconv.Quote(text)+" is not the name of an environment variable", "values are set in environment")
		return false
	}
	*to = text
	return true
}

// settings reads a table of strings over those that are there, sorted by key.
func (v value) settings(to *[]Setting, key func(value) bool) {
	table, ok := v.table()
	if !ok {
		return
	}
	all := slices.Clone(*to)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		e := value{l: v.l, up: &v, name: name, x: table[name]}
		if _, nested := e.x.(map[string]any); nested {
			e.faultAt(atKey, "must be a string, not a table", "quote a name with dots, such as "+strconv.Quote(e.leaf()))
			continue
		}
		text, ok := e.string()
		if !key(e) || !ok {
			continue
		}
		all = slices.DeleteFunc(all, func(s Setting) bool { return s.Key == name })
		all = append(all, Setting{name, text})
	}
	slices.SortFunc(all, func(a, b Setting) int { return cmp.Compare(a.Key, b.Key) })
	*to = all
}

// leaf is the name that a nested table was meant to be: a dotted key without quotes makes tables.
func (v value) leaf() string {
	name := v.name
	for x := v.x; ; {
		table, ok := x.(map[string]any)
		if !ok || len(table) == 0 {
			return name
		}
		key := slices.Min(slices.Collect(maps.Keys(table)))
		name += "." + key
		x = table[key]
	}
}

// environmentFiles reads one path or a list of them; a leading "-" marks a file that may be missing.
func (v value) environmentFiles(to *[]EnvironmentFile) {
	if _, one := v.x.(string); one {
		var f EnvironmentFile
		if v.environmentFile(&f) {
			*to = []EnvironmentFile{f}
		}
		return
	}
	files, fine := []EnvironmentFile{}, true
	isList := v.each("a path or a list of paths", func(e value) {
		var f EnvironmentFile
		fine = e.environmentFile(&f) && fine
		files = append(files, f)
	})
	if isList && fine {
		*to = files
	}
}

func (v value) environmentFile(to *EnvironmentFile) bool {
	text, ok := v.string()
	if !ok {
		return false
	}
	to.Path, to.Optional = strings.CutPrefix(text, "-")
	if !path.IsAbs(to.Path) {
		v.fault(strconv.Quote(to.Path)+" is not an absolute path", "")
		return false
	}
	return true
}

// PipeName is the name of the pipe that an output setting means.
func PipeName(setting string) (string, bool) { return strings.CutPrefix(setting, "pipe:") }

// stream reads where a standard stream goes: one of the words or file:PATH.
func (v value) stream(to *string, words ...string) {
	text, ok := v.string()
	if !ok {
		return
	}
	file, isFile := strings.CutPrefix(text, "file:")
	if name, isPipe := PipeName(text); isPipe {
		if !bareName(name) {
			v.fault(strconv.Quote(name)+" is not the name of a pipe", `write "pipe:NAME" with letters, digits, - and _`)
			return
		}
		*to = text
		return
	}
	switch {
	case isFile && !path.IsAbs(file):
		v.fault(strconv.Quote(file)+" is not an absolute path", `write "file:/PATH"`)
	case !isFile && !slices.Contains(words, text):
		v.fault(strconv.Quote(text)+` is not one of "`+strings.Join(words, `", "`)+`", "file:PATH", "pipe:NAME"`, "")
	default:
		*to = text
	}
}
