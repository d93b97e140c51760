package oci

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime/container"
)

func (r *reader) root() {
	c := &r.b.Config
	if r.spec.Root == nil || r.spec.Root.Path == "" {
		r.wrong("is needed", "root", "path")
		return
	}
	c.Root, c.ReadOnly, c.Bare = r.within(r.spec.Root.Path), r.spec.Root.Readonly, true
	switch p := r.spec.Linux.RootfsPropagation; p {
	case "", "slave", "rslave": // what is mounted below it on the machine comes in
	case "private":
		c.Propagation = unix.MS_PRIVATE
	case "rprivate":
		c.Propagation = unix.MS_PRIVATE | unix.MS_REC
	case "unbindable":
		c.Propagation = unix.MS_UNBINDABLE
	case "runbindable":
		c.Propagation = unix.MS_UNBINDABLE | unix.MS_REC
	default:
		r.wrong(fmt.Sprintf("%q is not supported: nothing that a container mounts goes out of it", p), "linux", "rootfsPropagation")
	}
}

func (r *reader) mounts() {
	for i := range r.spec.Mounts {
		m := &r.spec.Mounts[i]
		if !r.absolute(m.Destination, "mounts", i, "destination") {
			continue
		}
		v := container.Volume{Source: m.Source, Target: path.Clean(m.Destination), Type: m.Type, Words: []string{}}
		if v.Target == "/" {
			r.wrong("is the root: see root.path", "mounts", i, "destination")
		}
		r.options(i, m, &v)
		r.source(i, m, &v)
		r.b.Config.Volumes = append(r.b.Config.Volumes, v)
	}
}

// options keeps those that are words of mount(8) or of the file system, and takes out those that are the spec's own.
func (r *reader) options(i int, m *specs.Mount, v *container.Volume) {
	mapped := len(m.UIDMappings)+len(m.GIDMappings) > 0
	for n, w := range m.Options {
		switch {
		case w == "tmpcopyup" && m.Type == "tmpfs":
			v.Copied = true
		case w == "tmpcopyup":
			r.wrong("tmpcopyup is for a tmpfs", "mounts", i, "options", n)
		case w == "idmap", w == "ridmap":
			mapped, v.MapAll = true, v.MapAll || w == "ridmap"
		case container.CheckWords([]string{w}) != "":
			r.wrong(container.CheckWords([]string{w}), "mounts", i, "options", n)
		default:
			v.Words = append(v.Words, w)
		}
	}
	if mapped {
		r.mapping(i, m, v)
	}
}

// mapping is the one of the mount, or else that of the user namespace.
func (r *reader) mapping(i int, m *specs.Mount, v *container.Volume) {
	v.UIDs, v.GIDs = r.idMap(m.UIDMappings, "mounts", i, "uidMappings"), r.idMap(m.GIDMappings, "mounts", i, "gidMappings")
	if v.UIDs == nil && v.GIDs == nil {
		v.UIDs, v.GIDs = r.b.Config.UIDs, r.b.Config.GIDs
	}
	switch {
	case v.UIDs == nil || v.GIDs == nil:
		r.wrong("an idmapped mount needs uidMappings and gidMappings, of its own or of a user namespace", "mounts", i)
	case m.Type != "bind" && !container.Binds(m.Options):
		r.wrong("only a bind mount can be idmapped", "mounts", i)
	}
}

// source fills in what the type means.
func (r *reader) source(i int, m *specs.Mount, v *container.Volume) {
	switch bind := m.Type == "bind" || container.Binds(m.Options); {
	case bind && m.Source == "":
		r.wrong("is needed for a bind mount", "mounts", i, "source")
	case bind:
		v.Type, v.Source = "bind", r.within(m.Source)
		if w := container.NotForBind(v.Words); w != "" {
			r.wrong(fmt.Sprintf("a bind mount has no option %q", w), "mounts", i, "options", slices.Index(m.Options, w))
		}
	case m.Type == "" || m.Type == "none":
		r.wrong("is needed, or the option bind or rbind", "mounts", i, "type")
	case m.Type == "cgroup":
		v.Type, v.Source = "cgroup2", "cgroup2"
		if k := r.b.Config.Kinds; k&unix.CLONE_NEWUSER != 0 && k&unix.CLONE_NEWCGROUP == 0 {
			r.wrong("cgroup needs a new cgroup namespace, where there is a new user namespace", "mounts", i, "type")
		}
	case m.Source == "":
		v.Source = m.Type
	}
	if strings.ContainsAny(v.Type, "/ \t") {
		r.wrong(fmt.Sprintf("%q is not a type of file system", v.Type), "mounts", i, "type")
	}
}
