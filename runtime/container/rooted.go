package container

import (
	"golang.org/x/sys/unix"

	"github.com/orderly-init/orderly/runtime"
)

// Rooted is the kind of a process with another root, prepared with all that it needs, and no other isolation: the machine's /proc, /sys,
// /dev and /run are in it.
func Rooted(root string, who *runtime.Account, m *Machine) runtime.Kind {
	return New(Config{
		Root: root, Kinds: unix.CLONE_NEWNS, Account: who, Bare: true, Masked: []string{}, ReadOnlies: []string{},
		Volumes: []Volume{
			{Source: "/proc", Target: "/proc", Options: "rbind"}, {Source: "/sys", Target: "/sys", Options: "rbind"},
			{Source: "/dev", Target: "/dev", Options: "rbind"}, {Source: "/run", Target: "/run", Options: "rbind,rslave"},
		},
	}, m)
}
