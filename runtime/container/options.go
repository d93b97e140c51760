package container

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// word is one word of mount options: MS_* for a file system of its own, MOUNT_ATTR_* for a bind mount.
type word struct {
	flag, noFlag uintptr
	set, clear   uint64
	do           func(*runtime.Mounting)
}

func words() map[string]word {
	nothing := word{}
	return map[string]word{
		"defaults": nothing, "async": nothing, "loud": nothing, "rprivate": nothing, "private": nothing,
		"ro": {flag: unix.MS_RDONLY, set: unix.MOUNT_ATTR_RDONLY}, "rw": {noFlag: unix.MS_RDONLY, clear: unix.MOUNT_ATTR_RDONLY},
		"nosuid": {flag: unix.MS_NOSUID, set: unix.MOUNT_ATTR_NOSUID}, "suid": {noFlag: unix.MS_NOSUID, clear: unix.MOUNT_ATTR_NOSUID},
		"nodev": {flag: unix.MS_NODEV, set: unix.MOUNT_ATTR_NODEV}, "dev": {noFlag: unix.MS_NODEV, clear: unix.MOUNT_ATTR_NODEV},
		"noexec": {flag: unix.MS_NOEXEC, set: unix.MOUNT_ATTR_NOEXEC}, "exec": {noFlag: unix.MS_NOEXEC, clear: unix.MOUNT_ATTR_NOEXEC},
		"noatime":     {flag: unix.MS_NOATIME, set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME},
		"relatime":    {flag: unix.MS_RELATIME, set: unix.MOUNT_ATTR_RELATIME, clear: unix.MOUNT_ATTR__ATIME},
		"strictatime": {flag: unix.MS_STRICTATIME, set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME},
		"nodiratime":  {flag: unix.MS_NODIRATIME, set: unix.MOUNT_ATTR_NODIRATIME},
		"nosymfollow": {flag: unix.MS_NOSYMFOLLOW, set: unix.MOUNT_ATTR_NOSYMFOLLOW},
		"sync":        {flag: unix.MS_SYNCHRONOUS}, "dirsync": {flag: unix.MS_DIRSYNC}, "lazytime": {flag: unix.MS_LAZYTIME},
		"bind":   {do: func(m *runtime.Mounting) { m.Bind = true }},
		"rbind":  {do: func(m *runtime.Mounting) { m.Bind, m.Recursive = true, true }},
		"slave":  {do: func(m *runtime.Mounting) { m.Slave = true }},
		"rslave": {do: func(m *runtime.Mounting) { m.Slave, m.Recursive = true, true }},
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

// CheckOptions says what is wrong with mount options; "" is nothing.
func CheckOptions(text string) string {
	for w := range strings.SplitSeq(text, ",") {
		if why := refused(w); why != "" {
			return fmt.Sprintf("option %s: %s", w, why)
		}
	}
	return ""
}

// mounting is a volume as the spawn list has it. What mount options do not have is for the file system.
func (v *Volume) mounting() (runtime.Mounting, error) {
	m := runtime.Mounting{Source: v.Source, Target: v.Target, Type: v.Type}
	if v.Type == "bind" || v.Type == "none" || v.Type == "" {
		m.Bind, m.Type = true, ""
	}
	if why := CheckOptions(v.Options); why != "" {
		return m, fmt.Errorf("mount %s: %s", v.Target, why)
	}
	known := words()
	var data []string
	for w := range strings.SplitSeq(v.Options, ",") {
		o, ok := known[w]
		switch {
		case w == "":
		case !ok:
			data = append(data, w)
		case o.do != nil:
			o.do(&m)
		default:
			m.Flags = m.Flags&^o.noFlag | o.flag
			m.Set, m.Clear = m.Set&^o.clear|o.set, m.Clear|o.clear
		}
	}
	m.Data = strings.Join(data, ",")
	if m.Bind && m.Data != "" {
		return m, fmt.Errorf("mount %s: a bind mount has no option %s", v.Target, m.Data)
	}
	return m, nil
}
