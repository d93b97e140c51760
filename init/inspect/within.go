package inspect

import (
	"github.com/orderly-init/orderly/targets"
)

// within is the look at a component's own root: this one where it has none, nil where that is not there.
func (l *look) within(c *targets.Component) *look {
	key, dir, made := "root_directory", c.RootDirectory, []string{"/proc", "/sys", "/dev", "/run"}
	if t := c.Container; t != nil {
		if t.Rootfs == "" {
			l.bundle(c)
			return nil // what is in it is as its config.json says
		}
		key, dir, made = "container.rootfs", t.Rootfs, []string{"/proc", "/sys", "/dev"}
		l.sources(c)
	}
	if dir == "" {
		return l
	}
	at, info, err := l.root.stat(dir)
	switch {
	case err != nil && l.later(at):
		return nil
	case err != nil:
		l.add(c.Key(key), remark{what: dir + ": " + err.Error(), hint: "it becomes the root"})
		return nil
	case !info.IsDir():
		l.add(c.Key(key), remark{what: dir + " is not a directory"})
		return nil
	}
	sub, err := l.root.root.OpenRoot(at[1:])
	if err != nil {
		l.add(c.Key(key), remark{what: dir + ": " + reason(err).Error()})
		return nil
	}
	r := &Root{root: sub}
	if t := c.Container; t != nil {
		for _, m := range t.Mounts {
			made = append(made, m.Target)
		}
	}
	return &look{root: r, config: l.config, passwd: r.text("/etc/passwd"), group: r.text("/etc/group"), machine: l.machine, made: made, search: defaultPath}
}

// sources looks for what is mounted into a container from outside.
func (l *look) sources(c *targets.Component) {
	for i, m := range c.Container.Mounts {
		if at, _, err := l.root.stat(m.Source); m.Type == "bind" && err != nil && !l.later(at) {
			l.add(targets.Element(c.Key("container.mounts"), i)+".source", remark{what: m.Source + ": " + err.Error(), hint: "it is bound into the container"})
		}
	}
	for i, d := range c.Container.Devices {
		if l.root.live {
			l.add(targets.Element(c.Key("container.devices"), i), l.there(d.Path, "", anyFile))
		}
	}
}
