package oci

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
	"github.com/orderly-init/orderly/runtime/container"
)

func kindsByName() map[specs.LinuxNamespaceType]uint64 {
	return map[specs.LinuxNamespaceType]uint64{
		specs.PIDNamespace: unix.CLONE_NEWPID, specs.NetworkNamespace: unix.CLONE_NEWNET, specs.MountNamespace: unix.CLONE_NEWNS,
		specs.IPCNamespace: unix.CLONE_NEWIPC, specs.UTSNamespace: unix.CLONE_NEWUTS, specs.UserNamespace: unix.CLONE_NEWUSER,
		specs.CgroupNamespace: unix.CLONE_NEWCGROUP, specs.TimeNamespace: unix.CLONE_NEWTIME,
	}
}

func (r *reader) namespaces(l *specs.Linux) {
	c := &r.b.Config
	seen := map[specs.LinuxNamespaceType]bool{}
	for i, n := range l.Namespaces {
		kind, known := kindsByName()[n.Type]
		switch {
		case !known:
			r.wrong(fmt.Sprintf("%q is not a namespace of Linux", n.Type), "linux", "namespaces", i, "type")
		case seen[n.Type]:
			r.wrong(string(n.Type)+" is there twice", "linux", "namespaces", i, "type")
		case n.Path == "":
			c.Kinds |= kind
		case kind&(unix.CLONE_NEWNS|unix.CLONE_NEWUSER|unix.CLONE_NEWTIME) != 0:
			r.wrong("is not supported: a "+string(n.Type)+" namespace is always a new one", "linux", "namespaces", i, "path")
		case r.absolute(n.Path, "linux", "namespaces", i, "path"):
			c.Join = append(c.Join, container.Joining{Path: n.Path, Kind: kind})
		}
		seen[n.Type] = true
	}
	if c.Kinds&unix.CLONE_NEWNS == 0 && !seen[specs.MountNamespace] {
		r.wrong(`has no "mount": a container without its own is not supported`, "linux", "namespaces")
	}
	r.names()
	r.idMaps(l)
	r.offsets(l.TimeOffsets)
	r.settings(l.Sysctl)
}

// has reports whether it has a kind of its own, or one that it enters.
func (r *reader) has(kind uint64) bool {
	entered := func(j container.Joining) bool { return j.Kind == kind }
	return r.b.Config.Kinds&kind != 0 || slices.ContainsFunc(r.b.Config.Join, entered)
}

// names are set in a namespace of its own only: elsewhere they are others'.
func (r *reader) names() {
	c := &r.b.Config
	c.Hostname, c.Domain = r.spec.Hostname, r.spec.Domainname
	for _, n := range []struct{ key, name string }{{"hostname", c.Hostname}, {"domainname", c.Domain}} {
		switch {
		case n.name != "" && c.Kinds&unix.CLONE_NEWUTS == 0:
			r.wrong("needs a new uts namespace", n.key)
		case len(n.name) > 64:
			r.wrong("is longer than 64 bytes", n.key)
		}
	}
}

func (r *reader) idMaps(l *specs.Linux) {
	c := &r.b.Config
	c.UIDs, c.GIDs = r.idMap(l.UIDMappings, "linux", "uidMappings"), r.idMap(l.GIDMappings, "linux", "gidMappings")
	for _, m := range []struct {
		key  string
		list []runtime.IDMap
	}{{"uidMappings", c.UIDs}, {"gidMappings", c.GIDs}} {
		switch own := c.Kinds&unix.CLONE_NEWUSER != 0; {
		case own && m.list == nil:
			r.wrong("is needed for a user namespace", "linux", m.key)
		case !own && m.list != nil:
			r.wrong("needs a new user namespace", "linux", m.key)
		}
	}
}

// maxMaps is how many lines the kernel takes, see user_namespaces(7).
const maxMaps = 340

func (r *reader) idMap(list []specs.LinuxIDMapping, way ...any) []runtime.IDMap {
	var all []runtime.IDMap
	const last = math.MaxUint32 - 1 // the number behind it is no id
	for i, m := range list {
		if m.Size == 0 || uint64(m.ContainerID)+uint64(m.Size)-1 > last || uint64(m.HostID)+uint64(m.Size)-1 > last {
			r.wrong("has no ids, or too many", append(slices.Clone(way), i, "size")...)
		}
		all = append(all, runtime.IDMap{Inside: m.ContainerID, Outside: m.HostID, Size: m.Size})
	}
	if len(list) > maxMaps {
		r.wrong(fmt.Sprintf("has more than %d ranges", maxMaps), way...)
	}
	return all
}

func (r *reader) offsets(all map[string]specs.LinuxTimeOffset) {
	for name, o := range all {
		way := []any{"linux", "timeOffsets", name}
		const most = math.MaxInt64/int64(time.Second) - 1
		if o.Secs > most || o.Secs < -most || o.Nanosecs > 999_999_999 {
			r.wrong("is out of range", way...)
			continue
		}
		by := time.Duration(o.Secs)*time.Second + time.Duration(o.Nanosecs)
		switch name {
		case "monotonic":
			r.b.Config.Monotonic = by
		case "boottime":
			r.b.Config.Boottime = by
		default:
			r.wrong("is not a clock of a time namespace: monotonic, boottime", way...)
		}
		if r.b.Config.Kinds&unix.CLONE_NEWTIME == 0 {
			r.wrong("needs a new time namespace", way...)
		}
	}
}

// settings are of its own namespaces: all others are the machine's.
func (r *reader) settings(all map[string]string) {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if why := r.setting(name); why != "" {
			r.wrong(why, "linux", "sysctl", name)
			continue
		}
		r.b.Config.Settings = append(r.b.Config.Settings, runtime.Setting{Path: strings.ReplaceAll(name, ".", "/"), Value: all[name]})
	}
}

func (r *reader) setting(name string) (why string) {
	for _, s := range []struct {
		names string
		kind  uint64
		word  string
	}{
		{"kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced " +
			"kernel.msg_next_id kernel.sem_next_id kernel.shm_next_id fs.mqueue.*", unix.CLONE_NEWIPC, "an ipc"},
		{"net.*", unix.CLONE_NEWNET, "a network"},
		{"kernel.domainname", unix.CLONE_NEWUTS, "a uts"},
	} {
		for pattern := range strings.FieldsSeq(s.names) {
			prefix, open := strings.CutSuffix(pattern, "*")
			if name != pattern && !(open && strings.HasPrefix(name, prefix)) {
				continue
			}
			switch {
			case !r.has(s.kind):
				return "needs " + s.word + " namespace: else it is the machine's"
			case strings.ContainsAny(name, "/\x00") || strings.Contains(name, ".."):
				return "is not a name with dots"
			}
			return ""
		}
	}
	return "is the machine's, not a container's"
}
