package inspect

import (
	"path"

	"github.com/orderly-init/orderly/runtime/oci"
	"github.com/orderly-init/orderly/targets"
)

// bundle looks at what an OCI bundle says, and whether its root is there. What is not carried out is a remark; the program and the
// accounts are those of its root, and are not looked for here.
func (l *look) bundle(c *targets.Component) {
	dir, key := c.Container.Bundle, c.Key("container.bundle")
	name := path.Join(dir, oci.ConfigName)
	f, err := l.root.open(name)
	if err != nil {
		if at, _, _ := l.root.stat(name); !l.later(at) {
			l.add(key, remark{what: name + ": " + reason(err).Error()})
		}
		return
	}
	defer f.Close()
	data, err := oci.Load(f)
	if err != nil {
		l.add(key, remark{what: err.Error()})
		return
	}
	b, problems := oci.Parse(dir, data, oci.Own{Command: c.Command != nil, Terminal: c.Terminal != ""})
	for _, p := range problems {
		l.add(key, remark{what: p.String()})
	}
	if b == nil {
		return
	}
	for _, n := range b.Notes {
		l.add(key, remark{what: n.String(), severity: targets.Notice})
	}
	l.add(key, l.directory(b.Config.Root))
}
