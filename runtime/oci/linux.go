package oci

import (
	"fmt"
	"path"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

func (r *reader) linux(l *specs.Linux) {
	c := &r.b.Config
	c.Masked, c.ReadOnlies = r.paths(l.MaskedPaths, "maskedPaths"), r.paths(l.ReadonlyPaths, "readonlyPaths")
	r.devices(l.Devices)
	if l.Resources == nil {
		r.access(nil)
	} else {
		r.access(l.Resources.Devices)
	}
	r.personality(l.Personality)
	r.seccomp(l.Seccomp)
}

// paths are never nil, which would be those of every container.
func (r *reader) paths(list []string, key string) []string {
	all := []string{}
	for i, p := range list {
		if r.absolute(p, "linux", key, i) {
			all = append(all, path.Clean(p))
		}
	}
	return all
}

// devices are those that the spec gives to every container, and those of the bundle. Where the machine's /dev is bound they are there.
func (r *reader) devices(list []specs.LinuxDevice) {
	c := &r.b.Config
	nodes := container.UsualDevices()
	for i := range list {
		n, ok := r.device(i, &list[i])
		if !ok {
			continue
		}
		same := func(o runtime.Node) bool { return o.Path == n.Path }
		nodes = append(slices.DeleteFunc(nodes, same), n)
	}
	bound := func(v container.Volume) bool { return v.Target == "/dev" && v.Type == "bind" }
	if slices.ContainsFunc(c.Volumes, bound) {
		return
	}
	c.Nodes, c.Links = nodes, container.UsualLinks()
}

func (r *reader) device(i int, d *specs.LinuxDevice) (n runtime.Node, ok bool) {
	if !r.absolute(d.Path, "linux", "devices", i, "path") {
		return n, false
	}
	kinds := map[string]uint32{"c": unix.S_IFCHR, "u": unix.S_IFCHR, "b": unix.S_IFBLK, "p": unix.S_IFIFO}
	kind, known := kinds[d.Type]
	const mostMajor, mostMinor = 1<<12 - 1, 1<<20 - 1 // of the kernel's dev_t
	switch {
	case !known:
		r.wrong(fmt.Sprintf("%q is not c, u, b or p", d.Type), "linux", "devices", i, "type")
	case d.Major < 0 || d.Major > mostMajor || d.Minor < 0 || d.Minor > mostMinor:
		r.wrong("is not the number of a device", "linux", "devices", i)
	case d.Type == "p" && r.b.Config.Kinds&unix.CLONE_NEWUSER != 0:
		r.wrong("is not supported in a user namespace: there devices are bound from the machine", "linux", "devices", i)
	default:
		ok = true
	}
	n = runtime.Node{Path: path.Clean(d.Path), Mode: kind | 0o666, Major: uint32(d.Major), Minor: uint32(d.Minor)}
	if d.FileMode != nil {
		n.Mode = kind | uint32(*d.FileMode)&0o7777
	}
	if d.UID != nil {
		n.UID = int(*d.UID)
	}
	if d.GID != nil {
		n.GID = int(*d.GID)
	}
	return n, ok
}

// personality is PER_* of personality(2).
func (r *reader) personality(p *specs.LinuxPersonality) {
	const linux32 = 8
	switch {
	case p == nil || p.Domain == specs.PerLinux:
	case p.Domain == specs.PerLinux32:
		r.b.Process.Domain = linux32
	default:
		r.wrong(fmt.Sprintf("%q is not LINUX or LINUX32", p.Domain), "linux", "personality", "domain")
	}
}
