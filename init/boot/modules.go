package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// modules loads the kernel modules that are configured, in that order. A module that is built in or loaded is fine.
func (u *up) modules() {
	if len(u.System.Modules) == 0 {
		return
	}
	l, err := newLoader(commandLine())
	for _, name := range u.System.Modules {
		if err != nil && !present(name) {
			u.fail("kernel module "+name, err)
			continue
		}
		u.fail("kernel module "+name, l.load(name))
	}
}

// moduleTree is what depmod(8) wrote about the modules of a kernel. Names are normal: see moduleName.
type moduleTree struct {
	path    map[string]string   // below the directory of the kernel
	needs   map[string][]string // paths of those that must be there before
	builtin map[string]bool
	pre     map[string][]string // soft dependencies that are loaded before, and may be missing
	post    map[string][]string
	alias   map[string]string // other names of modules; those with wildcards are for devices, which nobody asks for by name
}

// moduleName is the name of a module: the base name of its file without suffixes, and - is _ (modprobe(8)).
func moduleName(path string) string {
	name := filepath.Base(path)
	if i := strings.Index(name, ".ko"); i > 0 {
		name = name[:i]
	}
	return strings.ReplaceAll(name, "-", "_")
}

// readDeps reads modules.dep: "path: path path" (modules.dep(5)).
func (t *moduleTree) readDeps(text string) {
	t.path, t.needs = map[string]string{}, map[string][]string{}
	for l := range strings.Lines(text) {
		path, deps, ok := strings.Cut(l, ":")
		if path = strings.TrimSpace(path); !ok || path == "" || path[0] == '#' {
			continue
		}
		t.path[moduleName(path)] = path
		if needs := strings.Fields(deps); len(needs) > 0 {
			t.needs[moduleName(path)] = needs
		}
	}
}

// readAlias reads modules.alias: "alias NAME MODULE" (modprobe.d(5)).
func (t *moduleTree) readAlias(text string) {
	t.alias = map[string]string{}
	for l := range strings.Lines(text) {
		words := strings.Fields(l)
		if len(words) == 3 && words[0] == "alias" && !strings.ContainsAny(words[1], "*?[:") {
			t.alias[moduleName(words[1])] = moduleName(words[2])
		}
	}
}

// known reports whether a name is that of a module itself.
func (t *moduleTree) known(name string) bool { return t.path[name] != "" || t.builtin[name] }

// readBuiltin reads modules.builtin: a path per line.
func (t *moduleTree) readBuiltin(text string) {
	t.builtin = map[string]bool{}
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			t.builtin[moduleName(l)] = true
		}
	}
}

// readSoft reads modules.softdep: "softdep NAME pre: NAME... post: NAME..." (modprobe.d(5)).
func (t *moduleTree) readSoft(text string) {
	t.pre, t.post = map[string][]string{}, map[string][]string{}
	for l := range strings.Lines(text) {
		words := strings.Fields(l)
		if len(words) < 2 || words[0] != "softdep" {
			continue
		}
		name := moduleName(words[1])
		var to map[string][]string
		for _, w := range words[2:] {
			switch {
			case w == "pre:":
				to = t.pre
			case w == "post:":
				to = t.post
			case to != nil:
				to[name] = append(to[name], moduleName(w))
			}
		}
	}
}

// loader loads modules with what they need.
type loader struct {
	moduleTree
	directory string
	options   map[string][]string // of a module, from the kernel command line: module.option=value
	done      map[string]error    // how it went
	insert    func(path, options string) error
	present   func(name string) bool
}

func newLoader(commandLine string) (*loader, error) {
	l := &loader{options: moduleOptions(commandLine), done: map[string]error{}, insert: insert, present: present}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return l, os.NewSyscallError("uname", err)
	}
	l.directory = filepath.Join("/lib/modules", unix.ByteSliceToString(name.Release[:]))
	deps, err := os.ReadFile(filepath.Join(l.directory, "modules.dep"))
	if err != nil {
		return l, err
	}
	builtin, _ := os.ReadFile(filepath.Join(l.directory, "modules.builtin"))
	soft, _ := os.ReadFile(filepath.Join(l.directory, "modules.softdep"))
	l.readDeps(string(deps))
	l.readBuiltin(string(builtin))
	l.readSoft(string(soft))
	return l, nil
}

// moduleOptions are the words of the kernel command line that are meant for modules.
func moduleOptions(commandLine string) map[string][]string {
	options := map[string][]string{}
	for len(commandLine) > 0 {
		var w word
		w, commandLine = nextWord(commandLine)
		module, option, ok := strings.Cut(w.name, ".")
		if !ok || module == "" || option == "" {
			continue
		}
		if w.value != "" {
			option += "=" + quoteSpaces(w.value)
		}
		module = moduleName(module)
		options[module] = append(options[module], option)
	}
	return options
}

func quoteSpaces(value string) string {
	if strings.ContainsAny(value, " \t") {
		return `"` + value + `"`
	}
	return value
}

// real is the module that a name means.
func (l *loader) real(name string) string {
	name = moduleName(name)
	if l.known(name) {
		return name
	}
	return l.other(name)
}

// other is the module that has a name as another one of its names, or what is called so itself. The file of those is large: it is read
// when it is needed.
func (l *loader) other(name string) string {
	if l.alias == nil {
		text, _ := os.ReadFile(filepath.Join(l.directory, "modules.alias"))
		l.readAlias(string(text))
	}
	if other, ok := l.alias[name]; ok {
		return other
	}
	return name
}

// soft loads what another one has as a soft dependency; it may be missing. Such a name can be that of a part of the kernel and of what is
// offered by a module, which is then meant, as with modprobe(8): f2fs asks for "crc32", a built-in library, and for the sums of crc32_generic.
func (l *loader) soft(name string) {
	if l.path[name] == "" {
		name = l.other(name)
	}
	l.load(name)
}

// load loads a module after those that it needs, once.
func (l *loader) load(name string) error {
	name = l.real(name)
	if err, ok := l.done[name]; ok {
		return err
	}
	l.done[name] = nil // soft dependencies may go in circles
	l.done[name] = l.loadNow(name)
	return l.done[name]
}

func (l *loader) loadNow(name string) error {
	if l.builtin[name] || l.present(name) {
		return nil
	}
	path, ok := l.path[name]
	if !ok {
		return fmt.Errorf("not in %s/modules.dep, and not built in", l.directory)
	}
	for _, soft := range l.pre[name] {
		l.soft(soft)
	}
	for _, need := range l.needs[name] {
		if err := l.load(need); err != nil {
			return fmt.Errorf("%s, which it needs: %w", moduleName(need), err)
		}
	}
	err := bounded(moduleLimit, func() error {
		return l.insert(filepath.Join(l.directory, path), strings.Join(l.options[name], " "))
	})
	if err != nil {
		return err
	}
	for _, soft := range l.post[name] {
		l.soft(soft)
	}
	return nil
}

// present reports whether the kernel has a module already (sysfs(5), /sys/module).
func present(name string) bool {
	_, err := os.Stat(filepath.Join("/sys/module", moduleName(name)))
	return err == nil
}

// insert gives a module to the kernel, which unpacks it itself (init_module(2); MODULE_INIT_COMPRESSED_FILE is
// there since Linux 5.17).
func insert(path, options string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(path, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	err = unix.FinitModule(int(f.Fd()), options, flags)
	switch {
	case err == nil || errors.Is(err, unix.EEXIST):
		return nil
	case flags != 0 && (err == unix.EOPNOTSUPP || err == unix.EINVAL):
		return fmt.Errorf("insert %s: %w (can this kernel unpack modules?)", path, err)
	}
	return fmt.Errorf("insert %s: %w", path, err)
}

// ModuleFile is one file that loading a module takes.
type ModuleFile struct {
	Path, Options string
	Optional      bool // a soft dependency: it may be refused
}

// ModuleFiles lists what must be given to the kernel to load a module, in that order; nothing where it is built in or
// loaded. options are those of the module itself, over those of the kernel command line.
func ModuleFiles(name string, options []string) ([]ModuleFile, error) {
	if present(name) {
		return nil, nil
	}
	l, err := newLoader(commandLine())
	if err != nil {
		return nil, err
	}
	return l.files(name, options)
}

func (l *loader) files(name string, options []string) ([]ModuleFile, error) {
	var files []ModuleFile
	l.insert = func(path, options string) error {
		files = append(files, ModuleFile{Path: path, Options: options})
		return nil
	}
	real := l.real(name)
	l.options[real] = append(l.options[real], options...)
	if err := l.load(name); err != nil {
		return nil, err
	}
	for i := range files {
		files[i].Optional = !l.must(real, moduleName(files[i].Path))
	}
	return files, nil
}

// must says whether a module is another one, or needs it: modules.dep lists what those need that it needs, too.
func (l *loader) must(name, other string) bool {
	return name == other || slices.ContainsFunc(l.needs[name], func(need string) bool { return moduleName(need) == other })
}
