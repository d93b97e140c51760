package oci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

// ConfigName is the file of a bundle that says what it is.
const ConfigName = "config.json"

// maxConfig bounds the file in bytes.
const maxConfig = 4 << 20

// Bundle is a bundle that can be started.
type Bundle struct {
	Dir         string
	Version     string       // of the spec, as the bundle says
	Process     runtime.Spec // without a Path: it is looked for in the root
	Config      container.Config
	Hooks       Hooks
	Resources   []Setting // of its cgroup
	Text        []byte    // of config.json
	Annotations map[string]string
	Notes       []Problem // what is not carried out, and need not be
}

// Own is what a component says itself, so that its bundle need not.
type Own struct {
	Command  bool // what is executed
	Terminal bool // which terminal
	PlainTCP bool // which rules of a filter go before all others: seccomp.PlainTCP
}

// Read reads a bundle. The error is a Refused where something is wrong with what it says.
func (s *Schema) Read(dir string, own Own) (*Bundle, error) {
	data, err := load(filepath.Join(dir, ConfigName))
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", dir, err)
	}
	b, problems := s.Parse(dir, data, own)
	if len(problems) > 0 {
		return nil, Refused(problems)
	}
	return b, nil
}

// load opens it so that what is no file does not keep us waiting.
func load(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", ConfigName, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	return Load(f)
}

// Load reads the text of a config.json, of a file that is one and is not too big.
func Load(f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil, errors.New(ConfigName + " is not a regular file")
	}
	var text bytes.Buffer
	text.Grow(int(min(st.Size(), maxConfig)) + bytes.MinRead) // it is all that is read, unless somebody writes to it
	if _, err := text.ReadFrom(io.LimitReader(f, maxConfig+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", ConfigName, err)
	}
	if text.Len() > maxConfig {
		return nil, fmt.Errorf("%s has more than %d bytes", ConfigName, maxConfig)
	}
	return text.Bytes(), nil
}

// Parse reads what is in the config.json of a directory, all problems at once, in the order of the file.
func (s *Schema) Parse(dir string, data []byte, own Own) (*Bundle, []Problem) {
	w := &report{file: filepath.Join(dir, ConfigName), data: data}
	r := &reader{report: w, own: own, b: &Bundle{Dir: dir, Text: data}}
	var f *fault
	misfit := decode(data, &r.spec)
	if errors.As(misfit, &f) {
		return nil, w.ended(f)
	}
	var err error
	if r.tree, err = parse(data); errors.As(err, &f) {
		return nil, w.ended(f)
	}
	(&walker{report: w}).value(r.tree, s.root)
	if misfit != nil && len(w.problems) == 0 {
		w.refuse(r.tree, "", misfit.Error())
	}
	if r.tree.kind == objectKind {
		r.all()
	}
	if len(w.problems) > 0 {
		return nil, sorted(w.problems)
	}
	r.b.Notes = sorted(w.notes)
	return r.b, nil
}

// Parse is that of a new Schema, for who reads one bundle.
func Parse(dir string, data []byte, own Own) (*Bundle, []Problem) {
	return NewSchema().Parse(dir, data, own)
}

// ended is all that is said of a text that cannot be read to its end.
func (r *report) ended(f *fault) []Problem {
	r.refuse(&node{offset: f.offset}, "", f.what)
	return r.problems
}

// reader makes a Bundle of a Spec, and says what of it cannot be.
type reader struct {
	*report
	tree *node
	spec specs.Spec
	own  Own
	b    *Bundle
}

func (r *reader) all() {
	r.version()
	if r.spec.Process == nil {
		r.wrong("is needed", "process")
	} else {
		r.process(r.spec.Process)
	}
	if r.spec.Linux == nil {
		r.wrong("is needed", "linux")
		return
	}
	r.namespaces(r.spec.Linux)
	r.root()
	r.mounts()
	r.linux(r.spec.Linux)
	r.hooks(r.spec.Hooks)
	r.b.Annotations = r.spec.Annotations
	r.resources(r.spec.Linux.Resources)
}

func (r *reader) version() {
	r.b.Version = r.spec.Version
	switch {
	case r.spec.Version == "":
		r.wrong("is needed", "ociVersion")
	case !strings.HasPrefix(r.spec.Version, "1."):
		r.wrong(fmt.Sprintf("%q is not supported: Orderly reads 1.x", r.spec.Version), "ociVersion")
	}
}

// wrong refuses a value by the way to it, of names and of places in lists. Of one that is not there it names the place of what it
// would be in.
func (r *reader) wrong(what string, way ...any) {
	n, path := r.find(way)
	r.refuse(n, path, what)
}

// unused is wrong for what is left out.
func (r *reader) unused(what string, way ...any) {
	n, path := r.find(way)
	r.note(n, path, what)
}

func (r *reader) find(way []any) (n *node, path string) {
	n = r.tree
	at := n
	for _, step := range way {
		switch step := step.(type) {
		case string:
			path, at = join(path, step), at.member(step)
		case int:
			path, at = fmt.Sprintf("%s[%d]", path, step), at.element(step)
		}
		if at != nil {
			n = at
		}
	}
	return n, path
}

// absolute refuses a path that is none, or not in its shortest form.
func (r *reader) absolute(path string, way ...any) bool {
	switch {
	case path == "":
		r.wrong("is needed", way...)
	case !filepath.IsAbs(path):
		r.wrong(fmt.Sprintf("%q is not an absolute path", path), way...)
	default:
		return true
	}
	return false
}

// within is a path of the bundle, or an absolute one.
func (r *reader) within(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.b.Dir, path)
}
