package targets

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// templates are the [template.NAME] tables by name, and by component what it is made from.
type templates struct {
	tables map[string]value
	chains map[string][]string // by the name of the component's table: the template it names, then that one's, ...
}

func (t *templates) note(component string, chain []string) {
	if len(chain) > 0 {
		t.chains[component] = chain
	}
}

// readTemplates notes the templates and reads each one by itself, so that a mistake in one that nobody uses is found
// as well.
func readTemplates(v value, d *draft) {
	t := &v.l.templates
	t.tables, t.chains = map[string]value{}, map[string][]string{}
	v.entries(func(e value, _ int) { t.tables[e.name] = e })
	fields := componentFields()
	for _, name := range slices.Sorted(maps.Keys(t.tables)) {
		e := t.tables[name]
		scratch := d.component
		for _, from := range slices.Backward(v.l.chain(e)) {
			readTable(t.tables[from], fields, &scratch)
		}
		readTable(e, fields, &scratch)
	}
}

// chain lists the templates that a component or template is made from, the nearest first; what does not exist or
// comes round to itself is reported and left out.
func (l *loader) chain(e value) []string {
	var names []string
	for {
		table, _ := e.x.(map[string]any)
		x, has := table["template"]
		name, isText := x.(string)
		if !has || !isText { // a wrong type is reported by the reader of the key
			return names
		}
		key := value{l: l, up: &e, name: "template", x: x}
		next, known := l.templates.tables[name]
		switch {
		case !known:
			key.fault("no template is named "+strconv.Quote(name), meant(name, slices.Sorted(maps.Keys(l.templates.tables))))
			return names
		case slices.Contains(names, name) || isTemplate(e) && e.name == name:
			key.fault("the template is made from itself: "+strings.Join(append(names, name), " -> "), "")
			return names
		}
		names = append(names, name)
		e = next
	}
}

func isTemplate(e value) bool {
	return e.up != nil && e.up.up != nil && e.up.up.up == nil && e.up.name == "template"
}

// instance is one component that a table makes, or the only one.
type instance struct {
	name string // of the component
	of   string // what %i stands for; "" where there are no instances
}

// instances are the components that a table makes. The list may stand in a template.
func (e value) instances(chain []string) []instance {
	single := []instance{{name: e.name}}
	holder := e
	for _, from := range chain {
		if table, _ := holder.x.(map[string]any); table["instances"] != nil {
			break
		}
		holder = e.l.templates.tables[from]
	}
	table, _ := holder.x.(map[string]any)
	list, isList := table["instances"].([]any)
	if !isList || len(list) == 0 {
		return single // a wrong type is reported by the reader of the key
	}
	var all []instance
	for i, x := range list {
		text, _ := x.(string)
		one := value{l: e.l, up: &value{l: e.l, up: &holder, name: "instances", x: list}, nth: i + 1, x: x}
		name := e.name + instanceMark + text
		switch {
		case !bareName(text):
			continue // reported by the reader of the key
		case len(name) > maxName:
			one.fault(strconv.Quote(name)+" is too long a name", "at most "+strconv.Itoa(maxName)+" characters")
		case !slices.ContainsFunc(all, func(n instance) bool { return n.of == text }):
			all = append(all, instance{name, text})
		}
	}
	return all
}

// instanceMark stands between the name of the table and that of the instance.
const instanceMark = "@"

// tableOf is the name of the table that a component was made from: an instance's is what stands before the mark.
func tableOf(component string) string {
	table, _, _ := strings.Cut(component, instanceMark)
	return table
}

// path is where the component's table stands in the configuration.
func (c *Component) path() string { return join("component", tableOf(c.Name)) }

// instantiated is a tree in which %i has become the name of the instance in every string; %%i is a literal %i.
func instantiated(x any, of string) any {
	switch x := x.(type) {
	case string:
		return strings.NewReplacer("%%i", "%i", "%i", of).Replace(x)
	case []any:
		list := make([]any, len(x))
		for i := range x {
			list[i] = instantiated(x[i], of)
		}
		return list
	case []map[string]any:
		list := make([]map[string]any, len(x))
		for i := range x {
			list[i], _ = instantiated(x[i], of).(map[string]any)
		}
		return list
	case map[string]any:
		table := make(map[string]any, len(x))
		for key := range x {
			table[key] = instantiated(x[key], of)
		}
		return table
	}
	return x
}

// instantiate is the table of one instance: in it alone %i has a meaning.
func (e value) instantiate(one instance) value {
	if one.of != "" {
		e.x = instantiated(e.x, one.of)
	}
	return e
}

// instanceNames reads the names of instances; they become components of their own.
func (v value) instanceNames() {
	seen := map[string]bool{}
	var names []string
	v.list(&names, func(e value, to *string) bool {
		text, ok := e.string()
		switch {
		case !ok:
			return false
		case !bareName(text):
			e.fault(strconv.Quote(text)+" is not a name", "letters, digits, - and _")
			return false
		case seen[text]:
			e.fault(strconv.Quote(text)+" is listed twice", "")
			return false
		}
		seen[text] = true
		*to = text
		return true
	})
	if names != nil && len(names) == 0 {
		v.fault("is empty", "without instances, leave the key out")
	}
}
