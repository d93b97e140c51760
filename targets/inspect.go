package targets

// Finding is what is wrong with a key beyond the files: what it names is not there, or it is not enough.
type Finding struct {
	Path     string // of the key, such as component.web.command[0]
	What     string
	Hint     string // may be empty
	Severity Severity
}

// Inspect is Load for a configuration that is held against something else: look is asked about one that has no faults, and what
// it finds becomes problems with positions. Findings that are faults make the configuration nil, as all faults do.
func Inspect(sources []Source, look func(*Config) []Finding) (*Config, Problems) {
	l, config, problems := load(sources)
	if config == nil {
		return nil, problems
	}
	for _, f := range look(config) {
		where, key := l.find(f.Path, atValue)
		problems = append(problems, Problem{
			File: where.file, Line: where.line, Col: where.col, Key: key, What: f.What, Hint: f.Hint, Severity: f.Severity,
		})
	}
	if problems = problems.tidy(); problems.Fatal() {
		return nil, problems
	}
	return config, problems
}

// Key is the path of a key of the component, such as component.web.ready.socket; that of an instance is its table's.
func (c *Component) Key(name string) string { return c.path() + "." + name }

// Element is the path of the nth element of the list at path, from 0.
func Element(path string, n int) string { return element(path, n) }
