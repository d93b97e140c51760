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

// wordOf is a word by its name. It is asked for at each start: a table would have to be made anew.
func wordOf(name string) (w word, known bool) {
	if w, known = attribute(name); known {
		return w, true
	}
	if rest, is := strings.CutPrefix(name, "r"); is {
		if w, known = attribute(rest); known {
			w.all = true
			return w, true
		}
	}
	switch name {
	case "defaults", "rprivate", "private":
	case "sync":
		w = word{flag: unix.MS_SYNCHRONOUS}
	case "async":
		w = word{noFlag: unix.MS_SYNCHRONOUS}
	case "dirsync":
		w = word{flag: unix.MS_DIRSYNC}
	case "lazytime":
		w = word{flag: unix.MS_LAZYTIME}
	case "nolazytime":
		w = word{noFlag: unix.MS_LAZYTIME}
	case "mand":
		w = word{flag: unix.MS_MANDLOCK}
	case "nomand":
		w = word{noFlag: unix.MS_MANDLOCK}
	case "silent":
		w = word{flag: unix.MS_SILENT}
	case "loud":
		w = word{noFlag: unix.MS_SILENT}
	case "iversion":
		w = word{flag: msIVersion}
	case "noiversion":
		w = word{noFlag: msIVersion}
	case "bind":
		w = word{do: func(m *runtime.Mounting) { m.Bind = true }}
	case "rbind":
		w = word{do: func(m *runtime.Mounting) { m.Bind, m.Recursive = true, true }}
	case "slave":
		w = word{do: func(m *runtime.Mounting) { m.Slave = true }}
	case "rslave":
		w = word{do: func(m *runtime.Mounting) { m.Slave, m.Recursive = true, true }}
	default:
		return w, false
	}
	return w, true
}

// attribute is one of the words that each mount can have for itself; with an r before them they are of all below it too.
func attribute(name string) (w word, known bool) {
	switch name {
	case "ro":
		w = word{flag: unix.MS_RDONLY, set: unix.MOUNT_ATTR_RDONLY}
	case "rw":
		w = word{noFlag: unix.MS_RDONLY, clear: unix.MOUNT_ATTR_RDONLY}
	case "nosuid":
		w = word{flag: unix.MS_NOSUID, set: unix.MOUNT_ATTR_NOSUID}
	case "suid":
		w = word{noFlag: unix.MS_NOSUID, clear: unix.MOUNT_ATTR_NOSUID}
	case "nodev":
		w = word{flag: unix.MS_NODEV, set: unix.MOUNT_ATTR_NODEV}
	case "dev":
		w = word{noFlag: unix.MS_NODEV, clear: unix.MOUNT_ATTR_NODEV}
	case "noexec":
		w = word{flag: unix.MS_NOEXEC, set: unix.MOUNT_ATTR_NOEXEC}
	case "exec":
		w = word{noFlag: unix.MS_NOEXEC, clear: unix.MOUNT_ATTR_NOEXEC}
	case "nodiratime":
		w = word{flag: unix.MS_NODIRATIME, set: unix.MOUNT_ATTR_NODIRATIME}
	case "diratime":
		w = word{noFlag: unix.MS_NODIRATIME, clear: unix.MOUNT_ATTR_NODIRATIME}
	case "nosymfollow":
		w = word{flag: unix.MS_NOSYMFOLLOW, set: unix.MOUNT_ATTR_NOSYMFOLLOW}
	case "symfollow":
		w = word{noFlag: unix.MS_NOSYMFOLLOW, clear: unix.MOUNT_ATTR_NOSYMFOLLOW}
	default:
		return accessTime(name)
	}
	return w, true
}

// accessTime is one of those that exclude each other.
func accessTime(name string) (w word, known bool) {
	switch name {
	case "noatime":
		w = word{flag: unix.MS_NOATIME, set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME}
	case "atime":
		w = word{noFlag: unix.MS_NOATIME, clear: unix.MOUNT_ATTR__ATIME}
	case "relatime":
		w = word{flag: unix.MS_RELATIME, set: unix.MOUNT_ATTR_RELATIME, clear: unix.MOUNT_ATTR__ATIME}
	case "norelatime":
		w = word{noFlag: unix.MS_RELATIME}
	case "strictatime":
		w = word{flag: unix.MS_STRICTATIME, set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME}
	case "nostrictatime":
		w = word{noFlag: unix.MS_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME}
	default:
		return w, false
	}
	return w, true
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
	for _, w := range options {
		if _, known := wordOf(w); !known && w != "" {
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
	var rest []string
	for _, w := range options {
		o, known := wordOf(w)
		switch {
		case w == "":
		case !known:
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
