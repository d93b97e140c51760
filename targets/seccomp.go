package targets

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/runtime/calls"
)

// Filter is a [seccomp.NAME] table: what happens at each system call of a process (seccomp(2)).
type Filter struct {
	Name    string
	Default string // of calls that are in no list: "allow", "errno", "kill"
	Error   int    // what a call fails with that is not allowed, of errno(3)

	Allow, Errno, Kill []string // names as in syscalls(2), sorted
}

// The values of seccomp that are no table.
const (
	seccompNone    = "none"
	seccompDefault = "default"
)

// errnoNumbers are what a refused call may fail with, the same on all architectures (errno(3)).
func errnoNumbers() []option[int] {
	return []option[int]{{"EPERM", 1}, {"ENOENT", 2}, {"EIO", 5}, {"EACCES", 13}, {"EINVAL", 22}, {"ENOSYS", 38}, {"EOPNOTSUPP", 95}}
}

func filterFields() []field[Filter] {
	names := calls.Names()
	return []field[Filter]{
		{"default", func(v value, f *Filter) { v.words(&f.Default, "allow", "errno", "kill") }},
		{"error", func(v value, f *Filter) { choose(v, &f.Error, errnoNumbers()...) }},
		{"allow", func(v value, f *Filter) { v.systemCalls(&f.Allow, names) }},
		{"errno", func(v value, f *Filter) { v.systemCalls(&f.Errno, names) }},
		{"kill", func(v value, f *Filter) { v.systemCalls(&f.Kill, names) }},
	}
}

// readFilters reads the tables. The names of system calls are looked at only where there is one.
func readFilters(v value, d *draft) {
	var fields []field[Filter]
	v.entries(func(e value, _ int) {
		if e.name == seccompNone || e.name == seccompDefault {
			e.faultAt(atTable, "is a value of seccomp already", "choose another name")
		}
		if fields == nil {
			fields = filterFields()
		}
		f := Filter{Name: e.name, Error: 1}
		own := readTable(e, fields, &f)
		if _, has := own["default"]; own != nil && !has {
			e.faultAt(atTable, "has no default", `add default = "errno", "kill" or "allow"`)
		}
		e.checkFilter(own, &f)
		d.Filters = append(d.Filters, f)
	})
}

// systemCalls reads a list of names into a sorted one.
func (v value) systemCalls(to *[]string, names []string) {
	list, fine := []string{}, true
	isList := v.each("a list of system calls", func(e value) {
		name, ok := e.string()
		switch {
		case !ok:
		case !slices.Contains(names, name):
			e.fault(strconv.Quote(name)+" is not a system call", meant(name, names))
			ok = false
		case slices.Contains(list, name):
			e.fault(strconv.Quote(name)+" is listed twice", "")
			ok = false
		}
		list, fine = append(list, name), fine && ok
	})
	if isList && fine {
		slices.Sort(list)
		*to = list
	}
}

// checkFilter finds calls that are in two lists, lists that say nothing new, and what the start of a program needs
// once the filter is in force.
func (v value) checkFilter(own map[string]any, f *Filter) {
	lists := []struct {
		key   string
		names []string
	}{{"allow", f.Allow}, {"errno", f.Errno}, {"kill", f.Kill}}
	for i, l := range lists {
		path := v.path() + "." + l.key
		if len(l.names) > 0 && l.key == f.Default {
			v.l.fault(path, atKey, "is what default does anyway", "")
		}
		for _, other := range lists[:i] {
			for _, name := range l.names {
				if slices.Contains(other.names, name) {
					v.l.fault(path, atValue, strconv.Quote(name)+" is in "+other.key+" too", "")
				}
			}
		}
		for _, name := range []string{"execve", "exit_group"} {
			if l.key != "allow" && slices.Contains(l.names, name) {
				v.l.fault(path, atValue, strconv.Quote(name)+" is what the start itself needs", "it is always allowed")
			}
		}
	}
	if _, has := own["error"]; has && f.Default != "errno" && len(f.Errno) == 0 {
		v.l.fault(v.path()+".error", atKey, "is not used", `it goes with default = "errno" or a list errno`)
	}
}

// checkFilters finds the table that each component names.
func (l *loader) checkFilters(c *Config) {
	var names []string
	for i := range c.Filters {
		names = append(names, c.Filters[i].Name)
	}
	for i := range c.Components {
		x := &c.Components[i]
		switch x.Security.Seccomp {
		case "", seccompDefault:
			continue
		case seccompNone:
			x.Security.Seccomp = ""
			continue
		}
		if at, ok := slices.BinarySearchFunc(c.Filters, x.Security.Seccomp, func(f Filter, name string) int {
			return strings.Compare(f.Name, name)
		}); ok {
			x.Security.Filter = &c.Filters[at]
			continue
		}
		l.fault(join("component", x.Name)+".security.seccomp", atValue, "there is no [seccomp."+x.Security.Seccomp+"]",
			meant(x.Security.Seccomp, append(names, seccompNone, seccompDefault)))
	}
}
