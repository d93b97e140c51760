// Package modules reads the index of a kernel's modules and says what must be loaded for a module, in order. It
// reads the files that depmod(8) writes and knows no archive or image.
package modules

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Index is what one kernel's modules.dep, modules.softdep, modules.alias and modules.builtin say. Names have "_" for "-".
type Index struct {
	path    map[string]string   // of a module, below lib/modules/VERSION
	needs   map[string][]string // in load order
	pre     map[string][]string // soft dependencies, which modules.dep does not name
	post    map[string][]string
	alias   map[string][]string // modules that offer something; without patterns, which are for devices
	builtin map[string]bool
}

// Read reads the index of the kernel in dir, which is some lib/modules/VERSION.
func Read(dir string) (*Index, error) {
	x := &Index{
		path: map[string]string{}, needs: map[string][]string{}, pre: map[string][]string{}, post: map[string][]string{},
		alias: map[string][]string{}, builtin: map[string]bool{},
	}
	parts := []struct {
		file string
		line func(string)
	}{{"modules.dep", x.dep}, {"modules.softdep", x.softdep}, {"modules.alias", x.aliases}, {"modules.builtin", x.builtIn}}
	for _, p := range parts {
		data, err := os.ReadFile(filepath.Join(dir, p.file))
		if err != nil {
			return nil, fmt.Errorf("read module index: %w", err)
		}
		if err := lines(bytes.NewReader(data), p.line); err != nil {
			return nil, fmt.Errorf("read %s: %w", p.file, err)
		}
	}
	return x, nil
}

func lines(r io.Reader, do func(string)) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		do(s.Text())
	}
	return s.Err()
}

// dep reads "PATH: PATH PATH"; the last path is loaded first (modules.dep(5)). A file that is called ".ko" is no module.
func (x *Index) dep(line string) {
	file, rest, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	name := Name(file)
	if name == "" {
		return
	}
	x.path[name] = file
	needs := strings.Fields(rest)
	slices.Reverse(needs)
	for i := range needs {
		needs[i] = Name(needs[i])
	}
	x.needs[name] = needs
}

// softdep reads "softdep NAME pre: A B post: C" (modprobe.d(5)).
func (x *Index) softdep(line string) {
	words := strings.Fields(line)
	if len(words) < 3 || words[0] != "softdep" {
		return
	}
	name, into := Name(words[1]), x.pre
	for _, w := range words[2:] {
		switch w {
		case "pre:":
			into = x.pre
		case "post:":
			into = x.post
		default:
			into[name] = append(into[name], Name(w))
		}
	}
}

// aliases reads "alias WHAT NAME" (modules.alias is the output of depmod(8)).
func (x *Index) aliases(line string) {
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "alias" || strings.ContainsAny(words[1], "*?[:") {
		return
	}
	what := Name(words[1])
	x.alias[what] = append(x.alias[what], Name(words[2]))
}

func (x *Index) builtIn(line string) { x.builtin[Name(line)] = true }

// Name is the name of a module, from its name or file. The name of a name is itself.
func Name(file string) string {
	name, _, _ := strings.Cut(path.Base(strings.TrimSpace(file)), ".ko")
	return strings.ReplaceAll(strings.TrimSpace(name), "-", "_")
}

// Files are the files to load for the modules of these names, in load order, below lib/modules/VERSION. A module
// that is built into the kernel needs none; a soft dependency that does not exist is left out, and one that several
// modules offer brings all of them, as with modprobe(8).
func (x *Index) Files(names ...string) ([]string, error) {
	w := walk{Index: x, seen: map[string]bool{}}
	for _, name := range names {
		name = Name(name)
		if x.path[name] == "" && !x.builtin[name] {
			return nil, fmt.Errorf("module %s: not in this kernel", name)
		}
		w.load(name)
	}
	return w.files, nil
}

// walk collects files; a module is seen before what it needs, so that a cycle of soft dependencies ends.
type walk struct {
	*Index
	seen  map[string]bool
	files []string
}

func (w *walk) load(name string) {
	if w.seen[name] {
		return
	}
	w.seen[name] = true
	if w.path[name] == "" {
		for _, n := range w.alias[name] {
			w.load(n)
		}
		return
	}
	for _, n := range slices.Concat(w.pre[name], w.needs[name]) {
		w.load(n)
	}
	w.files = append(w.files, w.path[name])
	for _, n := range w.post[name] {
		w.load(n)
	}
}
