package manager

import (
	"strconv"
	"strings"

	"github.com/orderly-init/orderly/targets"
)

// container shows what a component has as a root and namespaces of its own.
func (d *pairs) container(c *targets.Component) {
	d.text("root_directory", c.RootDirectory)
	if b := c.Boot; b != nil {
		d.text("boot.state", b.State)
		d.list("boot.slots", b.Slots)
		d.text("boot.slot_argument", b.Argument)
		d.text("boot.try", b.Try)
		d.when("boot.tries", strconv.Itoa(b.Tries), b.Try != "")
	}
	t := c.Container
	if t == nil {
		return
	}
	d.text("container.rootfs", t.Rootfs)
	d.text("container.bundle", t.Bundle)
	d.list("container.namespaces", t.Namespaces)
	d.text("container.hostname", t.Hostname)
	d.flag("container.read_only", t.ReadOnly)
	d.text("container.overlay", t.Overlay)
	d.when("container.overlay_size", strconv.FormatInt(t.OverlaySize, 10), t.OverlaySize != 0)
	for _, m := range t.Mounts {
		d.add("container.mounts", strings.TrimSpace(m.Source+" on "+m.Target+" type "+m.Type+" "+m.Options))
	}
	for _, x := range t.Devices {
		d.add("container.devices", x.Path+":"+x.Access)
	}
	d.list("container.masked_paths", t.Masked)
	for _, s := range t.Sysctl {
		d.add("container.sysctl."+s.Key, s.Value)
	}
	d.idMaps("container.uid_map", t.UIDMap)
	d.idMaps("container.gid_map", t.GIDMap)
	d.when("container.idmapped", strconv.FormatBool(t.IDMapped), t.UIDMap != nil)
	d.when("container.monotonic_offset", t.Monotonic.String(), t.Monotonic != 0)
	d.when("container.boottime_offset", t.Boottime.String(), t.Boottime != 0)
	d.when("container.share", strings.Join(t.Share.Namespaces, " ")+" of "+t.Share.With, t.Share.With != "")
	d.flag("container.init", t.Init)
	d.networked(t)
}

func (d *pairs) idMaps(key string, list []targets.IDMap) {
	for _, m := range list {
		d.add(key, strconv.FormatUint(uint64(m.Inside), 10)+":"+strconv.FormatUint(uint64(m.Outside), 10)+":"+strconv.FormatUint(uint64(m.Size), 10))
	}
}
