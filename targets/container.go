package targets

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Container is the [component.NAME.container] table: a root and namespaces of the component's own (namespaces(7)).
type Container struct {
	Rootfs      string   // the directory that becomes its root; "" where Bundle is
	Bundle      string   // the directory of an OCI runtime bundle
	Namespaces  []string // of NamespaceNames, sorted; nil: those of a container
	Hostname    string
	Mounts      []Volume
	ReadOnly    bool    // the root cannot be changed
	Overlay     string  // where changes of the root go: "" is into it, "tmpfs" is nowhere, a directory keeps them
	OverlaySize int64   // bytes of a tmpfs; 0 is half of the memory, as tmpfs(5) has it
	UIDMap      []IDMap // of a user namespace; nil: picked
	GIDMap      []IDMap
	IDMapped    bool // files of the root and of bind mounts belong to whom they belong outside
	Devices     []Device
	Masked      []string      // nil: those of a container
	Sysctl      []Setting     // in key order
	Monotonic   time.Duration // how far the clocks of a time namespace are ahead
	Boottime    time.Duration
	Share       Share
	Init        bool // a small init is its first process

	Network   string  // of Config.Networks, HostNetwork or NoNetwork; "" is NoNetwork where it has a net namespace
	Joins     Network // what Network names
	Ports     []Port
	Addresses []netip.Addr // of its own, at most one of a subnet; for the others one is chosen
	Aliases   []string     // more names on the network
	Egress    []Egress     // what it may talk to; nil is everything
	Bandwidth Bandwidth
}

// Volume is one entry of mounts: a directory or file of the machine, or a file system of its own.
type Volume struct {
	Source, Target string
	Type           string // "bind" or that of a file system
	Options        string // as mount(8) takes them
}

// IDMap maps Size ids, from Inside on, to those from Outside on (user_namespaces(7)).
type IDMap struct {
	Inside, Outside, Size uint32
}

// Device is one device file of the machine that a container has.
type Device struct {
	Path   string
	Access string // of r, w and m
}

// Share names a component whose namespaces are entered, and which of them.
type Share struct {
	With       string
	Namespaces []string // sorted
}

// NamespaceNames are the kinds of namespaces, as [component.NAME.container] has them.
func NamespaceNames() []string {
	return []string{"cgroup", "ipc", "mount", "net", "pid", "time", "user", "uts"}
}

func containerFields() []field[Container] {
	return slices.Concat([]field[Container]{
		{"rootfs", func(v value, c *Container) { v.directory(&c.Rootfs) }},
		{"bundle", func(v value, c *Container) { v.directory(&c.Bundle) }},
		{"namespaces", func(v value, c *Container) { v.namespaces(&c.Namespaces, NamespaceNames()) }},
		{"hostname", func(v value, c *Container) { v.hostname(&c.Hostname) }},
		{"mounts", func(v value, c *Container) { v.volumes(&c.Mounts) }},
		{"read_only", func(v value, c *Container) { v.bool(&c.ReadOnly) }},
		{"overlay", func(v value, c *Container) { v.overlay(&c.Overlay) }},
		{"overlay_size", func(v value, c *Container) { v.size(&c.OverlaySize, 4096) }},
		{"uid_map", func(v value, c *Container) { v.idMaps(&c.UIDMap) }},
		{"gid_map", func(v value, c *Container) { v.idMaps(&c.GIDMap) }},
		{"idmapped", func(v value, c *Container) { v.bool(&c.IDMapped) }},
		{"devices", func(v value, c *Container) { v.devices(&c.Devices) }},
		{"masked_paths", func(v value, c *Container) { v.paths(&c.Masked) }},
		{"sysctl", func(v value, c *Container) { v.sysctl(&c.Sysctl) }},
		{"monotonic_offset", func(v value, c *Container) { v.duration(&c.Monotonic, 0) }},
		{"boottime_offset", func(v value, c *Container) { v.duration(&c.Boottime, 0) }},
		{"share", func(v value, c *Container) { readShare(v, &c.Share) }},
		{"init", func(v value, c *Container) { v.bool(&c.Init) }},
	}, networkedFields())
}

// readContainer reads the table over its defaults. Files belong to whom they belong outside unless that is written
// otherwise.
func readContainer(v value, c *Component) {
	to := Container{IDMapped: true}
	if c.Container != nil {
		to = *c.Container
	}
	if readTable(v, containerFields(), &to) != nil {
		c.Container = &to
	}
}

// directory reads the path of a directory that is mounted.
func (v value) directory(to *string) bool {
	var text string
	if !v.absolute(&text) {
		return false
	}
	switch clean := path.Clean(text); {
	case clean != text:
		v.fault(strconv.Quote(text)+" is not the shortest form", "write "+strconv.Quote(clean))
	case text == "/":
		v.fault(`"/" is the root of the machine`, "")
	default:
		*to = text
		return true
	}
	return false
}

func (v value) overlay(to *string) {
	if v.x == "tmpfs" {
		*to = "tmpfs"
		return
	}
	v.directory(to)
}

// namespaces reads a list of kinds, sorted.
func (v value) namespaces(to *[]string, known []string) {
	list := []string{}
	v.list(&list, func(e value, to *string) bool {
		name, ok := e.string()
		switch {
		case !ok:
		case !slices.Contains(known, name):
			e.fault(strconv.Quote(name)+" is not a namespace", hintOf(name, known))
			ok = false
		case slices.Contains(list, name):
			e.fault(strconv.Quote(name)+" is listed twice", "")
			ok = false
		}
		*to = name
		return ok
	})
	slices.Sort(list)
	*to = slices.Compact(list)
}

// hintOf is what a word was meant to be, or all that it can be.
func hintOf(word string, known []string) string {
	if hint := meant(word, known); hint != "" {
		return hint
	}
	return "one of " + strings.Join(known, ", ")
}

func (v value) volumes(to *[]Volume) {
	list := []Volume{}
	v.each("a list of tables", func(e value) {
		m := Volume{}
		own := readTable(e, volumeFields(), &m)
		if own == nil {
			return
		}
		e.checkVolume(&m, own)
		list = append(list, m)
	})
	*to = list
}

func volumeFields() []field[Volume] {
	return []field[Volume]{
		{"source", func(v value, m *Volume) { v.nonEmpty(&m.Source) }},
		{"target", func(v value, m *Volume) { v.absolute(&m.Target) }},
		{"type", func(v value, m *Volume) { v.word(&m.Type) }},
		{"options", func(v value, m *Volume) { v.text(&m.Options) }},
	}
}

// checkVolume fills in what follows from the rest: without a type a path is bound.
func (v value) checkVolume(m *Volume, own map[string]any) {
	if own["target"] == nil {
		v.faultAt(atKey, "has no target", "")
	}
	if m.Type == "" && (own["source"] == nil || path.IsAbs(m.Source)) {
		m.Type = "bind"
	}
	switch {
	case m.Type == "":
		v.faultAt(atKey, "has no type", `write type = "tmpfs", or an absolute path as its source`)
	case m.Type == "bind" && own["source"] == nil:
		v.faultAt(atKey, "has no source", "")
	case m.Type == "bind" && m.Source != "" && !path.IsAbs(m.Source):
		v.l.fault(v.path()+".source", atValue, strconv.Quote(m.Source)+" is not an absolute path", "")
	case m.Source == "":
		m.Source = m.Type
	}
	for word := range strings.SplitSeq(m.Options, ",") {
		switch word {
		case "shared", "rshared", "unbindable", "runbindable", "move", "remount":
			v.l.fault(v.path()+".options", atValue, strconv.Quote(word)+" is not for a container", "nothing that is mounted in one goes out of it")
		}
	}
}

// idMaps reads a list of "INSIDE:OUTSIDE:SIZE".
func (v value) idMaps(to *[]IDMap) {
	list, fine := []IDMap{}, true
	isList := v.each(`a list such as ["0:100000:65536"]`, func(e value) {
		var m IDMap
		fine = parsed(e, &m, parseIDMap) && fine
		list = append(list, m)
	})
	if isList && fine {
		*to = list
	}
}

func parseIDMap(text string) (m IDMap, what, hint string) {
	const form = `write "INSIDE:OUTSIDE:SIZE", such as "0:100000:65536"`
	words := strings.Split(text, ":")
	if len(words) != 3 {
		return m, strconv.Quote(text) + " is not a map of ids", form
	}
	for i, to := range []*uint32{&m.Inside, &m.Outside, &m.Size} {
		n, err := strconv.ParseUint(words[i], 10, 32)
		if err != nil {
			return m, strconv.Quote(text) + " is not a map of ids", form
		}
		*to = uint32(n)
	}
	const last = 1<<32 - 2 // the last number is no id
	if m.Size == 0 || uint64(m.Inside)+uint64(m.Size)-1 > last || uint64(m.Outside)+uint64(m.Size)-1 > last {
		return m, strconv.Quote(text) + " has no ids, or too many", "ids are 0 to 4294967294"
	}
	return m, "", ""
}

// devices reads a list of paths, each perhaps with its access: "/dev/video0", "/dev/rtc0:r".
func (v value) devices(to *[]Device) {
	list, fine := []Device{}, true
	isList := v.each("a list of devices", func(e value) {
		var d Device
		fine = parsed(e, &d, parseDevice) && fine
		list = append(list, d)
	})
	if isList && fine {
		*to = list
	}
}

func parseDevice(text string) (d Device, what, hint string) {
	const form = `write "/dev/NAME", or with what may be done "/dev/NAME:rw"`
	name, access, written := strings.Cut(text, ":")
	if !written {
		access = "rw"
	}
	if !strings.HasPrefix(name, "/dev/") || path.Clean(name) != name || access == "" || strings.Trim(access, "rwm") != "" {
		return d, strconv.Quote(text) + " is not a device", form
	}
	return Device{name, access}, "", ""
}

func readShare(v value, to *Share) {
	own := readTable(v, shareFields(), to)
	if own != nil && (own["with"] == nil || own["namespaces"] == nil) {
		v.faultAt(atKey, "needs with and namespaces", `such as { with = "NAME", namespaces = ["net", "ipc"] }`)
	}
}

func shareFields() []field[Share] {
	return []field[Share]{
		{"with", func(v value, s *Share) { v.nonEmpty(&s.With) }},
		{"namespaces", func(v value, s *Share) { v.namespaces(&s.Namespaces, []string{"ipc", "net", "pid", "uts"}) }},
	}
}
