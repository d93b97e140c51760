package container

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// word is one word of mount options: MS_* for a file system of its own, MOUNT_ATTR_* for a bind mount.
type word struct {
	flag, noFlag uintptr
	set, clear   uint64
	all          bool // of all mounts that a recursive bind brings along
	do           func(*runtime.Mounting)
}

// MS_IVERSION of linux/mount.h, which no system call of ours has a name for.
const msIVersion = 1 << 23

func words() map[string]word {
	nothing := word{}
	all := map[string]word{
		"defaults": nothing, "rprivate": nothing, "private": nothing,
		"sync": {flag: unix.MS_SYNCHRONOUS}, "async": {noFlag: unix.MS_SYNCHRONOUS}, "dirsync": {flag: unix.MS_DIRSYNC},
		"lazytime": {flag: unix.MS_LAZYTIME}, "nolazytime": {noFlag: unix.MS_LAZYTIME},
		"mand": {flag: unix.MS_MANDLOCK}, "nomand": {noFlag: unix.MS_MANDLOCK},
		"silent": {flag: unix.MS_SILENT}, "loud": {noFlag: unix.MS_SILENT},
		"iversion": {flag: msIVersion}, "noiversion": {noFlag: msIVersion},
		"bind":   {do: func(m *runtime.Mounting) { m.Bind = true }},
		"rbind":  {do: func(m *runtime.Mounting) { m.Bind, m.Recursive = true, true }},
		"slave":  {do: func(m *runtime.Mounting) { m.Slave = true }},
		"rslave": {do: func(m *runtime.Mounting) { m.Slave, m.Recursive = true, true }},
	}
	for name, w := range attributes() {
		all[name] = w
		w.all = true
		all["r"+name] = w
	}
	return all
}

// attributes are the words that each mount can have for itself; with an r before them they are of all below it too.
func attributes() map[string]word {
	return map[string]word{
		"ro": {flag: unix.MS_RDONLY, set: unix.MOUNT_ATTR_RDONLY}, "rw": {noFlag: unix.MS_RDONLY, clear: unix.MOUNT_ATTR_RDONLY},
		"nosuid": {flag: unix.MS_NOSUID, set: unix.MOUNT_ATTR_NOSUID}, "suid": {noFlag: unix.MS_NOSUID, clear: unix.MOUNT_ATTR_NOSUID},
		"nodev": {flag: unix.MS_NODEV, set: unix.MOUNT_ATTR_NODEV}, "dev": {noFlag: unix.MS_NODEV, clear: unix.MOUNT_ATTR_NODEV},
		"noexec": {flag: unix.MS_NOEXEC, set: unix.MOUNT_ATTR_NOEXEC}, "exec": {noFlag: unix.MS_NOEXEC, clear: unix.MOUNT_ATTR_NOEXEC},
		"noatime":       {flag: unix.MS_NOATIME, set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME},
		"atime":         {noFlag: unix.MS_NOATIME, clear: unix.MOUNT_ATTR__ATIME},
		"relatime":      {flag: unix.MS_RELATIME, set: unix.MOUNT_ATTR_RELATIME, clear: unix.MOUNT_ATTR__ATIME},
		"norelatime":    {noFlag: unix.MS_RELATIME},
		"strictatime":   {flag: unix.MS_STRICTATIME, set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME},
		"nostrictatime": {noFlag: unix.MS_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME},
		"nodiratime":    {flag: unix.MS_NODIRATIME, set: unix.MOUNT_ATTR_NODIRATIME},
		"diratime":      {noFlag: unix.MS_NODIRATIME, clear: unix.MOUNT_ATTR_NODIRATIME},
		"nosymfollow":   {flag: unix.MS_NOSYMFOLLOW, set: unix.MOUNT_ATTR_NOSYMFOLLOW},
		"symfollow":     {noFlag: unix.MS_NOSYMFOLLOW, clear: unix.MOUNT_ATTR_NOSYMFOLLOW},
	}
}

// refused are words that ask for what a container cannot have here.
func refused(w string) string {
	switch w {
	case "shared", "rshared":
		return "nothing that a container mounts goes out of it"
	case "unbindable", "runbindable", "move", "remount":
		return "is not for a container"
	}
	return ""
}

// CheckWords says what is wrong with mount options; "" is nothing.
func CheckWords(options []string) string {
	for _, w := range options {
		if why := refused(w); why != "" {
			return fmt.Sprintf("option %s: %s", w, why)
		}
	}
	return ""
}

// Binds reports whether options make a bind mount.
func Binds(options []string) bool {
	return slices.Contains(options, "bind") || slices.Contains(options, "rbind")
}

// NotForBind is the first of the options that only a file system could have; "" is none.
func NotForBind(options []string) string {
	known := words()
	for _, w := range options {
		if _, ok := known[w]; !ok && w != "" {
			return w
		}
	}
	return ""
}

// mounting is a volume as the spawn list has it. What mount options do not have is for the file system.
func (v *Volume) mounting() (runtime.Mounting, error) {
	m := runtime.Mounting{Source: v.Source, Target: v.Target, Type: v.Type, Shallow: v.Words != nil}
	options := v.Words
	if options == nil {
		options = strings.Split(v.Options, ",")
	}
	if why := CheckWords(options); why != "" {
		return m, fmt.Errorf("mount %s: %s", v.Target, why)
	}
	if m.Bind = v.Type == "bind" || v.Type == "none" || v.Type == "" || Binds(options); m.Bind {
		m.Type = ""
	}
	if w := NotForBind(options); m.Bind && w != "" {
		return m, fmt.Errorf("mount %s: a bind mount has no option %s", v.Target, w)
	}
	m.Data = apply(&m, options)
	return m, nil
}

// apply sets what options say, and returns those that are for the file system.
func apply(m *runtime.Mounting, options []string) (data string) {
	known := words()
	var rest []string
	for _, w := range options {
		o, ok := known[w]
		switch {
		case w == "":
		case !ok:
			rest = append(rest, w)
		case o.do != nil:
			o.do(m)
		case o.all && m.Shallow:
			m.SetAll, m.ClearAll = m.SetAll&^o.clear|o.set, m.ClearAll|o.clear
			m.Flags = m.Flags&^o.noFlag | o.flag
		default:
			m.Flags = m.Flags&^o.noFlag | o.flag
			m.Set, m.Clear = m.Set&^o.clear|o.set, m.Clear|o.clear
		}
	}
	return strings.Join(rest, ",")
}
